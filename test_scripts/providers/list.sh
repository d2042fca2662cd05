#!/usr/bin/env bash
# All providers (model administrators).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/providers?pageSize=5" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"records"'
