#!/bin/sh
# Tells the shop that a visitor looked at a product: send-event.sh [anonymous id] [product id]
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_WRITE_KEY:-demo}"
visitor="${1:-curl-visitor}"
product="${2:-1127831}"

curl --silent --show-error --fail-with-body --user "$key:" "$url/v1/track" --data @- <<EOF
{
  "anonymousId": "$visitor",
  "messageId": "curl-$(date +%s)-$$",
  "event": "Product Viewed",
  "properties": { "product_id": "$product", "currency": "USD" }
}
EOF
echo
