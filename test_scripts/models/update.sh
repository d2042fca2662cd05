#!/usr/bin/env bash
# Change a model; another price becomes a new version.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/models" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d "{
  \"displayName\": \"Example\", \"modelIdentifier\": \"example-$UNIQUE\", \"capabilities\": [\"text-to-text\"],
  \"pricing\": {\"input\": \"0.000002\", \"output\": \"0.000008\"}, \"priority\": 100, \"status\": 0,
  \"providerName\": \"simulator\", \"upstreamModel\": \"sim-chat\"
}" | field id)
"${CURL[@]}" -X PUT "$BASE_URL/v1/models/$id" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d '{"displayName": "Renamed", "pricing": {"input": "0.000001", "output": "0.000004"}}' | expect '"input":0.000001'
