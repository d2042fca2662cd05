#!/usr/bin/env bash
# The own statement of this month, as JSON and as CSV.
source "$(dirname "$0")/../settings.sh"

month=$(date +%Y-%m)
"${CURL[@]}" "$BASE_URL/v1/billing/statement?month=$month" -H "Authorization: Bearer $TOKEN" | expect '"closing"'
"${CURL[@]}" "$BASE_URL/v1/billing/statement?month=$month&format=csv" -H "Authorization: Bearer $TOKEN" | expect 'opening'
