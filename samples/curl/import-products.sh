#!/bin/sh
# Imports a product feed: import-products.sh [file] [format]; the format is recognised unless it is given.
# With COMPLETE=true, products that the file does not have are withdrawn.
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_SERVER_KEY:-demo-secret}"
file="${1:-$(dirname "$0")/../feeds/google.tsv}"
format="${2:-auto}"

curl --silent --show-error --fail-with-body --user "$key:" --header "Content-Type: application/octet-stream" \
  --data-binary "@$file" "$url/v1/products/import?format=$format&complete=${COMPLETE:-false}"
echo
