#!/usr/bin/env bash
# A response, one that goes on from it, and what was kept of it; then it is deleted.
source "$(dirname "$0")/../settings.sh"
BEARER="Authorization: Bearer $KEY"

answer=$("${CURL[@]}" "$BASE_URL/v1/responses" -H "$BEARER" -H "$JSON" \
  -d '{"model": "sim-chat", "instructions": "Be brief.", "input": "What is a lighthouse?"}' | expect '"status":"completed"')
echo "$answer"
id=$(field id <<<"$answer")
"${CURL[@]}" "$BASE_URL/v1/responses" -H "$BEARER" -H "$JSON" \
  -d '{"model": "sim-chat", "previous_response_id": "'"$id"'", "input": "And a buoy?"}' | expect '"previous_response_id":"resp_'
"${CURL[@]}" "$BASE_URL/v1/responses/$id" -H "$BEARER" | expect '"output"'
"${CURL[@]}" "$BASE_URL/v1/responses/$id/input_items" -H "$BEARER" | expect 'What is a lighthouse?'
"${CURL[@]}" -X DELETE "$BASE_URL/v1/responses/$id" -H "$BEARER" | expect '"deleted":true'
