#!/usr/bin/env bash
# Online models that can chat, by priority (any signed-in user).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/models?status=1&capability=text-to-text&sortBy=priority" -H "Authorization: Bearer $TOKEN" | expect '"modelIdentifier"'
