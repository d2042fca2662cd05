#!/usr/bin/env bash
# Model, provider and key in one call.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/models" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d "{
  \"displayName\": \"Example\", \"modelIdentifier\": \"whole-$UNIQUE\", \"capabilities\": [\"text-to-text\"],
  \"pricing\": {\"input\": \"0.000002\", \"output\": \"0.000008\"}, \"priority\": 100, \"status\": 0,
  \"providerName\": \"whole-$UNIQUE\", \"urlBase\": \"https://api.example.com/v1\", \"apiKey\": \"sk-example-1234\"
}" | expect '"providerName":"whole-'
