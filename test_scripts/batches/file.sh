#!/usr/bin/env bash
# One file.
source "$(dirname "$0")/../settings.sh"

line='{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "sim-chat", "max_tokens": 5, "messages": [{"role": "user", "content": "Say hello."}]}}'
file="$(printf '%s\n' "$line" | "${CURL[@]}" "$BASE_URL/v1/files" -H "ACCESS-KEY: $KEY" -F purpose=batch -F 'file=@-;filename=batch.jsonl' |
  sed 's/.*"id":"\([^"]*\)".*/\1/')"
"${CURL[@]}" "$BASE_URL/v1/files/$file" -H "ACCESS-KEY: $KEY" | expect '"batch.jsonl"'
