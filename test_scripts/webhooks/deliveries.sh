#!/usr/bin/env bash
# A job with a webhook, the delivery of it, and the delivery once more.
source "$(dirname "$0")/../settings.sh"

jobId=$("${CURL[@]}" "$BASE_URL/v1/async/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d "{\"userMessage\": \"Say hello.\", \"webhookUrl\": \"$WEBHOOK_URL\"}" | field jobId)
"${CURL[@]}" "$BASE_URL/v1/async/jobs/$jobId?wait=30" -H "ACCESS-KEY: $KEY" | expect '"status":"COMPLETED"'
for _ in {1..40}; do
  delivery=$("${CURL[@]}" "$BASE_URL/v1/webhooks/deliveries?pageSize=1" -H "ACCESS-KEY: $KEY")
  [[ $delivery == *'"status":"PENDING"'* ]] || break
  sleep 0.5
done
expect "$jobId" <<<"$delivery"
# 409 as long as it is under way, which it is for hours where the receiver does not answer with 2xx.
curl --silent -X POST "$BASE_URL/v1/webhooks/deliveries/$(field id <<<"$delivery")/redeliver" -H "ACCESS-KEY: $KEY" | expect '"code"'
