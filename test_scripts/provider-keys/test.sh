#!/usr/bin/env bash
# One small real call with a key.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/models?pageSize=1" -H "Authorization: Bearer $ROOT_TOKEN" | field providerId)
keyId=$("${CURL[@]}" "$BASE_URL/v1/providers/$id/keys" -H "Authorization: Bearer $ROOT_TOKEN" | field id)
"${CURL[@]}" -X POST "$BASE_URL/v1/providers/keys/$keyId/test" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"ok":true'
