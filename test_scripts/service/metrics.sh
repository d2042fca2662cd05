#!/usr/bin/env bash
# Metrics for Prometheus.
source "$(dirname "$0")/../settings.sh"

"${CURL[@]}" "$BASE_URL/metrics" | expect 'http_request_duration_seconds'
