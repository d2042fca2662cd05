#!/usr/bin/env bash
# Status and progress of a job as server-sent events, until it ends.
source "$(dirname "$0")/../settings.sh"

jobId=$("${CURL[@]}" "$BASE_URL/v1/async/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"userMessage": "Say hello, later."}' | field jobId)
"${CURL[@]}" --no-buffer "$BASE_URL/v1/async/jobs/$jobId/events" -H "ACCESS-KEY: $KEY" | expect 'COMPLETED'
