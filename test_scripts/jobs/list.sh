#!/usr/bin/env bash
# The own jobs, newest first.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/async/jobs?pageSize=5&status=COMPLETED" -H "ACCESS-KEY: $KEY" | expect '"records"'
