#!/usr/bin/env bash
# Chat about an image, given as base64.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" -d "{
  \"userMessage\": \"What is on this picture?\", \"images\": [{\"base64\": \"$IMAGE\"}]
}" | expect '"assistantMessage"'
