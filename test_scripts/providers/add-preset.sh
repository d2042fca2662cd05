#!/usr/bin/env bash
# Provider, key and draft-priced models of a known vendor in one step (model administrators).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/providers/presets" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"name\": \"cohere\", \"apiKey\": \"cohere-$UNIQUE\", \"rate\": \"7.2\"}" | expect '"keyId"'
