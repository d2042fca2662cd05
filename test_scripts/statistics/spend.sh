#!/usr/bin/env bash
# What was spent by tag of the access keys; as a file with format=csv.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/statistics/spend?groupBy=tag" -H "Authorization: Bearer $TOKEN" | expect '"total"'
"${CURL[@]}" "$BASE_URL/v1/statistics/spend?groupBy=user&format=csv" -H "Authorization: Bearer $ROOT_TOKEN" | expect 'username,requests'
