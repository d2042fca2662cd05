#!/usr/bin/env bash
# How many tokens a response would read.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/responses/input_tokens" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"model": "sim-chat", "input": "Say hello."}' | expect '"input_tokens"'
