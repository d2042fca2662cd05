#!/usr/bin/env bash
# The same as server-sent events; the cost comes in a closing comment.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" --no-buffer "$BASE_URL/v2/chat/stream" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"messages": [{"role": "user", "content": "Say hello."}]}' | expect 'data: [DONE]'
