#!/usr/bin/env bash
# The own access keys, masked.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/access-keys" -H "Authorization: Bearer $TOKEN" | expect '"maskedKeyValue"'
