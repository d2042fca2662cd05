#!/usr/bin/env bash
# An access key with limits: one model, 60 requests a minute, at most 0.50 a day.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/access-keys" -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{
  "name": "limited", "allowedModels": ["sim-chat"], "rpmLimit": 60, "budget": "0.50", "budgetPeriod": "day"
}' | expect '"budgetPeriod":"day"'
