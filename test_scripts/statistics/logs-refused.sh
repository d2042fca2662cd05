#!/usr/bin/env bash
# A call that is refused before a provider is asked is in the log, too, a moment later.
source "$(dirname "$0")/../settings.sh"

curl --silent --show-error "$BASE_URL/v1/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"userMessage": "hello", "modelIdentifier": "no-such-model"}' | expect '"code":600001'
for _ in $(seq 50); do
  found=$("${CURL[@]}" "$BASE_URL/v1/statistics/logs/me?status=REFUSED&limit=1&sortDesc=true" -H "Authorization: Bearer $TOKEN")
  grep -q '"REFUSED"' <<<"$found" && break
  sleep 0.2
done
expect '"status":"REFUSED"' <<<"$found"
