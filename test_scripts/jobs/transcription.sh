#!/usr/bin/env bash
# A transcript as a job, of speech that is made first.
source "$(dirname "$0")/../settings.sh"

recording="$(mktemp)"
trap 'rm -f "$recording"' EXIT
"${CURL[@]}" "$BASE_URL/v1/audio/speech" -H "ACCESS-KEY: $KEY" -H "$JSON" -o "$recording" \
  -d '{"model": "sim-speech", "voice": "alloy", "input": "A lighthouse.", "response_format": "wav"}'
jobId=$("${CURL[@]}" "$BASE_URL/v1/async/transcriptions" -H "ACCESS-KEY: $KEY" \
  -F model=sim-transcribe -F "file=@$recording;filename=recording.wav;type=audio/wav" | field jobId)
"${CURL[@]}" "$BASE_URL/v1/async/jobs/$jobId?wait=60" -H "ACCESS-KEY: $KEY" | expect '"text"'
