#!/usr/bin/env bash
# Sign in as ROOT, with the password that `npm start` shows; the token is kept for the other scripts.
source "$(dirname "$0")/../settings.sh"

answer=$("${CURL[@]}" "$BASE_URL/v1/auth/login" -H "$JSON" \
  -d "{\"username\": \"root\", \"password\": \"$ROOT_PASSWORD\"}")
field token <<<"$answer" | remember ROOT_TOKEN
expect '"role":"ROLE_ROOT_ADMIN"' <<<"$answer"
