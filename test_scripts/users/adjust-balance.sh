#!/usr/bin/env bash
# Add to a balance (ROOT). The same Idempotency-Key a second time changes nothing.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/users" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
  -d "{\"username\": \"made-$UNIQUE\", \"password\": \"made-password\"}" | field id)
for _ in 1 2; do
  "${CURL[@]}" "$BASE_URL/v1/users/$id/adjust-balance" -H "Authorization: Bearer $ROOT_TOKEN" -H "$JSON" \
    -H "Idempotency-Key: adjust-$UNIQUE" -d '{"amount": "3.25", "reason": "a present"}' | expect '"code":200'
done
