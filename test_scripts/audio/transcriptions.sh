#!/usr/bin/env bash
# Text made of speech, which is made first.
source "$(dirname "$0")/../settings.sh"

recording="$(mktemp)"
trap 'rm -f "$recording"' EXIT
"${CURL[@]}" "$BASE_URL/v1/audio/speech" -H "ACCESS-KEY: $KEY" -H "$JSON" -o "$recording" \
  -d '{"model": "sim-speech", "voice": "alloy", "input": "A lighthouse.", "response_format": "wav"}'
"${CURL[@]}" "$BASE_URL/v1/audio/transcriptions" -H "ACCESS-KEY: $KEY" \
  -F model=sim-transcribe -F "file=@$recording;filename=recording.wav;type=audio/wav" | expect '"text"'
