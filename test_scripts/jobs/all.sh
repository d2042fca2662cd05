#!/usr/bin/env bash
# Jobs of all users, one of them, and the end of one (ROOT).
source "$(dirname "$0")/../settings.sh"

job=$("${CURL[@]}" "$BASE_URL/v1/async/generate-image" -H "ACCESS-KEY: $KEY" -H "$JSON" -d '{"prompt": "a lighthouse"}' | field jobId)
"${CURL[@]}" "$BASE_URL/v1/admin/jobs?pageSize=5" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"temporalUrl"'
"${CURL[@]}" "$BASE_URL/v1/admin/jobs/$job" -H "Authorization: Bearer $ROOT_TOKEN" | expect "$job"
"${CURL[@]}" -X POST "$BASE_URL/v1/admin/jobs/$job/cancel" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"code":200'
