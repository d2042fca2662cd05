#!/usr/bin/env bash
# Whether the process is alive.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/healthz" | expect '"status":"ok"'
