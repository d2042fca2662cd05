#!/usr/bin/env bash
# Change a provider; another host switches its keys off until they are entered again.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/providers" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"name\": \"example-$UNIQUE\", \"urlBase\": \"https://api.example.com/v1\"}" | field id)
"${CURL[@]}" -X PUT "$BASE_URL/v1/providers/$id" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d '{"urlBase": "https://api.example.org/v1", "kind": "openai"}' | expect 'example.org'
