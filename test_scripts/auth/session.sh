#!/usr/bin/env bash
# The session of a browser: a cookie and a CSRF token; a call of a model with the limits of an own access key, by its id.
source "$(dirname "$0")/../settings.sh"

jar=$(mktemp)
trap 'rm -f "$jar"' EXIT
csrf=$("${CURL[@]}" -c "$jar" "$BASE_URL/v1/auth/session" -H "$JSON" -d "{\"username\": \"$LOGIN_NAME\", \"password\": \"$PASSWORD\"}" | field csrfToken)
"${CURL[@]}" -b "$jar" "$BASE_URL/v1/auth/session" | expect "$csrf"
id=$("${CURL[@]}" -b "$jar" "$BASE_URL/v1/access-keys" | field id)
"${CURL[@]}" -b "$jar" "$BASE_URL/v1/chat/completions" -H "X-CSRF-Token: $csrf" -H "X-Access-Key-Id: $id" -H "$JSON" \
  -d '{"model": "sim-chat", "max_tokens": 5, "messages": [{"role": "user", "content": "Say hello."}]}' | expect '"choices"'
"${CURL[@]}" -b "$jar" -X DELETE "$BASE_URL/v1/auth/session" -H "X-CSRF-Token: $csrf" | expect '"code":200'
