#!/usr/bin/env bash
# Make a user with a role and an opening balance (ROOT).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/users" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"username\": \"made-$UNIQUE\", \"password\": \"made-password\", \"role\": \"ROLE_USER\", \"balance\": \"2.50\"}" |
  expect '"balance":2.5'
