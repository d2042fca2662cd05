#!/usr/bin/env bash
# One small real call to a model: latency, usage, answer.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/models" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d "{
  \"displayName\": \"Example\", \"modelIdentifier\": \"example-$UNIQUE\", \"capabilities\": [\"text-to-text\"],
  \"pricing\": {\"input\": \"0.000002\", \"output\": \"0.000008\"}, \"priority\": 100, \"status\": 0,
  \"providerName\": \"simulator\", \"upstreamModel\": \"sim-chat\"
}" | field id)
"${CURL[@]}" -X POST "$BASE_URL/v1/models/$id/test" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"ok":true'
