#!/usr/bin/env bash
# Make a provider and read it (model administrators).
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/providers" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"name\": \"example-$UNIQUE\", \"urlBase\": \"https://api.example.com/v1\"}" | field id)
"${CURL[@]}" "$BASE_URL/v1/providers/$id" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"urlBase":"https://api.example.com/v1"'
