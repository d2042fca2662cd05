#!/usr/bin/env bash
# Image to image: with originImage the models that can do that are asked.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/v1/generate-image" -H "ACCESS-KEY: $KEY" -H "$JSON" -d "{
  \"prompt\": \"the same at night\", \"originImage\": {\"base64\": \"$IMAGE\"}, \"options\": {\"strength\": 0.6}
}" | expect '"usedModelIdentifier":"sim-image"'
