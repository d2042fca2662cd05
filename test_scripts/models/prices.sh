#!/usr/bin/env bash
# All versions of the price of a model (model administrators).
source "$(dirname "$0")/../settings.sh"

id=$("${CURL[@]}" "$BASE_URL/v1/models" -H "Authorization: Bearer $ROOT_TOKEN" | field id)
"${CURL[@]}" "$BASE_URL/v1/admin/models/$id/prices" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"version":1'
