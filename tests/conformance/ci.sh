#!/bin/sh
# Goal: the examples in reports/ci do what they say. Method: see ci.mjs: the manifest is applied with kubectl to `paddock-sim
# apiserver`, the other files are read; the commands in them are run with a small scenario, and what they leave is merged.
# usage: tests/conformance/ci.sh SIM WORK      exit status 77: skipped
set -eu
here=$(cd "$(dirname "$0")" && pwd)
modules=$here/../../build/node
sim=$(realpath "$1")
mkdir -p "$2" "$modules"
work=$(cd "$2" && pwd)/ci
rm -rf "$work" "$work.summary"
mkdir -p "$work"
skip() {
    echo "skipped: ci: $1" | tee "$work.summary"
    exit 77
}
# shellcheck source=tests/conformance/node_modules
. "$here/node_modules"
install_modules
# shellcheck source=tests/conformance/kubectl_find
. "$here/kubectl_find"
kubectl=$(find_kubectls "$here/../.." | awk 'NR == 1 { print $2 }')
[ -n "$kubectl" ] || skip "no kubectl is installed; ./dev test installs Debian's"
exec node "$here/ci.mjs" "$sim" "$modules" "$here/../.." "$work" "$kubectl"
