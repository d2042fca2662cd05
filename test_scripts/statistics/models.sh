#!/usr/bin/env bash
# Calls, tokens, images and cost of today by model (model administrators).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/statistics/models" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d '{}' | expect '"totalRequests"'
