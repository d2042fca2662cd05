#!/usr/bin/env bash
# Text to image; the answer holds a signed link to the image, which is fetched.
source "$(dirname "$0")/../settings.sh"

answer=$("${CURL[@]}" "$BASE_URL/v1/generate-image" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d '{"prompt": "a lighthouse in fog", "options": {"size": "1024*1024", "seed": 7}}')
expect '"imageUrls":["http' <<<"$answer"
# The link begins with PUBLIC_URL; here the same host is asked that was asked before.
link=$(grep -oE '/v1/pictures/[^"]+' <<<"$answer")
# Whole, into a file: a reader that leaves early is an error for curl.
"${CURL[@]}" "$BASE_URL$link" --output "$STATE/image.png"
head -c 8 "$STATE/image.png" | expect PNG
