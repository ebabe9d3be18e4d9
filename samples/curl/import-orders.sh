#!/bin/sh
# Imports an order history: import-orders.sh [file] [format]; the format is recognised unless it is given.
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_SERVER_KEY:-demo-secret}"
file="${1:-$(dirname "$0")/../feeds/orders.csv}"
format="${2:-auto}"

curl --silent --show-error --fail-with-body --user "$key:" --header "Content-Type: application/octet-stream" \
  --data-binary "@$file" "$url/v1/orders/import?format=$format"
echo
