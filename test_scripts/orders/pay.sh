#!/usr/bin/env bash
# ROOT says that an order is paid. Twice credits once.
source "$(dirname "$0")/../settings.sh"

orderNo=$("${CURL[@]}" "$BASE_URL/v1/orders" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"amount": "5.00"}' | field orderNo)
for _ in 1 2; do
  "${CURL[@]}" "$BASE_URL/v1/orders/pay-success" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d "{\"orderNo\": \"$orderNo\"}" | expect '"status":"COMPLETED"'
done
