#!/usr/bin/env bash
# A user's calls (model administrators).
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/auth/me" -H "Authorization: Bearer $TOKEN" | field id)
"${CURL[@]}" "$BASE_URL/v1/statistics/logs/user/$id?limit=5" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"requestId"'
