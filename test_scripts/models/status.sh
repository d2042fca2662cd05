#!/usr/bin/env bash
# Put a model online and offline.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/models" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d "{
  \"displayName\": \"Example\", \"modelIdentifier\": \"example-$UNIQUE\", \"capabilities\": [\"text-to-text\"],
  \"pricing\": {\"input\": \"0.000002\", \"output\": \"0.000008\"}, \"priority\": 100, \"status\": 0,
  \"providerName\": \"simulator\", \"upstreamModel\": \"sim-chat\"
}" | field id)
"${CURL[@]}" "$BASE_URL/v1/models/$id/status" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d '{"status": 1}' | expect '"status":1'
"${CURL[@]}" "$BASE_URL/v1/models/$id/status" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d '{"status": 0}' | expect '"status":0'
