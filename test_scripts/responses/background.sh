#!/usr/bin/env bash
# A response in the background: asked for until it has ended, then followed from its fourth event on.
source "$(dirname "$0")/../settings.sh"
BEARER="Authorization: Bearer $KEY"

answer=$("${CURL[@]}" "$BASE_URL/v1/responses" -H "$BEARER" -H "$JSON" \
  -d '{"model": "sim-chat", "input": "Take your time.", "background": true}' | expect '"background":true')
echo "$answer"
id=$(field id <<<"$answer")
"${CURL[@]}" -N "$BASE_URL/v1/responses/$id?stream=true&starting_after=3" -H "$BEARER" | expect 'event: response.completed'
"${CURL[@]}" "$BASE_URL/v1/responses/$id" -H "$BEARER" | expect '"status":"completed"'
"${CURL[@]}" -X POST "$BASE_URL/v1/responses/$id/cancel" -H "$BEARER" | expect '"status":"completed"'
