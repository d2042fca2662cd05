#!/usr/bin/env bash
# OpenAI's own path, with the image as a file.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/images/edits" -H "ACCESS-KEY: $KEY" \
  -F model=sim-image -F prompt='the same at night' -F image=@"$SCRIPTS/image.png" | expect '"b64_json"' | cut -c 1-200
