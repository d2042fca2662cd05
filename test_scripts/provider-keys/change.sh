#!/usr/bin/env bash
# Give a key another name and a larger share of the calls.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/providers" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"name\": \"example-$UNIQUE\", \"urlBase\": \"https://api.example.com/v1\"}" | field id)
keyId=$("${CURL[@]}" "$BASE_URL/v1/providers/keys" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"providerId\": $id, \"apiKey\": \"sk-example-1234\"}" | field id)
"${CURL[@]}" -X PATCH "$BASE_URL/v1/providers/keys/$keyId" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d '{"name": "second", "weight": 5}' | expect '"weight":5'
