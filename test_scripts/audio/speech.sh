#!/usr/bin/env bash
# Speech made of a text.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/audio/speech" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"model": "sim-speech", "voice": "alloy", "input": "A lighthouse.", "response_format": "wav"}' |
  tr -d '\0' | expect 'WAVE'
