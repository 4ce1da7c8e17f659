#!/bin/sh
# Goal: the JSON Schema that editors get says what the loader says, as far as a schema can. Method: see schema.mjs; a public
# validator and a public reader of YAML, pinned by node/package-lock.json, installed into build/node.
# usage: tests/conformance/schema.sh SIM WORK      exit status 77: skipped
set -eu
# shellcheck source=tests/conformance/node_modules
. "$(dirname "$0")/node_modules"
begin_check schema "$1" "$2"
install_modules
exec node "$here/schema.mjs" "$sim" "$modules" "$here/../.." "$summary"
