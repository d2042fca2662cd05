#!/usr/bin/env bash
# A payment provider says so: HMAC-SHA256 of the timestamp and the raw body.
source "$(dirname "$0")/../settings.sh"

order=$("${CURL[@]}" "$BASE_URL/v1/orders" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"amount": "5.00"}')
orderNo=$(field orderNo <<<"$order")
currency=$(field currency <<<"$order")
body="{\"orderNo\":\"$orderNo\",\"amount\":\"5.00\",\"currency\":\"$currency\",\"eventId\":\"event-$UNIQUE\"}"
timestamp=$(date +%s)
signature=$(printf '%s.%s' "$timestamp" "$body" | openssl dgst -sha256 -hmac "$PAYMENT_SECRET" | sed 's/.*= //')
"${CURL[@]}" "$BASE_URL/v1/orders/pay-success" -H "$JSON" -H "X-Payment-Signature: t=$timestamp,v1=$signature" -d "$body" |
  expect '"status":"COMPLETED"'
