#!/usr/bin/env bash
# How far a batch is.
source "$(dirname "$0")/../settings.sh"

line='{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "sim-chat", "max_tokens": 5, "messages": [{"role": "user", "content": "Say hello."}]}}'
file="$(printf '%s\n' "$line" | "${CURL[@]}" "$BASE_URL/v1/files" -H "ACCESS-KEY: $KEY" -F purpose=batch -F 'file=@-;filename=batch.jsonl' |
  sed 's/.*"id":"\([^"]*\)".*/\1/')"
batch="$("${CURL[@]}" "$BASE_URL/v1/batches" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d "{\"input_file_id\": \"$file\", \"endpoint\": \"/v1/chat/completions\", \"completion_window\": \"24h\"}" |
  sed 's/^{"id":"\([^"]*\)".*/\1/')"
"${CURL[@]}" "$BASE_URL/v1/batches/$batch" -H "ACCESS-KEY: $KEY" | expect '"request_counts"'
"${CURL[@]}" "$BASE_URL/v1/admin/batches/$batch" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"charged"'
