#!/usr/bin/env bash
# Access keys of all users: owner, last use, budget used (ROOT).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/admin/access-keys?pageSize=5" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"records"'
