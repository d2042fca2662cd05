#!/usr/bin/env bash
# The own user with balance and held amount.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/auth/me" -H "Authorization: Bearer $TOKEN" | expect '"balance"'
