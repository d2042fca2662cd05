#!/usr/bin/env bash
# What administrators have done (ROOT).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/audit?pageSize=5" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"records"'
