#!/bin/sh
# The profile of a visitor and what it was built from: visitor.sh [id]
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_SERVER_KEY:-demo-secret}"
visitor="${1:-1}"

curl --silent --show-error --fail-with-body --user "$key:" "$url/v1/visitors/$visitor"
echo
