#!/usr/bin/env bash
# Orders of all users (ROOT).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/orders?pageSize=5&status=PENDING" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"records"'
