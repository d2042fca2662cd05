#!/usr/bin/env bash
# OpenAI's own path.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/images/generations" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"model": "sim-image", "prompt": "a lighthouse in fog", "n": 2, "size": "512x512"}' | expect '"b64_json"' | cut -c 1-200
