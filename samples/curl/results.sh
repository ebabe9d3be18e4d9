#!/bin/sh
# What the shop earned: results of the last training, by day, channel and placement, and by what they are attributed; somebody is
# held out of personalization, and all is as it was afterwards.
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_SERVER_KEY:-demo-secret}"

call() {
  curl --silent --show-error --fail-with-body --user "$key:" --header 'content-type: application/json' "$@"
  echo
}

version() {
  curl --silent --output /dev/null --dump-header - --user "$key:" "$1" | sed -n 's/^[Ee][Tt][Aa][Gg]: *"\([0-9]*\)".*/\1/p'
}

echo "The last thirty days:"
call "$url/v1/results"
echo "The last week, in which everybody counts once:"
call "$url/v1/results?last=7"
echo "A fortnight:"
call "$url/v1/results?from=2026-11-01&to=2026-11-14"
echo "What an order is attributed by:"
call "$url/v1/settings/attribution"
echo "One of twenty goes without personalization, to show what it earns:"
call --request PUT "$url/v1/settings/hold-out" --header "if-match: \"$(version "$url/v1/settings/hold-out")\"" \
  --data '{"share":0.05,"personalization":true}'
echo "And nobody again:"
call --request PUT "$url/v1/settings/hold-out" --header "if-match: \"$(version "$url/v1/settings/hold-out")\"" --data '{"share":0}'
