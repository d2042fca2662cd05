#!/usr/bin/env bash
# Speech as a job, and the file that it has made.
source "$(dirname "$0")/../settings.sh"

jobId=$("${CURL[@]}" "$BASE_URL/v1/async/speech" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"model": "sim-speech", "voice": "alloy", "input": "A lighthouse.", "response_format": "wav"}' | field jobId)
fileId=$("${CURL[@]}" "$BASE_URL/v1/async/jobs/$jobId?wait=60" -H "ACCESS-KEY: $KEY" | field fileId)
"${CURL[@]}" "$BASE_URL/v1/files/$fileId/content" -H "ACCESS-KEY: $KEY" | tr -d '\0' | expect 'WAVE'
