#!/usr/bin/env bash
# Alipay's notification: without Alipay's signature the answer is `fail`.
source "$(dirname "$0")/../settings.sh"

curl --silent "$BASE_URL/v1/payments/alipay/notify" -d 'out_trade_no=none&trade_status=TRADE_SUCCESS' | expect fail
