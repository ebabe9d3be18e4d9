#!/bin/sh
# What was decided, and the same decision made again, byte for byte: decision.sh [decision id]; without an id, of a new one
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_WRITE_KEY:-demo}"
server="${VITRINE_SERVER_KEY:-demo-secret}"
decision="${1:-}"

if [ -z "$decision" ]; then
  answer=$(curl --silent --show-error --fail-with-body --user "$key:" \
    "$url/v1/recommendations/home?anonymous_id=curl-visitor&limit=3")
  echo "What was answered:"
  echo "$answer"
  decision=$(echo "$answer" | sed 's/.*"decision_id":"\([^"]*\)".*/\1/')
fi
echo "What was decided, and from what:"
curl --silent --show-error --fail-with-body --user "$server:" "$url/v1/decisions/$decision"
echo
echo "Made again:"
curl --silent --show-error --fail-with-body --user "$server:" --request POST \
  --dump-header /dev/stderr "$url/v1/decisions/$decision/replay"
echo
