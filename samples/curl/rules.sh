#!/bin/sh
# Merchandising rules: a boost and a pin, what the shop shows then, and a third rule that gets into the second. All three
# are removed again, so the shop is as it was: rules.sh [product to pin] [brand to boost] [placement]
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_SERVER_KEY:-demo-secret}"
product="${1:-1127831}"
brand="${2:-Larkdale}"
placement="${3:-home}"

call() {
  curl --silent --show-error --fail-with-body --user "$key:" "$@"
  echo
}

put() {
  # Whatever an interrupted run left behind is written over.
  seen=$(curl --silent --output /dev/null --dump-header - --user "$key:" "$url/v1/rules/$1" |
    sed -n 's/^[Ee][Tt][Aa][Gg]: *"\([0-9]*\)".*/\1/p')
  call --request PUT "$url/v1/rules/$1" --header 'content-type: application/json' \
    --header "if-match: \"${seen:-0}\"" --data "$2"
}

remove() {
  for rule in curl-boost curl-pin curl-hide; do
    curl --silent --output /dev/null --user "$key:" --request DELETE "$url/v1/rules/$rule"
  done
}
trap remove EXIT
trap 'exit 1' INT TERM

echo "Twice the score for $brand in $placement:"
put curl-boost "{\"when\":{\"placements\":[\"$placement\"]},\"effect\":{\"kind\":\"boost\",\"filter\":\"brand = \\\"$brand\\\"\",\"factor\":2}}"
echo "Product $product first:"
put curl-pin "{\"when\":{\"placements\":[\"$placement\"]},\"effect\":{\"kind\":\"pin\",\"product\":\"$product\",\"slot\":1}}"
# Rules reach every function within a second or two.
sleep 2
echo "What the shop shows now:"
call "$url/v1/recommendations/$placement?anonymous_id=curl-visitor&limit=5"
echo "The same product hidden: saved, and the answer says what it gets into:"
put curl-hide "{\"effect\":{\"kind\":\"hide\",\"filter\":\"id = \\\"$product\\\"\"}}"
echo "All rules, each with its conflicts:"
call "$url/v1/rules"
