#!/usr/bin/env bash
# The same, where Cohere's second client asks for it.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v2/rerank" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"model": "sim-rerank", "query": "light at sea", "documents": ["a lighthouse", "the light at sea"]}' |
  expect '"search_units"'
