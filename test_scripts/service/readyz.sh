#!/usr/bin/env bash
# Each dependency with its latency.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/readyz" | expect '"dependencies"'
