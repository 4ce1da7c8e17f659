#!/bin/sh
# Goal: the JSON Schema that editors get says what the loader says, as far as a schema can. Method: see schema.mjs; a public
# validator and a public reader of YAML, pinned by node/package-lock.json, installed into build/node.
# usage: tests/conformance/schema.sh SIM WORK      exit status 77: skipped
set -eu
here=$(cd "$(dirname "$0")" && pwd)
modules=$here/../../build/node
sim=$(realpath "$1")
work=$2
mkdir -p "$work" "$modules"
work=$(cd "$work" && pwd)
rm -f "$work/schema.summary"
skip() {
    echo "skipped: schema: $1" | tee "$work/schema.summary"
    exit 77
}
# shellcheck source=tests/conformance/node_modules
. "$here/node_modules"
install_modules
exec node "$here/schema.mjs" "$sim" "$modules" "$here/../.." "$work/schema.summary"
