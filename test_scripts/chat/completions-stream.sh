#!/usr/bin/env bash
# OpenAI's own path, streamed, with usage.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" --no-buffer "$BASE_URL/v1/chat/completions" -H "Authorization: Bearer $KEY" -H "$JSON" -d '{
  "model": "sim-chat", "stream": true, "stream_options": {"include_usage": true},
  "messages": [{"role": "user", "content": "Say hello."}]
}' | expect '"completion_tokens"'
