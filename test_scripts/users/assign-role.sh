#!/usr/bin/env bash
# Give a user a role (ROOT).
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/users" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"username\": \"made-$UNIQUE\", \"password\": \"made-password\"}" | field id)
"${CURL[@]}" "$BASE_URL/v1/users/assign-role" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"userId\": $id, \"role\": \"ROLE_MODEL_ADMIN\"}" | expect '"role":"ROLE_MODEL_ADMIN"'
