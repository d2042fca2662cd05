#!/usr/bin/env bash
# Sign in; the token is kept for the other scripts.
source "$(dirname "$0")/../settings.sh"

answer=$("${CURL[@]}" "$BASE_URL/v1/auth/login" -H "$JSON" \
  -d "{\"username\": \"$LOGIN_NAME\", \"password\": \"$PASSWORD\"}")
field token <<<"$answer" | remember TOKEN
expect '"role":"ROLE_USER"' <<<"$answer"
