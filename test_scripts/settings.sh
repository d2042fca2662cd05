# Shared by all scripts: where the gateway is, who calls, and four small functions. `source`d, never run.
# Everything can be set in the environment: BASE_URL, TOKEN, ROOT_TOKEN, KEY, ROOT_PASSWORD, PAYMENT_SECRET, WEBHOOK_URL.
# shellcheck shell=bash disable=SC2034
set -euo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# `npm start` leaves the settings in effect here: its port may be another one, where 8060 was busy.
LOCAL_SETTINGS=$SCRIPTS/../.local/start/settings.json
local_setting() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$LOCAL_SETTINGS" 2>/dev/null || true; }
local_port=$(local_setting PORT)
BASE_URL=${BASE_URL:-http://localhost:${local_port:-8060}}

# auth/login.sh, auth/login-root.sh and access-keys/create.sh leave TOKEN, ROOT_TOKEN and KEY here for the others.
STATE=${STATE:-$SCRIPTS/../.local/test_scripts}
mkdir -p "$STATE"
chmod 700 "$STATE"
remembered() { cat "$STATE/$1" 2>/dev/null || true; }
TOKEN=${TOKEN:-$(remembered TOKEN)}
ROOT_TOKEN=${ROOT_TOKEN:-$(remembered ROOT_TOKEN)}
KEY=${KEY:-$(remembered KEY)}
LOGIN_NAME=${LOGIN_NAME:-$(remembered LOGIN_NAME)}
PASSWORD=${PASSWORD:-scripts-password}

ROOT_PASSWORD=${ROOT_PASSWORD:-$(local_setting ROOT_PASSWORD)}
PAYMENT_SECRET=${PAYMENT_SECRET:-$(local_setting PAYMENT_SECRET)}

# Where webhooks go. Without a receiver of yours, webhooks/deliveries.sh is one itself, where `npm start` lets it be.
WEBHOOK_URL=${WEBHOOK_URL:-}
webhook_hosts=$(local_setting WEBHOOK_PRIVATE_HOSTS)
WEBHOOK_RECEIVER=${WEBHOOK_RECEIVER:-${webhook_hosts%%,*}}
# A small image, as base64.
IMAGE=$(base64 <"$SCRIPTS/image.png" | tr -d '\n')

# Quiet, but with the answer's body and a failure where the status is 400 or above.
CURL=(curl --silent --show-error --fail-with-body)
JSON='Content-Type: application/json'
# A name that no earlier run has used.
UNIQUE=$(date +%s)-$$

# Where an answer was kept in a variable, a failure shows it.
trap 'printf "%s\n" "${answer:-}"' ERR

# Keeps a value for the scripts that run later: … | remember KEY
remember() { (umask 077; cat >"$STATE/$1"); }

# The first value of a field in an answer: … | field jobId
field() { grep -oE "\"$1\":(\"[^\"]*\"|[^,}]*)" | sed -n 1p | cut -d : -f 2- | tr -d '"'; }

# Prints the answer and fails unless it contains the text: … | expect '"code":200'
expect() {
  local answer
  answer=$(cat)
  printf '%s\n' "$answer"
  [[ $answer == *"$1"* ]] || { echo "expected: $1" >&2; return 1; }
}
