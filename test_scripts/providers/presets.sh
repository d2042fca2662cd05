#!/usr/bin/env bash
# Known vendors with base URL, kind and draft prices (model administrators).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/providers/presets" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"urlBase"'
