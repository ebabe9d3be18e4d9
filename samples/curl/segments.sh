#!/bin/sh
# Segments and what is done for them: the rules of ../rules/deals-and-novelties.ndjson, a visitor who becomes a deal hunter by
# three coupons, and the home page before and after. All is as it was afterwards, but for what the visitor did:
# segments.sh [product with a discount] [product that runs out]
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_SERVER_KEY:-demo-secret}"
write_key="${VITRINE_WRITE_KEY:-demo}"
discounted="${1:-1127831}"
scarce="${2:-1082185}"
visitor="curl-hunter-$$"
rules="$(dirname "$0")/../rules/deals-and-novelties.ndjson"

call() {
  curl --silent --show-error --fail-with-body --user "$key:" --header 'content-type: application/json' "$@"
  echo
}

id_of() {
  printf '%s' "$1" | sed 's/^{"id": "\([a-z-]*\)".*/\1/'
}

price=$(curl --silent --user "$key:" "$url/v1/products/$discounted" | sed 's/.*"price": *\([0-9.]*\).*/\1/')

restore() {
  while read -r rule; do
    curl --silent --output /dev/null --user "$key:" --request DELETE "$url/v1/rules/$(id_of "$rule")"
  done <"$rules"
  curl --silent --output /dev/null --user "$key:" --request PATCH "$url/v1/products/$discounted" --data '{"sale_price":null}'
  curl --silent --output /dev/null --user "$key:" --request PATCH "$url/v1/products/$scarce" --data '{"stock":null}'
}
trap restore EXIT
trap 'exit 1' INT TERM

echo "Whom the shop tells apart, and how many they are:"
call "$url/v1/segments"
echo "How many would be in a segment that is not saved:"
call "$url/v1/segments/size" --data '{"filter":"orders >= 2 and discounted_share >= 0.25"}'
echo "One product half price, one that runs out:"
call --request PATCH "$url/v1/products/$discounted" --data "{\"sale_price\":$(echo "$price" | awk '{print $1 / 2}')}"
call --request PATCH "$url/v1/products/$scarce" --data '{"stock":3}'
echo "The rules:"
while read -r rule; do
  seen=$(curl --silent --output /dev/null --dump-header - --user "$key:" "$url/v1/rules/$(id_of "$rule")" |
    sed -n 's/^[Ee][Tt][Aa][Gg]: *"\([0-9]*\)".*/\1/p')
  call --request PUT "$url/v1/rules/$(id_of "$rule")" --header "if-match: \"${seen:-0}\"" --data "$rule"
done <"$rules"
# Rules and products reach every function within a second or two.
sleep 2
echo "What a stranger sees:"
call "$url/v1/recommendations/home?anonymous_id=$visitor&limit=8"
for coupon in SPRING SUMMER AUTUMN; do
  curl --silent --output /dev/null --user "$write_key:" "$url/v1/t" --data \
    "{\"event\":\"Coupon Applied\",\"anonymousId\":\"$visitor\",\"messageId\":\"$visitor-$coupon\",\"properties\":{\"coupon_id\":\"$coupon\"}}"
done
echo "What the same visitor sees after three coupons:"
call "$url/v1/recommendations/home?anonymous_id=$visitor&limit=8"
