#!/usr/bin/env bash
# Live jobs, balances of all accounts, and the money that came and went in the last three days (administrators).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/admin/overview?days=3" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"movements"'
