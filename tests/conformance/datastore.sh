#!/bin/sh
# Kills an apiserver with a datastore under write load, again and again: see datastore.mjs. ./dev test runs a few rounds
# of it; `tests/conformance/datastore.sh build/release/paddock-sim build/kills 100` is the long run.
# usage: tests/conformance/datastore.sh SIM WORK [ROUNDS]      exit status 77: skipped
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2"
if ! command -v node >/dev/null; then
    echo "skipped: datastore: node is not installed" | tee "$2/datastore.summary"
    exit 77
fi
exec node "$here/datastore.mjs" "$1" "$2" "${3:-10}"
