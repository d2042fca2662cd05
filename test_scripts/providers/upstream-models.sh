#!/usr/bin/env bash
# Ask a provider for its models.
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/models?pageSize=1" -H "Authorization: Bearer $ROOT_TOKEN" | field providerId)
"${CURL[@]}" "$BASE_URL/v1/providers/$id/upstream-models" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"id"' | cut -c 1-300
