#!/usr/bin/env bash
# The own orders.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/orders/my?pageSize=5" -H "Authorization: Bearer $TOKEN" | expect '"records"'
