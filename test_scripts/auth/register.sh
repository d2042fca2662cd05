#!/usr/bin/env bash
# Register a user; it has the opening balance.
source "$(dirname "$0")/../settings.sh"

LOGIN_NAME=scripts-$UNIQUE
"${CURL[@]}" "$BASE_URL/v1/auth/register" -H "$JSON" \
  -d "{\"username\": \"$LOGIN_NAME\", \"password\": \"$PASSWORD\"}" | expect "$LOGIN_NAME"
remember LOGIN_NAME <<<"$LOGIN_NAME"
