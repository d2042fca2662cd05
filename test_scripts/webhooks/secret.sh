#!/usr/bin/env bash
# Make the secret that signs webhooks; the one before signs beside it for a day.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" -X POST "$BASE_URL/v1/webhooks/secrets" -H "Authorization: Bearer $TOKEN" | expect '"secret":"whsec_'
"${CURL[@]}" "$BASE_URL/v1/webhooks/secrets" -H "Authorization: Bearer $TOKEN" | expect '"createdAt"'
