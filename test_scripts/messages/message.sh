#!/usr/bin/env bash
# A chat as Anthropic's clients ask for it.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/messages" -H "x-api-key: $KEY" -H 'anthropic-version: 2023-06-01' -H "$JSON" \
  -d '{"model": "sim-chat", "max_tokens": 20, "messages": [{"role": "user", "content": "Say hello."}]}' |
  expect '"stop_reason"'
