#!/usr/bin/env bash
# Calls by outcome, newest first (model administrators).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/statistics/logs/query" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d '{"isSuccess": true, "limit": 5, "sortDesc": true}' | expect '"requestId"'
