#!/usr/bin/env bash
# Webhook deliveries of all users (ROOT).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/admin/webhook-deliveries?pageSize=5" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"records"'
