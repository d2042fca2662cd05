#!/usr/bin/env bash
# Chat, answered when the model has finished.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"userMessage": "Say hello."}' | expect '"assistantMessage"'
