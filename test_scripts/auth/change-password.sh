#!/usr/bin/env bash
# Change the password of a user made for it; its older tokens stop working.
source "$(dirname "$0")/../settings.sh"

name=changing-$UNIQUE
credentials="{\"username\": \"$name\", \"password\": \"first-password\"}"
"${CURL[@]}" "$BASE_URL/v1/auth/register" -H "$JSON" -d "$credentials" | expect '"code":200'
token=$("${CURL[@]}" "$BASE_URL/v1/auth/login" -H "$JSON" -d "$credentials" | field token)
"${CURL[@]}" "$BASE_URL/v1/auth/change-password" -H "Authorization: Bearer $token" -H "$JSON" \
  -d '{"oldPassword": "first-password", "newPassword": "second-password"}' | expect '"code":200'
# The old token is refused from now on; --fail is left out, as 401 is what we want.
curl --silent "$BASE_URL/v1/auth/me" -H "Authorization: Bearer $token" | expect '"code":401'
