#!/bin/sh
# A list that was found elsewhere, such as by a search, in the best order for a visitor: rank.sh [anonymous id] [product ...]
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_WRITE_KEY:-demo}"
visitor="${1:-curl-visitor}"
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- 1127831 5568378 9526410 no-such-product
items=$(printf '"%s",' "$@")

curl --silent --show-error --fail-with-body --user "$key:" "$url/v1/rank" \
  --header 'content-type: application/json' \
  --data "{\"anonymous_id\":\"$visitor\",\"items\":[${items%,}]}"
echo
