#!/usr/bin/env bash
# Chat in OpenAI's form.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v2/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"messages": [{"role": "user", "content": "Say hello."}]}' | expect '"object":"chat.completion"'
