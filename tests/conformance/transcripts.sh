#!/bin/sh
# Replays recorded exchanges of a real Kubernetes API: see transcripts.mjs. The recordings are not part of the project:
# PADDOCK_TRANSCRIPTS names their folder; without it, ../shared/transcripts beside the checkout.
# usage: tests/conformance/transcripts.sh SIM WORK [--update] [--only REGEX]      exit status 77: skipped
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cases=${PADDOCK_TRANSCRIPTS:-$here/../../../shared/transcripts}
[ -d "$cases" ] && cases=$(cd "$cases" && pwd -P) # the replayer runs by its real path only
sim=$1
work=$2
shift 2
mkdir -p "$work"
rm -f "$work/transcripts.summary"
skip() {
    echo "skipped: $1" | tee "$work/transcripts.summary"
    exit 77
}
[ -f "$cases/replay.mjs" ] || skip "transcripts: no recordings in $cases (PADDOCK_TRANSCRIPTS)"
command -v node >/dev/null || skip "transcripts: node is not installed"
exec node "$here/transcripts.mjs" "$sim" "$cases" "$work" "$@"
