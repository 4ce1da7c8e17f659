#!/bin/sh
# Goal and method: see life.mjs. Here: Node.js, and the list of pending checks.
# usage: tests/conformance/life.sh SIM WORK [--update] [--only REGEX]      exit status 77: skipped
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sim=$(realpath "$1")
work=$2
shift 2
mkdir -p "$work"
work=$(cd "$work" && pwd)
rm -f "$work/life.summary"
if ! command -v node >/dev/null; then
    echo "skipped: life: node is not installed" | tee "$work/life.summary"
    exit 77
fi
update=0
only=
while [ $# -gt 0 ]; do
    case $1 in
    --update) update=1 ;;
    --only) only=$2; shift ;;
    esac
    shift
done
node "$here/life.mjs" "$sim" "$work" "$only" || exit 1
exec "$here/verdict" life "$work/life.results" "$here/pending" "$update" "$work/life.summary"
