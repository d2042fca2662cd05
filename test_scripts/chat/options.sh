#!/usr/bin/env bash
# Chat with a named model, a history and options.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" -d '{
  "modelIdentifier": "sim-chat", "userMessage": "And in French?",
  "history": [{"role": "user", "content": "Say hello."}, {"role": "assistant", "content": "Hello!"}],
  "options": {"temperature": 0.2, "max_tokens": 50}
}' | expect '"usedModelIdentifier":"sim-chat"'
