#!/usr/bin/env bash
# A model's calls (model administrators).
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/models?capability=text-to-text&pageSize=1&sortBy=priority&sortOrder=asc" -H "Authorization: Bearer $ROOT_TOKEN" | field id)
"${CURL[@]}" "$BASE_URL/v1/statistics/logs/model/$id?limit=5" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"code":200'
