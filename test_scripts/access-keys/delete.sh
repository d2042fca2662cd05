#!/usr/bin/env bash
# Delete a key; it stops working at once.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/access-keys" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"name": "passing"}' | field id)
"${CURL[@]}" -X DELETE "$BASE_URL/v1/access-keys/$id" -H "Authorization: Bearer $TOKEN" | expect '"code":200'
