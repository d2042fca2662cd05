#!/usr/bin/env bash
# Transfers and holds of a user (ROOT).
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/users?search=$LOGIN_NAME" -H "Authorization: Bearer $ROOT_TOKEN" | field id)
"${CURL[@]}" "$BASE_URL/v1/admin/users/$id/transfers?pageSize=5" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"kind":"'
"${CURL[@]}" "$BASE_URL/v1/admin/users/$id/holds" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"records"'
