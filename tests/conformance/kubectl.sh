#!/bin/sh
# Goal: unchanged kubectl works against `paddock-sim apiserver`, in all that people and scripts do with it.
# Method: suites (kubectl/*.sh) of named checks, each a command with its exit status and a pattern of its output, run side
# by side against one server with controllers and one without (--bare), with Debian's kubectl and with a newer one where
# the machine has it. A check that is listed in `pending` must fail: the list only shrinks.
# usage: tests/conformance/kubectl.sh SIM WORK [--update] [--suite NAME]      exit status 77: skipped
set -eu
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
sim=$(realpath "$1")
work=$2
shift 2
update=0
only='*'
while [ $# -gt 0 ]; do
    case $1 in
    --update) update=1 ;;
    --suite) only=$2; shift ;;
    esac
    shift
done
mkdir -p "$work"
work=$(cd "$work" && pwd)/kubectl
rm -rf "$work" "$work.summary"
mkdir -p "$work"
# shellcheck source=tests/conformance/kubectl_find
. "$here/kubectl_find"

find_kubectls "$here/../.." >"$work/kubectls"
if [ ! -s "$work/kubectls" ]; then
    echo "skipped: kubectl: none is installed; ./dev test installs Debian's" | tee "$work.summary"
    exit 77
fi

# ---- servers ----
servers=
stop_servers() {
    for pid in $servers; do kill "$pid" 2>/dev/null || :; done
}
trap stop_servers EXIT
trap 'exit 130' INT TERM
start_server() { # NAME ARGUMENTS: leaves NAME.kubeconfig
    name=$1
    shift
    "$sim" apiserver --kubeconfig-out "$work/$name.kubeconfig" "$@" >"$work/$name.out" 2>"$work/$name.err" &
    servers="$servers $!"
    tries=0
    while ! grep -q '^ready ' "$work/$name.out"; do
        tries=$((tries + 1))
        [ $tries -lt 2400 ] || { echo "the server $name is not ready:"; cat "$work/$name.err"; exit 1; }
        sleep 0.05
    done
}
start_server full
start_server bare --bare

# ---- checks ----
# What a suite calls. In it: $id a name of its own in lower case, $minor of this kubectl, $dir a folder of its own.
k() { timeout 120 "$kubectl" "$@"; }
result() { # VERDICT NAME [WHY]
    printf '%s %s/%s/%s %s\n' "$1" "kubectl-$label" "$suite" "$2" "${3:-}" >>"$results"
}
# check NAME STATUS PATTERN ARGUMENTS...: standard input goes to kubectl; the output's lines are joined by blanks.
check() {
    name=$1 want=$2 pattern=$3
    shift 3
    status=0
    k "$@" >"$dir/out" 2>&1 || status=$?
    judge "$name" "$want" "$pattern" "$status"
}
# The same of the kinds that there are. Other suites define some and take them away: a client that asks group by group may
# just have missed one, says so, and is asked again.
check_kinds() {
    name=$1 want=$2 pattern=$3
    shift 3
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        status=0
        k "$@" >"$dir/out" 2>&1 || status=$?
        grep -q 'retrieve the complete list of server APIs' "$dir/out" || break
    done
    judge "$name" "$want" "$pattern" "$status"
}
judge() { # NAME STATUS PATTERN GOT; the output is in $dir/out
    { tr '\n' ' ' <"$dir/out"; echo; } >"$dir/line"
    if [ "$4" -eq "$2" ] && grep -Eq -e "$3" "$dir/line"; then
        result ok "$1"
    else
        result bad "$1" "status $4 (want $2), /$3/ in: $(head -c 400 "$dir/line")"
    fi
}
shows() { judge "$1" 0 "$2" 0; } # NAME PATTERN: of the last output
since() { # MINOR COMMAND...
    [ "$minor" -ge "$1" ] || return 0
    shift
    "$@"
}
quiet() { k "$@" >/dev/null 2>&1 || :; } # a step that is no check
# until_ COMMAND...: that it works; a minute at most, on a machine ten times slower than most.
until_() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || return 0 # the check behind it says what is wrong
        sleep 0.1
    done
}
# printed PATTERN: by the command that writes $dir/out, its lines joined
printed() {
    [ -f "$dir/out" ] && tr '\n' ' ' <"$dir/out" >"$dir/line" && grep -Eq -e "$1" "$dir/line"
}
# watching NAME PATTERN ARGUMENTS... -- COMMAND...: what `kubectl get -w` prints while the command runs. That the watch
# has begun is what kubectl logs of its requests.
watching() {
    name=$1 pattern=$2
    shift 2
    set -f
    arguments=
    while [ "$1" != -- ]; do
        arguments="$arguments $1"
        shift
    done
    shift
    rm -f "$dir/out" "$dir/err" # else those of the check before are read until the process is there
    # shellcheck disable=SC2086 # words
    timeout 200 "$kubectl" -v=6 get $arguments >"$dir/out" 2>"$dir/err" &
    watcher=$!
    set +f
    until_ grep -Eq 'watch=true.*200 OK' "$dir/err"
    "$@" >/dev/null 2>&1 || :
    until_ printed "$pattern"
    kill $watcher 2>/dev/null || :
    wait $watcher 2>/dev/null || :
    judge "$name" 0 "$pattern" 0
}
run_suite() { # FILE
    suite=$(basename "$1" .sh)
    id=$suite-$minor
    dir=$work/$label/$suite
    results=$dir/results
    mkdir -p "$dir/home"
    HOME=$dir/home
    KUBECONFIG=$dir/kubeconfig
    export HOME KUBECONFIG
    server=bare
    ! grep -q '^# server: full' "$1" || server=full
    sed "s/^    cluster: paddock/&\n    namespace: $id/" "$work/$server.kubeconfig" >"$KUBECONFIG"
    quiet create namespace "$id"
    cd "$dir"
    # shellcheck source=/dev/null
    . "$1"
}

at=0
running=0
suites=
wait_suites() {
    for pid in $suites; do wait "$pid" || :; done
    suites=
    running=0
}
# more at a time than there are cores: most of the time kubectl waits
while read -r label kubectl minor version; do
    echo "kubectl-$label: $version ($kubectl)" | tee -a "$work.summary"
    for file in "$here"/kubectl/$only.sh; do
        (set +e; run_suite "$file") </dev/null >"$work/log.$at" 2>&1 &
        suites="$suites $!"
        at=$((at + 1))
        running=$((running + 1))
        [ $running -lt $(($(nproc) + 5)) ] || wait_suites
    done
done <"$work/kubectls"
wait_suites
cat "$work"/log.* >&2

# ---- the servers' end, and the verdict ----
for pid in $servers; do kill "$pid"; done
for pid in $servers; do
    status=0
    wait "$pid" || status=$?
    [ $status -eq 0 ] || echo "bad kubectl/server/end exit status $status" >>"$work/ends"
done
servers=
for name in full bare; do
    [ ! -s "$work/$name.err" ] || { echo "bad kubectl/server/$name says: $(head -c 2000 "$work/$name.err")" >>"$work/ends"; }
done
cat "$work"/*/*/results "$work/ends" 2>/dev/null >"$work/all" || :
exec "$here/verdict" kubectl "$work/all" "$here/pending" "$update" "$work.summary"
