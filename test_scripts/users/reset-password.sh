#!/usr/bin/env bash
# Let somebody who has lost the password set a new one (ROOT makes the token, the person uses it).
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/users" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"username\": \"lost-$UNIQUE\", \"password\": \"lost-password\"}" | field id)
token=$("${CURL[@]}" "$BASE_URL/v1/users/$id/reset-password" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d '{}' | field token)
"${CURL[@]}" "$BASE_URL/v1/auth/reset-password" -H "$JSON" \
  -d "{\"token\": \"$token\", \"newPassword\": \"found-password\"}" | expect '"code":200'
"${CURL[@]}" "$BASE_URL/v1/auth/login" -H "$JSON" \
  -d "{\"username\": \"lost-$UNIQUE\", \"password\": \"found-password\"}" | expect '"token"'
