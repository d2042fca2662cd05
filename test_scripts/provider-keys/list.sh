#!/usr/bin/env bash
# The keys of a provider with the state of their circuits.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/models?pageSize=1" -H "Authorization: Bearer $ROOT_TOKEN" | field providerId)
"${CURL[@]}" "$BASE_URL/v1/providers/$id/keys" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"circuit"'
