#!/bin/sh
# Goal: `paddock-sim run --world real` carries a scenario out with real processes and judges it: scenarios/first holds; an
# assertion that is wrong fails, with exit status 1 and the words and states of the processes; what cannot be done is
# unsupported before anything starts, with exit status 4; an end in the middle leaves no process and no namespace behind.
# Method: the program, side by side; its exit statuses, streams and files.
# usage: tests/real/world.sh SIM FOLDER      77: not root, or without the tools of a laboratory
set -eu
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/sbin:/sbin
sim=$(realpath "$1")
mkdir -p "$2"
work=$(cd "$2" && pwd)/world
if [ "$(id -u)" -ne 0 ] || ! command -v ip nft dnsmasq >/dev/null || ! unshare -n true 2>/dev/null; then
    echo "SKIPPED: network namespaces, iproute2, nftables and dnsmasq-base are needed, as root"
    exit 77
fi
rm -rf "$work"
mkdir -p "$work/wrong-out" "$work/first-out"
pids=
end_all() {
    for pid in $pids; do kill "$pid" 2>/dev/null || :; done
}
trap end_all EXIT
trap 'exit 130' INT TERM
fail() {
    echo "FAILED: $*"
    for file in "$work"/*.out "$work"/*.err; do
        echo "---- ${file##*/}"
        tail -n 30 "$file"
    done
    exit 1
}
pass() { echo "ok: $*"; }

# A scenario of a few seconds; its only assertion is given.
scenario() { # NAME ASSERTION FAULT
    cat <<END
scenario: v1
name: $1
doc: One cluster comes up.
clock: {start: "2026-01-01T00:00:00Z", limit: 90s}
topology:
  sites: {a: {manager: {replicas: 1}}}
  clusters: {edge: {count: 1, nodes: 1, agent: {replicas: 1}}}
  dns: {zone: example.test, records: {manager: {type: A, ttl: 30s, value: [site/a]}}}
steps:
  - name: settle
    wait: {until: "all(cluster: state == active)", within: 60s}
$3
assert:
  - {name: the only one, $2}
END
}

"$sim" run scenarios/first/first.yaml --world real --out "$work/first-out" >"$work/first.out" 2>"$work/first.err" &
first=$!
pids="$pids $first"

# ---- what cannot be done ----
scenario odd 'eventually: "all(agent: connected)"' 'faults:
  - {at: 1m, for: 5s, target: manager/a, fault: {clock: skew, by: 5s}}' >"$work/odd.yaml"
code=0
"$sim" run "$work/odd.yaml" --world real --format json >"$work/odd.out" 2>"$work/odd.err" || code=$?
[ $code = 4 ] || fail "what is unsupported ends with $code, not 4"
grep -q '"result":"unsupported"' "$work/odd.out" || fail "it is not unsupported"
grep -q 'clock skew on manager/a' "$work/odd.out" || fail "what is unsupported is not named"
pass "what cannot be done is unsupported, by name"

# ---- what cannot be seen ----
scenario blind 'always: "all(cache: heals == 0)"' '' >"$work/blind.yaml"
code=0
"$sim" run "$work/blind.yaml" --world real --format json >"$work/blind.out" 2>"$work/blind.err" || code=$?
[ $code = 4 ] || fail "what cannot be judged ends with $code, not 4"
grep -q 'cannot see cache.heals' "$work/blind.out" || fail "what cannot be seen is not named"
pass "what cannot be seen is unsupported, by name"

# ---- a wrong assertion ----
scenario wrong 'never: "exists(agent where connected)"' '' >"$work/wrong.yaml"
code=0
"$sim" run "$work/wrong.yaml" --world real --out "$work/wrong-out" >"$work/wrong.out" 2>"$work/wrong.err" || code=$?
[ $code = 1 ] || fail "a wrong assertion ends with $code, not 1"
grep -q 'edge-0/agent-0: connected = true' "$work/wrong.out" || fail "its witness is not told"
grep -q -- '--world real' "$work/wrong.out" || fail "the command that repeats it does not name the world"
set -- "$work"/wrong-out/*.processes
for file in site-a-manager-0.log site-a-manager-0.state.json edge-0-agent-0.state.json edge-0-agent-0.log edge-0-api.out; do
    [ -s "$1/$file" ] || fail "a failed run leaves no $file"
done
grep -q '"world":"real"' "$work/wrong-out/report.json" || fail "the report does not name the world"
pass "a wrong assertion fails, and leaves what is needed to see why"

# ---- the end in the middle ----
scenario long 'eventually: "none(agent: connected)", from: 80s, by: 85s' '' >"$work/long.yaml"
"$sim" run "$work/long.yaml" --world real >"$work/long.out" 2>"$work/long.err" &
long=$!
pids="$pids $long"
left=600
until pgrep -P "$long" -f 'paddock agent cluster' >"$work/children"; do
    left=$((left - 1))
    [ $left -gt 0 ] || fail "no agent is started"
    sleep 0.1
done
pgrep -P "$long" >"$work/children"
kill -KILL "$long"
wait "$long" 2>/dev/null || :
while read -r child; do
    left=100
    while [ -d "/proc/$child" ] && ! grep -q '^State:.Z' "/proc/$child/status" 2>/dev/null; do
        left=$((left - 1))
        [ $left -gt 0 ] || fail "process $child outlives the run: $(tr '\0' ' ' <"/proc/$child/cmdline")"
        sleep 0.1
    done
done <"$work/children"
pass "kill -9 of the run leaves no process behind"

# ---- the first scenario ----
code=0
wait "$first" || code=$?
[ $code = 0 ] || fail "scenarios/first ends with $code"
tail -n 1 "$work/first.out" | grep -qx '1 passed, 0 failed' || fail "scenarios/first has not passed"
pass "scenarios/first holds with real processes"
