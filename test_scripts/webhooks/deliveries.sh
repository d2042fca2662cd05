#!/usr/bin/env bash
# A job with a webhook, the delivery of it, and the delivery once more. Needs Node for a receiver of its own.
source "$(dirname "$0")/../settings.sh"

if [[ -z $WEBHOOK_URL ]]; then
  WEBHOOK_URL=http://${WEBHOOK_RECEIVER:?set it to the host:port of WEBHOOK_PRIVATE_HOSTS, or set WEBHOOK_URL}/
  node --input-type=module -e '
    import { createServer } from "node:http";
    const answer = (request, response) => request.resume().on("end", () => response.end());
    createServer(answer).listen(Number(process.argv[1]), "127.0.0.1");' "${WEBHOOK_RECEIVER##*:}" &
  receiver=$!
  trap 'kill $receiver' EXIT
  "${CURL[@]}" --retry 20 --retry-delay 1 --retry-connrefused "$WEBHOOK_URL"
fi

jobId=$("${CURL[@]}" "$BASE_URL/v1/async/chat" -H "ACCESS-KEY: $KEY" -H "$JSON" \
  -d "{\"userMessage\": \"Say hello.\", \"webhookUrl\": \"$WEBHOOK_URL\"}" | field jobId)
"${CURL[@]}" "$BASE_URL/v1/async/jobs/$jobId?wait=30" -H "ACCESS-KEY: $KEY" | expect '"status":"COMPLETED"'
delivered() {
  for _ in {1..40}; do
    delivery=$("${CURL[@]}" "$BASE_URL/v1/webhooks/deliveries?pageSize=1" -H "ACCESS-KEY: $KEY")
    [[ $delivery == *'"status":"PENDING"'* ]] || break
    sleep 0.5
  done
  expect "$jobId" <<<"$delivery"
  expect '"status":"DELIVERED"' <<<"$delivery"
}

delivered
id=$(field id <<<"$delivery")
"${CURL[@]}" -X POST "$BASE_URL/v1/webhooks/deliveries/$id/redeliver" -H "ACCESS-KEY: $KEY" | expect '"code":200'
delivered
# ROOT sends that of any user again.
"${CURL[@]}" -X POST "$BASE_URL/v1/admin/webhook-deliveries/$id/redeliver" -H "Authorization: Bearer $ROOT_TOKEN" | expect '"code":200'
