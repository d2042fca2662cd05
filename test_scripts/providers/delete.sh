#!/usr/bin/env bash
# Delete a provider with its keys.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/providers" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"name\": \"example-$UNIQUE\", \"urlBase\": \"https://api.example.com/v1\"}" | field id)
"${CURL[@]}" -X DELETE "$BASE_URL/v1/providers/$id" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"code":200'
