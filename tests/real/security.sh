#!/bin/sh
# Goal: who has no business at a manager gets nothing from it: no cluster, no tunnel, no other name, no second request
# behind the first; and who only wants to hold it up holds up himself.
# Method: security.mjs starts `paddock server`, agents and simulated APIs as processes and sends them what no proper client
# would; the table says what was expected and seen.
# usage: tests/real/security.sh PADDOCK PADDOCK-SIM FOLDER [--full] [--json] [--only=PART,...]
#        PART: identities machines impersonation smuggling injection traversal oversized slow floods
#        --full: 10,000 half-open connections in place of 1,500      77: there is no node or kubectl here
set -eu
paddock=$(realpath "$1")
sim=$(realpath "$2")
mkdir -p "$3"
place=$(cd "$3" && pwd)/security
shift 3
. tests/real/isolate.sh
rm -rf "$place"
mkdir -p "$place"
isolated node tests/real/security.mjs "$paddock" "$sim" "$kubectl" "$place" "$@"
