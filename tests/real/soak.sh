#!/bin/sh
# Goal: twenty random faults a minute, for as long as one likes, leave nothing behind: no cluster that stays away, no lost
# write, no error once things should be well again, no memory, no descriptor.
# Method: soak.mjs kills, stops and cuts replicas and agents by a seed while users read, write and watch.
# usage: tests/real/soak.sh PADDOCK PADDOCK-SIM FOLDER [--minutes=10] [--seed=1] [--json]
#        77: there is no node, kubectl, ss, nft or network namespace here
set -eu
paddock=$(realpath "$1")
sim=$(realpath "$2")
mkdir -p "$3"
place=$(cd "$3" && pwd)/soak
shift 3
. tests/real/isolate.sh
for program in ss nft; do
    command -v $program >/dev/null || {
        echo "SKIPPED: needs the Debian packages iproute2 and nftables"
        exit 77
    }
done
unshare -rn true || {
    echo "SKIPPED: network namespaces cannot be made here"
    exit 77
}
rm -rf "$place"
mkdir -p "$place"
cc -shared -fPIC -O1 -o "$place/trim.so" tests/real/trim.c
isolated node tests/real/soak.mjs "$paddock" "$sim" "$kubectl" "$place" "--trim=$place/trim.so" "$@"
