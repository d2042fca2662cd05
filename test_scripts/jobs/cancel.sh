#!/usr/bin/env bash
# Cancel a job, here of a model made for it that takes half a minute. What had come by then is charged.
source "$(dirname "$0")/../settings.sh"

name=slow-$UNIQUE
modelId=$("${CURL[@]}" "$BASE_URL/v1/models" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d "{
  \"displayName\": \"Slow\", \"modelIdentifier\": \"$name\", \"capabilities\": [\"text-to-text\"],
  \"pricing\": {\"input\": \"0.000002\", \"output\": \"0.000008\"}, \"priority\": 100,
  \"providerName\": \"simulator\", \"upstreamModel\": \"sim-chat!slow-chunks=1000\"
}" | field id)
jobId=$("${CURL[@]}" "$BASE_URL/v1/async/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d "{\"userMessage\": \"Say hello, much later.\", \"modelIdentifier\": \"$name\"}" | field jobId)
"${CURL[@]}" -X POST "$BASE_URL/v1/async/jobs/$jobId/cancel" -H "ACCESS-KEY: $KEY" | expect '"code":200'
"${CURL[@]}" "$BASE_URL/v1/async/jobs/$jobId?wait=30" -H "ACCESS-KEY: $KEY" | expect '"status":"CANCELLED"'
"${CURL[@]}" "$BASE_URL/v1/models/$modelId/status" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d '{"status": 0}' | expect '"code":200'
