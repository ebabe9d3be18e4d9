#!/usr/bin/env bash
# Tries every function as it would be deployed, one after the other under cargo-lambda's runtime interface, on the table of
# the stack that runs in ./data: HTTP by curl, events by `cargo lambda invoke`.
#
#   cargo run --release &                                                    the stack with the sample shop
#   cargo build --release --workspace --bins && samples/lambda/try.sh        the functions
#
# Needs Python 3.11; cargo-lambda comes from PyPI, pinned, into the target folder.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
PATH="$("$here/../../tests/python/venv" lambda):$PATH"
port="${PORT:-9100}"
lake="$(mktemp -d)"
watch=
end() {
  status=$?
  [ -z "$watch" ] || kill "$watch" 2> /dev/null || true
  [ "$status" -eq 0 ] || cat "$lake/log" >&2
  rm -rf "$lake"
  exit "$status"
}
trap end EXIT

begin() {
  "$here/watch.sh" "$1" "$port" > "$lake/log" 2>&1 &
  watch=$!
  for _ in $(seq 200); do
    grep -q "listens on" "$lake/log" && return
    kill -0 "$watch" 2> /dev/null || { echo "$1 did not start" >&2; exit 1; }
    sleep 0.1
  done
  exit 1
}
finish() { kill "$watch"; wait "$watch" 2> /dev/null || true; watch=; }
# The answer, which must contain what is expected of it.
expect() {
  name=$1 expected=$2
  shift 2
  answer="$("$@")"
  case "$answer" in *"$expected"*) ;; *) echo "$name answered $answer, and not $expected" >&2; exit 1 ;; esac
  printf '%-10s %s\n' "$name" "$(printf '%s' "$answer" | head -c 100)"
}
ask() { curl --silent --show-error --fail-with-body --max-time 30 "$@"; }
api="http://127.0.0.1:$port"

begin collect
expect collect '"success":true' ask -u demo: "$api/v1/t" -d '{"event":"Product Viewed","anonymousId":"lambda-visitor","properties":{"product_id":"1082185"}}'
finish
begin recommend
recent="$api/v1/recommendations/recently-viewed?anonymous_id=lambda-visitor"
expect recommend '1082185' ask -u demo: "$recent"
# After fifty answers it tells CloudWatch its figures, in a line of its log.
# shellcheck disable=SC2046
ask -u demo: $(printf -- "$recent %.0s" $(seq 50)) > /dev/null
grep '"Namespace":"Vitrine"' "$lake/log" > "$lake/figures" || { echo "recommend told no figures" >&2; exit 1; }
for figure in latency requests stage candidates cold_start; do
  grep -q "\"$figure\":" "$lake/figures" || { echo "recommend does not tell $figure" >&2; exit 1; }
done
finish
begin privacy
expect privacy 'lambda-visitor' ask -u demo-secret: "$api/v1/visitors/lambda-visitor"
finish
begin manage
expect manage '"live"' ask -u demo-secret: "$api/v1/models"
finish
begin catalog
expect catalog '"id":"1082185"' ask -u demo-secret: "$api/v1/products/1082185"
expect catalog '"done":0' "$here/invoke.sh" "$here/events/catalog.json" "$port"
finish
begin fold
expect fold '"batchItemFailures":[]' "$here/invoke.sh" "$here/events/fold.json" "$port"
finish
# The made-up event stays out of the sample shop's lake.
VITRINE_FOLDER="$lake/objects" begin archive
expect archive '"batchItemFailures":[]' "$here/invoke.sh" "$here/events/archive.json" "$port"
[ -n "$(find "$lake/objects/shops/demo" -type f)" ] || { echo "archive wrote nothing" >&2; exit 1; }
finish
VITRINE_FOLDER="$lake/objects" begin retrain
expect retrain 'lambda-empty' "$here/invoke.sh" "$here/events/retrain.json" "$port"
finish
echo "every function answered"
