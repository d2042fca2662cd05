#!/usr/bin/env bash
# Whose is a key that was found somewhere, and an end to it (ROOT).
source "$(dirname "$0")/../settings.sh"

leaked=$("${CURL[@]}" "$BASE_URL/v1/access-keys" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"name": "leaked"}' | field keyValue)
id=$("${CURL[@]}" "$BASE_URL/v1/admin/access-keys/find" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"keyValue\": \"$leaked\"}" | field id)
"${CURL[@]}" "$BASE_URL/v1/admin/access-keys/$id/revoke" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d '{"reason": "found in a public repository"}' | expect '"isActive":false'
