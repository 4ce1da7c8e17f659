#!/bin/sh
# Goal: the examples in reports/ci do what they say. Method: see ci.mjs: the manifest is applied with kubectl to `paddock-sim
# apiserver`, the other files are read; the commands in them are run with a small scenario, and what they leave is merged.
# usage: tests/conformance/ci.sh SIM WORK      exit status 77: skipped
set -eu
# shellcheck source=tests/conformance/node_modules
. "$(dirname "$0")/node_modules"
begin_check ci "$1" "$2"
work=$work/ci
rm -rf "$work"
mkdir -p "$work"
install_modules
# shellcheck source=tests/conformance/kubectl_find
. "$here/kubectl_find"
kubectl=$(find_kubectls "$here/../.." | awk 'NR == 1 { print $2 }')
[ -n "$kubectl" ] || skip "no kubectl is installed; ./dev test installs Debian's"
exec node "$here/ci.mjs" "$sim" "$modules" "$here/../.." "$work" "$kubectl"
