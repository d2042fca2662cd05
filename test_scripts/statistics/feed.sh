#!/usr/bin/env bash
# What happens at the moment: a call, seen in the live feed (ROOT).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" --no-buffer "$BASE_URL/v1/admin/feed?seconds=5" -H "Authorization: Bearer $ROOT_TOKEN" >"$STATE/feed" &
feed=$!
sleep 1
"${CURL[@]}" "$BASE_URL/v1/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" -d '{"userMessage": "Say hello."}' | expect '"code":200'
wait "$feed"
expect 'event: call' <"$STATE/feed"
