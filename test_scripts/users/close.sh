#!/usr/bin/env bash
# Close an account for good (ROOT).
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/users" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"username\": \"closed-$UNIQUE\", \"password\": \"closed-password\"}" | field id)
"${CURL[@]}" "$BASE_URL/v1/users/$id/close" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d '{"reason": "asked for by the customer"}' | expect '"closedAt"'
