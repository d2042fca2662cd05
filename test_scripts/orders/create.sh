#!/usr/bin/env bash
# Make a recharge order and read it.
source "$(dirname "$0")/../settings.sh"

orderNo=$("${CURL[@]}" "$BASE_URL/v1/orders" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"amount": "5.00"}' | field orderNo)
"${CURL[@]}" "$BASE_URL/v1/orders/get?orderNo=$orderNo" -H "Authorization: Bearer $TOKEN" | expect '"status":"PENDING"'
