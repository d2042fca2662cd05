#!/usr/bin/env bash
# Two documents in the order of what they say about a query.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/rerank" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"model": "sim-rerank", "query": "light at sea", "documents": ["a lighthouse", "the light at sea"], "top_n": 1}' |
  expect '"relevance_score"'
