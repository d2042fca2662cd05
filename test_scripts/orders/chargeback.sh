#!/usr/bin/env bash
# A payment was taken back; ROOT says so here, a payment provider would sign.
source "$(dirname "$0")/../settings.sh"

orderNo=$("${CURL[@]}" "$BASE_URL/v1/orders" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"amount": "5.00"}' | field orderNo)
"${CURL[@]}" "$BASE_URL/v1/orders/pay-success" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d "{\"orderNo\": \"$orderNo\"}" | expect '"code":200'
"${CURL[@]}" "$BASE_URL/v1/payments/chargeback" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" -d "{\"orderNo\": \"$orderNo\"}" | expect '"reason"'
