#!/bin/sh
# Goal: `paddock server` lives as a process: on a cluster of its own that outlives kill -9, on one that is elsewhere, alone
# and with a peer; its certificates change and it drains without harm to whoever is connected.
# Method: server.mjs starts the programs on loopback and asks them as agents, browsers and kubectl would.
# usage: tests/real/server.sh PADDOCK PADDOCK-SIM FOLDER      77: node is not on this machine
set -eu
if ! command -v node >/dev/null; then
    echo "SKIPPED: needs the Debian package nodejs"
    exit 77
fi
rm -rf "$3"
mkdir -p "$3"
exec node "$(dirname "$0")/server.mjs" "$@"
