#!/usr/bin/env bash
# Vectors of two texts.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/embeddings" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"model": "sim-embedding", "input": ["the sea", "a lighthouse in fog"], "dimensions": 4}' | expect '"embedding"'
