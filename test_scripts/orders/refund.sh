#!/usr/bin/env bash
# Take a paid order back out of the account (ROOT), at most what is available, once.
source "$(dirname "$0")/../settings.sh"

orderNo=$("${CURL[@]}" "$BASE_URL/v1/orders" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"amount": "5.00"}' | field orderNo)
"${CURL[@]}" "$BASE_URL/v1/orders/pay-success" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d "{\"orderNo\": \"$orderNo\"}" | expect '"code":200'
"${CURL[@]}" "$BASE_URL/v1/orders/refund" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"orderNo\": \"$orderNo\", \"reason\": \"paid by mistake\"}" | expect '"refundedAmount"'
