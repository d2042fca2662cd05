#!/usr/bin/env bash
# Disable a user and enable it again (ROOT).
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/users" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"username\": \"made-$UNIQUE\", \"password\": \"made-password\"}" | field id)
"${CURL[@]}" "$BASE_URL/v1/users/$id/status" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d '{"status": 0}' | expect '"status":0'
"${CURL[@]}" "$BASE_URL/v1/users/$id/status" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d '{"status": 1}' | expect '"status":1'
