#!/usr/bin/env bash
# Remove what an ended job keeps: its request and its result. Status and cost stay.
source "$(dirname "$0")/../settings.sh"

jobId=$("${CURL[@]}" "$BASE_URL/v1/async/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"userMessage": "Say hello."}' | field jobId)
"${CURL[@]}" "$BASE_URL/v1/async/jobs/$jobId?wait=60" -H "ACCESS-KEY: $KEY" | expect '"status":"COMPLETED"'
"${CURL[@]}" -X DELETE "$BASE_URL/v1/async/jobs/$jobId" -H "ACCESS-KEY: $KEY" | expect '"code":200'
"${CURL[@]}" "$BASE_URL/v1/async/jobs/$jobId" -H "ACCESS-KEY: $KEY" | expect '"resultPayload":null'
