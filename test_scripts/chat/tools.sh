#!/usr/bin/env bash
# A tool call: the model asks for a function.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v2/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" -d '{
  "model": "sim-chat",
  "messages": [{"role": "user", "content": "What is the weather in Hamburg?"}],
  "tools": [{"type": "function", "function": {
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
  }}]
}' | expect '"name":"get_weather"'
