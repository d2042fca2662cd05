#!/usr/bin/env bash
# How many tokens a prompt has.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/messages/count_tokens" -H "x-api-key: $KEY" -H 'anthropic-version: 2023-06-01' -H "$JSON" \
  -d '{"model": "sim-chat", "messages": [{"role": "user", "content": "Say hello."}]}' | expect '"input_tokens"'
