#!/bin/sh
# Goal: whatever is killed, users are back at work by themselves, soon, and nothing is lost: agents, the leader, the TCP of
# a tunnel, an embedded server.
# Method: recovery.mjs lets users work through the manager without a pause and measures from the kill to the first time that
# all of them succeed again; a watch goes on at its resourceVersion and must see every object once.
# usage: tests/real/recovery.sh PADDOCK PADDOCK-SIM FOLDER [--full] [--json]
#        --full: each fault three times, a minute of calm before      77: there is no node or kubectl here
set -eu
paddock=$(realpath "$1")
sim=$(realpath "$2")
mkdir -p "$3"
place=$(cd "$3" && pwd)/recovery
shift 3
. tests/real/isolate.sh
rm -rf "$place"
mkdir -p "$place"
isolated node tests/real/recovery.mjs "$paddock" "$sim" "$kubectl" "$place" "$@"
