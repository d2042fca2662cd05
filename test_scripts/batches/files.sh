#!/usr/bin/env bash
# Own files.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/files" -H "ACCESS-KEY: $KEY" | expect '"list"'
