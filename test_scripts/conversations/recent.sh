#!/usr/bin/env bash
# Pinned conversations, then the newest.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/conversations/recent?limit=5" -H "ACCESS-KEY: $KEY" | expect '"conversationId"'
