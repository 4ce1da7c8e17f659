#!/bin/sh
# Goal: any peer that speaks the tunnel's wire works with `paddock tunnel serve` and `paddock tunnel connect`.
# Method: an independent peer in another language (tests/real/peer), either side, plain and with TLS: bulk with checksums,
# a thousand short connections, slow readers, refusals, odd but legal frames, older versions, kill -9 of either side.
# usage: tests/real/tunnel.sh PADDOCK FOLDER [CHECK...]   77: Go or its WebSocket library is not on this machine
set -eu
paddock=$1 folder=$2
shift 2
library=/usr/share/gocode
if ! command -v go >/dev/null || [ ! -d "$library/src/github.com/gorilla/websocket" ]; then
    echo "SKIPPED: needs the Debian packages golang-go and golang-github-gorilla-websocket-dev"
    exit 77
fi
mkdir -p "$folder"
(
    cd "$(dirname "$0")/peer"
    GO111MODULE=off GOPATH=$library GOCACHE=$folder/gocache GOFLAGS=-buildvcs=false go build -o "$folder/peer" .
)
# What is freed must be gone for the memory that is measured, also under AddressSanitizer.
ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=2
export ASAN_OPTIONS
exec "$folder/peer" check "$paddock" "$folder/log" "$@"
