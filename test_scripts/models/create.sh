#!/usr/bin/env bash
# Make a model of a provider that exists, and read it.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/models" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d "{
  \"displayName\": \"Example\", \"modelIdentifier\": \"example-$UNIQUE\", \"capabilities\": [\"text-to-text\"],
  \"pricing\": {\"input\": \"0.000002\", \"output\": \"0.000008\"}, \"priority\": 100, \"status\": 0,
  \"providerName\": \"simulator\", \"upstreamModel\": \"sim-chat\"
}" | field id)
"${CURL[@]}" "$BASE_URL/v1/models/$id" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"status":0'
