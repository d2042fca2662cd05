#!/usr/bin/env bash
# A chat as a job: accepted at once, then awaited.
source "$(dirname "$0")/../settings.sh"

jobId=$("${CURL[@]}" "$BASE_URL/v1/async/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"userMessage": "Say hello, later."}' | field jobId)
"${CURL[@]}" "$BASE_URL/v1/async/jobs/$jobId?wait=30" -H "ACCESS-KEY: $KEY" | expect '"status":"COMPLETED"'
