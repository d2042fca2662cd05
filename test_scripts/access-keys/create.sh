#!/usr/bin/env bash
# Make an access key; its text is in this answer only and is kept for the other scripts.
source "$(dirname "$0")/../settings.sh"

answer=$("${CURL[@]}" "$BASE_URL/v1/access-keys" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"name": "scripts"}')
field keyValue <<<"$answer" | remember KEY
expect '"keyValue":"ak-' <<<"$answer"
