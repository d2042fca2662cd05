#!/usr/bin/env bash
# What a user has, its transfers and holds, and all that moved under one id (ROOT).
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/users?search=$LOGIN_NAME" -H "Authorization: Bearer $ROOT_TOKEN" | field id)
"${CURL[@]}" "$BASE_URL/v1/admin/users/$id/transfers?pageSize=5" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"kind":"'
"${CURL[@]}" "$BASE_URL/v1/admin/users/$id/holds" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"records"'
"${CURL[@]}" "$BASE_URL/v1/admin/users/$id/account" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"leased"'
transfer=$("${CURL[@]}" "$BASE_URL/v1/admin/users/$id/transfers?pageSize=1" -H "Authorization: Bearer $ROOT_TOKEN" | field id)
"${CURL[@]}" "$BASE_URL/v1/admin/transfers/$transfer" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"hold"'
"${CURL[@]}" "$BASE_URL/v1/admin/transfers?ids=$transfer" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"isWhole":true'
