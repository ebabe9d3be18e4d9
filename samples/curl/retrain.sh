#!/bin/sh
# Trains the shop's models now instead of on schedule.
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_SERVER_KEY:-demo-secret}"

curl --silent --show-error --fail-with-body --user "$key:" --request POST "$url/v1/retrain"
echo
