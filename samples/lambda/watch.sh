#!/bin/sh
# Runs one function, as it would be deployed, under cargo-lambda's runtime interface: watch.sh FUNCTION [port]
#
#   cargo build --release -p vitrine-recommend
#   samples/lambda/watch.sh recommend             then curl http://127.0.0.1:9100/v1/recommendations/home …
#   samples/lambda/watch.sh fold                  then cargo lambda invoke …, see invoke.sh
#
# It works on the table and the objects of the stack that runs in ./data (VITRINE_DATA: another folder), or on any other
# DynamoDB endpoint that the variables of the functions name: AWS_ENDPOINT_URL_DYNAMODB, VITRINE_TABLE, VITRINE_SECRET, and
# VITRINE_FOLDER or VITRINE_BUCKET. BINARY: the built program, if it is not in ./target/release.
#
# The interface alone is started, and the program beside it: so nothing is compiled behind a request.
set -eu
function="${1:?which function? collect, recommend, catalog, manage, privacy, fold, archive or retrain}"
port="${2:-9100}"
data="${VITRINE_DATA:-data}"
binary="${BINARY:-${CARGO_TARGET_DIR:-target}/release/$function}"

fail() { echo "$1" >&2; exit 1; }
cargo lambda --version > /dev/null 2>&1 || fail "cargo-lambda is needed: pip install cargo-lambda==1.9.2"
[ -x "$binary" ] || fail "$binary is not built: cargo build --release -p vitrine-$function"
if [ -z "${AWS_ENDPOINT_URL_DYNAMODB:-}" ]; then
  [ -f "$data/running.json" ] || fail "no stack runs in $data: start it with cargo run --release, or set AWS_ENDPOINT_URL_DYNAMODB"
  AWS_ENDPOINT_URL_DYNAMODB=$(sed 's/.*"dynamodb":"\([^"]*\)".*/\1/' "$data/running.json")
fi
export AWS_ENDPOINT_URL_DYNAMODB VITRINE_TABLE="${VITRINE_TABLE:-vitrine}"
[ -n "${VITRINE_BUCKET:-}" ] || export VITRINE_FOLDER="${VITRINE_FOLDER:-$data/objects}"
export VITRINE_SECRET="${VITRINE_SECRET:-$(cat "$data/secret")}"

cargo lambda watch --only-lambda-apis --invoke-address 127.0.0.1 --invoke-port "$port" &
interface=$!
program=
trap 'kill $interface $program 2> /dev/null || true' EXIT
trap 'exit 130' INT TERM
# A program that comes before the interface listens ends. What was asked of it by HTTP would be kept for the program, so it
# is only called up; 7 says that nobody is there.
listens() { curl --silent --max-time 0.2 "telnet://127.0.0.1:$port" < /dev/null || [ $? -ne 7 ]; }
until listens; do
  kill -0 "$interface" 2> /dev/null || fail "cargo lambda watch ended"
  sleep 0.1
done
AWS_LAMBDA_FUNCTION_NAME=_ AWS_LAMBDA_FUNCTION_VERSION=1 AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1024 \
  AWS_LAMBDA_RUNTIME_API="http://127.0.0.1:$port/.rt" "$binary" &
program=$!
echo "$function listens on http://127.0.0.1:$port"
wait "$program"
