#!/usr/bin/env bash
# The description of every route, as a document and as a page.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/openapi.json" | expect '"openapi"' | cut -c 1-200
"${CURL[@]}" "$BASE_URL/docs" | expect '<html'
"${CURL[@]}" "$BASE_URL/docs/swagger-ui.css" | expect '.swagger-ui' | cut -c 1-80
"${CURL[@]}" -L "$BASE_URL/" | expect '<html'
