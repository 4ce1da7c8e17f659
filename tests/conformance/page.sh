#!/bin/sh
# Goal: the pages that runs leave behind work in a browser, by themselves. Method: see page.mjs; headless Chromium, driven by
# playwright-core (pinned by node/package-lock.json), opens the pages of a failed run, of a sweep and of 10,000 events.
# usage: tests/conformance/page.sh SIM WORK      exit status 77: skipped
set -eu
# shellcheck source=tests/conformance/node_modules
. "$(dirname "$0")/node_modules"
begin_check page "$1" "$2"
work=$work/page
rm -rf "$work"
mkdir -p "$work"
install_modules
chromium=$(command -v chromium || command -v chromium-browser || :)
[ -n "$chromium" ] || skip "chromium is not installed; ./dev test installs Debian's"
large=$(dirname "$sim")/test_report_html
[ -x "$large" ] || skip "the large sample page is made by test_report_html, which is not built"
"$large" "$work/large.html"
exec node "$here/page.mjs" "$sim" "$modules" "$work" "$chromium"
