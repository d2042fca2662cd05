#!/usr/bin/env bash
# Rename a key and switch it off.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/access-keys" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"name": "passing"}' | field id)
"${CURL[@]}" -X PATCH "$BASE_URL/v1/access-keys/$id" -H "Authorization: Bearer $TOKEN" -H "$JSON" \
  -d '{"name": "renamed", "isActive": false}' | expect '"isActive":false'
