#!/bin/sh
# Invokes the function that watch.sh runs with an event that is no HTTP request: invoke.sh events/fold.json [port]
set -eu
event="${1:?which event? one of the files in samples/lambda/events}"
port="${2:-9100}"
cargo lambda invoke _ --invoke-address 127.0.0.1 --invoke-port "$port" --data-file "$event"
