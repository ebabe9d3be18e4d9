#!/bin/sh
# A whole page in one call, no product twice: page.sh [anonymous id] [product on the page]
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_WRITE_KEY:-demo}"
visitor="${1:-curl-visitor}"
product="${2:-1127831}"

curl --silent --show-error --fail-with-body --user "$key:" "$url/v1/recommendations" \
  --header 'content-type: application/json' --data @- <<EOF
{
  "anonymous_id": "$visitor",
  "placements": [
    { "placement": "product-similar", "product_id": "$product", "limit": 3 },
    { "placement": "product-bought-together", "product_id": "$product", "limit": 3 },
    { "placement": "home", "limit": 3, "filter": "price < 10" },
    { "placement": "trending", "limit": 3 }
  ]
}
EOF
echo
