#!/usr/bin/env bash
# An image as a job.
source "$(dirname "$0")/../settings.sh"

jobId=$("${CURL[@]}" "$BASE_URL/v1/async/generate-image" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"prompt": "a lighthouse in fog"}' | field jobId)
"${CURL[@]}" "$BASE_URL/v1/async/jobs/$jobId?wait=60" -H "ACCESS-KEY: $KEY" | expect '"status":"COMPLETED"'
