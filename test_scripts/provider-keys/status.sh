#!/usr/bin/env bash
# Switch a key off and on.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/providers" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"name\": \"example-$UNIQUE\", \"urlBase\": \"https://api.example.com/v1\"}" | field id)
keyId=$("${CURL[@]}" "$BASE_URL/v1/providers/keys" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"providerId\": $id, \"apiKey\": \"sk-example-1234\"}" | field id)
"${CURL[@]}" "$BASE_URL/v1/providers/keys/$keyId/status" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d '{"status": false}' | expect '"code":200'
"${CURL[@]}" "$BASE_URL/v1/providers/keys/$keyId/status" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d '{"status": true}' | expect '"code":200'
