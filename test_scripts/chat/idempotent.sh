#!/usr/bin/env bash
# The same key and body twice: one answer, one charge.
source "$(dirname "$0")/../settings.sh"

for _ in 1 2; do
  "${CURL[@]}" "$BASE_URL/v1/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" -H "Idempotency-Key: chat-$UNIQUE" \
    -d '{"userMessage": "Say hello once."}' | field requestId
done | sort -u | wc -l | expect 1
