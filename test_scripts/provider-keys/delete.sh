#!/usr/bin/env bash
# Delete a key.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/providers" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"name\": \"example-$UNIQUE\", \"urlBase\": \"https://api.example.com/v1\"}" | field id)
keyId=$("${CURL[@]}" "$BASE_URL/v1/providers/keys" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"providerId\": $id, \"apiKey\": \"sk-example-1234\"}" | field id)
"${CURL[@]}" -X DELETE "$BASE_URL/v1/providers/keys/$keyId" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"code":200'
