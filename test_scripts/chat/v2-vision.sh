#!/usr/bin/env bash
# An image in OpenAI's form, as a data URL.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v2/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" -d "{
  \"model\": \"sim-vision\",
  \"messages\": [{\"role\": \"user\", \"content\": [
    {\"type\": \"text\", \"text\": \"What is on this picture?\"},
    {\"type\": \"image_url\", \"image_url\": {\"url\": \"data:image/png;base64,$IMAGE\"}}
  ]}]
}" | expect '"object":"chat.completion"'
