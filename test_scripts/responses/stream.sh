#!/usr/bin/env bash
# A response as server-sent events.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" -N "$BASE_URL/v1/responses" -H "Authorization: Bearer $KEY" -H "$JSON" \
  -d '{"model": "sim-chat", "input": "Count to three.", "stream": true, "store": false}' | expect 'event: response.completed'
