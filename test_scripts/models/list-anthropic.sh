#!/usr/bin/env bash
# Models as Anthropic's clients list them.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/models?limit=1000" -H "x-api-key: $KEY" -H 'anthropic-version: 2023-06-01' |
  expect '"display_name"'
