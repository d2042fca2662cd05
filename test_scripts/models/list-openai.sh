#!/usr/bin/env bash
# With an access key alone: OpenAI's list, and one model of it.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/models" -H "ACCESS-KEY: $KEY" | expect '"object":"list"'
"${CURL[@]}" "$BASE_URL/v1/models/sim-chat" -H "ACCESS-KEY: $KEY" | expect '"object":"model"'
