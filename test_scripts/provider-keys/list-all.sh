#!/usr/bin/env bash
# The keys of all providers with the state of their circuits.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/admin/provider-keys" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"circuit"'
