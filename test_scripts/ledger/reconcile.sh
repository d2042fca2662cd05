#!/usr/bin/env bash
# Is the money right? Check the ledger now, and list the checks (ROOT).
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" -X POST "$BASE_URL/v1/admin/reconciliations" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"findings"'
"${CURL[@]}" "$BASE_URL/v1/admin/reconciliations?pageSize=2" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"breaches"'
