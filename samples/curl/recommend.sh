#!/bin/sh
# What an anonymous visitor should see: recommend.sh [placement] [anonymous id] [further query, e.g. 'product_id=1127831&limit=5']
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_WRITE_KEY:-demo}"
placement="${1:-home}"
visitor="${2:-curl-visitor}"
more="${3:-limit=5}"

curl --silent --show-error --fail-with-body --user "$key:" \
  "$url/v1/recommendations/$placement?anonymous_id=$visitor&$more"
echo
