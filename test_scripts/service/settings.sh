#!/usr/bin/env bash
# The settings in force, without secrets (ROOT).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/admin/settings" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"source":"'
