#!/usr/bin/env bash
# Rename and pin a conversation.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/conversations" -H "ACCESS-KEY: $KEY" -H "$JSON" -d '{"title": "Scripts"}' | field conversationId)
"${CURL[@]}" -X PATCH "$BASE_URL/v1/conversations/$id" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"title": "Renamed", "pinned": true}' | expect '"pinned":true'
