#!/usr/bin/env bash
# Whether a text is harmful.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/moderations" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"model": "sim-moderation", "input": "A lighthouse."}' | expect '"flagged"'
