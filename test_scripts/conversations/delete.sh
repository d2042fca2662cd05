#!/usr/bin/env bash
# Delete a conversation.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/conversations" -H "ACCESS-KEY: $KEY" -H "$JSON" -d '{"title": "Scripts"}' | field conversationId)
"${CURL[@]}" -X DELETE "$BASE_URL/v1/conversations/$id" -H "ACCESS-KEY: $KEY" | expect '"code":200'
