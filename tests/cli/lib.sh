# shellcheck shell=sh disable=SC2034 # used by those who source it
# What the checks of the program share: sourced from the root of the sources with the program as $1.
set -u
case $1 in
/*) sim=$1 ;;
*) sim=$PWD/$1 ;;
esac
root=$PWD
work=$(mktemp -d) || exit 3
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
passed=0
failed=0

good() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAIL $1"
    sed 's/^/     out: /' "$work/out" | head -n 5
    sed 's/^/     err: /' "$work/err" | head -n 5
}

# matches FILE PATTERN
matches() {
    case $2 in
    '*') true ;;
    '') [ ! -s "$1" ] ;;
    *) grep -Eq -- "$2" "$1" ;;
    esac
}

# check STATUS OUT ERR ARGUMENT...
check() {
    want=$1
    out=$2
    err=$3
    shift 3
    "$sim" "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    if [ $got -eq "$want" ] && matches "$work/out" "$out" && matches "$work/err" "$err"; then
        good
    else
        bad "${sim##*/} $*: status $got instead of $want, or not /$out/ on stdout, or not /$err/ on stderr"
    fi
}

# holds NAME COMMAND...
holds() {
    name=$1
    shift
    if "$@"; then good; else bad "$name"; fi
}

# ---- scenarios ----
head='scenario: v1
clock: {limit: 2m}
topology:
  sites: {a: {manager: {replicas: 1}}}
  clusters: {edge: {count: 1, nodes: 1, agent: {replicas: 1}}}
  dns: {records: {manager: {ttl: 30s, value: [site/a]}}}
steps:
  - {name: settle, wait: {until: "all(agent: connected)", within: 1m}}'
scenario() { # FILE NAME REST
    printf '%s\nname: %s\n%s\n' "$head" "$2" "$3" >"$1"
}

finish() {
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ]
}
