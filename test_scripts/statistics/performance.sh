#!/usr/bin/env bash
# How the own calls went, by model: failures and latency.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/statistics/performance?groupBy=model" -H "Authorization: Bearer $TOKEN" | expect '"isComplete"'
