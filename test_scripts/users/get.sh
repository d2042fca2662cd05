#!/usr/bin/env bash
# One user: balance, spend, last calls (ROOT).
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/users?search=$LOGIN_NAME" -H "Authorization: Bearer $ROOT_TOKEN" | field id)
"${CURL[@]}" "$BASE_URL/v1/users/$id" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"last30Days"'
