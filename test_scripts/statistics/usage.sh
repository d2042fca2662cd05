#!/usr/bin/env bash
# The own charged calls by model.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/statistics/usage?groupBy=model" -H "Authorization: Bearer $TOKEN" | expect '"requests"'
