#!/usr/bin/env bash
# Cancel an order that is not paid.
source "$(dirname "$0")/../settings.sh"

orderNo=$("${CURL[@]}" "$BASE_URL/v1/orders" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"amount": "5.00"}' | field orderNo)
"${CURL[@]}" "$BASE_URL/v1/orders/cancel" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d "{\"orderNo\": \"$orderNo\"}" | expect '"status":"FAILED"'
