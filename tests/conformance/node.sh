#!/bin/sh
# Goal and method: see node/checks.mjs. Here: Node.js and the client, pinned by node/package-lock.json and installed from
# the registry that npm is set up for into build/node.
# usage: tests/conformance/node.sh SIM WORK [--update] [--only REGEX]      exit status 77: skipped
set -eu
# shellcheck source=tests/conformance/node_modules
. "$(dirname "$0")/node_modules"
begin_check node "$1" "$2"
shift 2
install_modules
update=0
only=
while [ $# -gt 0 ]; do
    case $1 in
    --update) update=1 ;;
    --only) only=$2; shift ;;
    esac
    shift
done
node "$here/node/checks.mjs" "$sim" "$modules" "$work" "$only" || exit 1
exec "$here/verdict" node "$work/node.results" "$here/pending" "$update" "$summary"
