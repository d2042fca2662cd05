#!/usr/bin/env bash
# All users, newest first (ROOT).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/users?pageSize=5&sortBy=createdAt&sortOrder=desc" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"records"'
