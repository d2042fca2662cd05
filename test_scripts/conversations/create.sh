#!/usr/bin/env bash
# Begin a conversation, chat in it, read its messages.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/conversations" -H "ACCESS-KEY: $KEY" -H "$JSON" -d '{"title": "Scripts"}' | field conversationId)
"${CURL[@]}" "$BASE_URL/v1/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d "{\"userMessage\": \"Say hello.\", \"persistHistory\": true, \"conversationId\": \"$id\"}" | expect '"assistantMessage"'
"${CURL[@]}" "$BASE_URL/v1/conversations/$id/messages?limit=10" -H "ACCESS-KEY: $KEY" | expect '"code":200'
