#!/bin/sh
# Says who a visitor is and something about them: identify.sh [anonymous id] [user id]
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_WRITE_KEY:-demo}"
visitor="${1:-curl-visitor}"
user="${2:-curl-user}"

curl --silent --show-error --fail-with-body --user "$key:" "$url/v1/identify" --data @- <<EOF
{
  "anonymousId": "$visitor",
  "userId": "$user",
  "messageId": "curl-$(date +%s)-$$",
  "traits": { "loyalty_tier": "gold", "age": "35-44" }
}
EOF
echo
