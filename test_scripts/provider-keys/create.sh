#!/usr/bin/env bash
# Add a key to a provider; it is stored encrypted and never shown.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/providers" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"name\": \"example-$UNIQUE\", \"urlBase\": \"https://api.example.com/v1\"}" | field id)
"${CURL[@]}" "$BASE_URL/v1/providers/keys" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"providerId\": $id, \"apiKey\": \"sk-example-1234\", \"name\": \"first\", \"weight\": 3}" | expect '1234'
