#!/bin/sh
# Keys: one that may only write products, rotated and revoked again, so the shop is as it was: keys.sh
set -eu
url="${VITRINE_URL:-http://127.0.0.1:8080}"
key="${VITRINE_SERVER_KEY:-demo-secret}"

call() {
  curl --silent --show-error --fail-with-body --user "$key:" "$@"
}

id_of() {
  sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p'
}

json='content-type: application/json'
made=$(call "$url/v1/keys" --header "$json" --data '{"kind":"server","scopes":["catalogue"],"label":"feed tool"}')
echo "A key for a feed tool: $made"
old=$(echo "$made" | id_of)
rotated=$(call "$url/v1/keys/$old/rotate" --header "$json" --data '{"hours":1}')
echo "Another one in its place, the old one works for an hour more: $rotated"
new=$(echo "$rotated" | id_of)
echo "All keys, without the keys themselves:"
call "$url/v1/keys"
echo
for id in "$old" "$new"; do
  call --request DELETE "$url/v1/keys/$id"
  echo "$id is revoked"
done
