#!/usr/bin/env bash
# Own batches.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/batches" -H "ACCESS-KEY: $KEY" | expect '"list"'
