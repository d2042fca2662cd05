#!/usr/bin/env bash
# Refund a part of a paid order, and look at its events and refunds (ROOT).
source "$(dirname "$0")/../settings.sh"

order=$("${CURL[@]}" "$BASE_URL/v1/orders" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"amount": "5.00"}' | field orderNo)
"${CURL[@]}" "$BASE_URL/v1/orders/pay-success" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d "{\"orderNo\": \"$order\"}" | expect COMPLETED
"${CURL[@]}" "$BASE_URL/v1/orders/refund" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -H "Idempotency-Key: part-$UNIQUE" \
  -d "{\"orderNo\": \"$order\", \"amount\": \"1.50\", \"reason\": \"not needed\"}" | expect '"refundedAmount":1.5'
"${CURL[@]}" "$BASE_URL/v1/admin/orders/$order" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"refunds":[{'
