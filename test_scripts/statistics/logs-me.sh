#!/usr/bin/env bash
# The own calls, newest first.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/statistics/logs/me?limit=5&sortDesc=true" -H "Authorization: Bearer $TOKEN" | expect '"requestId"'
