#!/bin/sh
# Goal: the pages that runs leave behind work in a browser, by themselves. Method: see page.mjs; headless Chromium, driven by
# playwright-core (pinned by node/package-lock.json), opens the pages of a failed run, of a sweep and of 10,000 events.
# usage: tests/conformance/page.sh SIM WORK      exit status 77: skipped
set -eu
here=$(cd "$(dirname "$0")" && pwd)
modules=$here/../../build/node
sim=$(realpath "$1")
mkdir -p "$2" "$modules"
work=$(cd "$2" && pwd)/page
rm -rf "$work" "$work.summary"
mkdir -p "$work"
skip() {
    echo "skipped: page: $1" | tee "$work.summary"
    exit 77
}
# shellcheck source=tests/conformance/node_modules
. "$here/node_modules"
install_modules
chromium=$(command -v chromium || command -v chromium-browser || :)
[ -n "$chromium" ] || skip "chromium is not installed; ./dev test installs Debian's"
large=$(dirname "$sim")/test_report_html
[ -x "$large" ] || skip "the large sample page is made by test_report_html, which is not built"
"$large" "$work/large.html"
exec node "$here/page.mjs" "$sim" "$modules" "$work" "$chromium"
