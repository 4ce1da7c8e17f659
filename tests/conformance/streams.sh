#!/bin/sh
# Goal: kubectl looks into the pods of `paddock-sim apiserver` as into real ones: logs, exec, attach, port-forward, over SPDY
# (Debian's kubectl, or another old one) and over WebSockets (a newer one).
# Method: commands with their output and exit status, side by side for each kubectl; PADDOCK_KUBECTLS names more of them.
# usage: tests/conformance/streams.sh SIM WORK      exit status 77: there is no kubectl
set -eu
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
sim=$(realpath "$1")
mkdir -p "$2"
work=$(cd "$2" && pwd)/streams
# shellcheck source=tests/conformance/kubectl_find
. "$here/kubectl_find"
rm -rf "$work"
mkdir -p "$work/home"
HOME=$work/home
export HOME
kubectls="$(find_kubectls "$here/../.." | cut -d' ' -f2) ${PADDOCK_KUBECTLS:-}"
# One of before 1.30, which speak SPDY alone, where the machine has it.
for old in /usr/lib/google-cloud-sdk/bin/kubectl.1.2?; do
    case $kubectls in */usr/bin/kubectl* | */build/kubernetes-client/*) break ;; esac
    [ ! -x "$old" ] || kubectls="$old $kubectls"
    break
done
if [ -z "$(echo "$kubectls" | tr -d ' ')" ]; then
    echo "skipped: kubectl: none is installed; ./dev test installs Debian's"
    exit 77
fi

"$sim" apiserver --kubeconfig-out "$work/kubeconfig" >"$work/api.out" 2>"$work/api.err" &
server=$!
trap 'kill $server 2>/dev/null || :' EXIT
trap 'exit 130' INT TERM
KUBECONFIG=$work/kubeconfig
export KUBECONFIG
# until_ COMMAND...: that it works; a minute at most
until_() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || return 1
        sleep 0.1
    done
}
until_ grep -q '^ready ' "$work/api.out"
first=$(echo "$kubectls" | tr ' ' '\n' | grep . | tail -n 1)
cat >"$work/pods.yaml" <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {paddock.io/log-every: 200ms}}
spec:
  containers:
  - name: c
    image: nginx
    stdin: true
    env: [{name: COLOUR, value: blue}]
    ports: [{containerPort: 8080}, {containerPort: 7, name: echo}]
---
apiVersion: v1
kind: Pod
metadata: {name: two}
spec: {containers: [{name: a, image: i}, {name: b, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: nowhere}
spec: {nodeSelector: {no: such}, containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: crashes, annotations: {paddock.io/run-for: 1s, paddock.io/exit-code: "3"}}
spec: {containers: [{name: c, image: i}]}
EOF
"$first" apply -f "$work/pods.yaml" >/dev/null
until_ "$first" wait --for=condition=Ready --timeout=30s pod/web pod/two
until_ "$first" logs crashes --previous
"$first" create serviceaccount reader >/dev/null
"$first" create clusterrole reader --verb=get --resource=pods,pods/log >/dev/null
"$first" create clusterrolebinding reader --clusterrole=reader --serviceaccount=default:reader >/dev/null
token=$(kubectl_token default reader "$first")

# ---- checks: NAME STATUS PATTERN COMMAND...; lines of output are joined by blanks ----
judge() { # NAME WANT PATTERN GOT
    { tr '\n' ' ' <"$dir/out"; echo; } >"$dir/line"
    if [ "$4" -eq "$2" ] && grep -Eq -e "$3" "$dir/line"; then
        echo "ok $label/$1" >>"$dir/results"
    else
        echo "bad $label/$1 status $4 (want $2), /$3/ in: $(head -c 600 "$dir/line")" >>"$dir/results"
    fi
}
check() {
    name=$1 want=$2 pattern=$3 status=0
    shift 3
    timeout 60 "$@" >"$dir/out" 2>&1 || status=$?
    judge "$name" "$want" "$pattern" "$status"
}

logs_are_read() {
    check log 0 '^started default/web container c image nginx restarts 0 tick 1 tick 2' "$k" logs web
    check log-tail 0 '^tick [0-9]+ tick [0-9]+ $' "$k" logs web --tail=2
    check log-timestamps 0 '^20[0-9-]+T[0-9:]+\.[0-9]{9}Z tick [0-9]+ $' "$k" logs web --tail=1 --timestamps
    check log-since 0 '^(tick [0-9]+ ){3,7}$' "$k" logs web --since=1s
    check log-limit 0 '^started de *$' "$k" logs web --limit-bytes=10
    check log-container 0 'container b image i' "$k" logs two -c b
    check log-which 1 'a container name must be specified for pod two|Defaulted container|two' "$k" get --raw '/api/v1/namespaces/default/pods/two/log'
    check log-no-container 1 'container z is not valid for pod two' "$k" logs two -c z
    check log-no-pod 1 'pods "none" not found' "$k" logs none
    check log-unscheduled 0 '^ *$' "$k" logs nowhere
    check log-no-previous 1 'previous terminated container "c" in pod "web" not found' "$k" logs web --previous
    check log-previous 0 '^started .*ended with exit code 3 $' "$k" logs crashes --previous
    check log-bad 1 'PodLogOptions "web" is invalid: tailLines: Invalid value: -7: must be greater than or equal to 0' \
        "$k" get --raw '/api/v1/namespaces/default/pods/web/log?tailLines=-7'
    check log-follow 124 '^(tick [0-9]+ ){8,}' timeout 4 "$k" logs -f web --tail=1
}
commands_run() {
    check exec 0 '^a b $' "$k" exec web -- echo a b
    check exec-env 0 'HOSTNAME=web COLOUR=blue' "$k" exec web -- env
    check exec-code 7 'exit code 7' "$k" exec web -- sh -c 'exit 7'
    "$k" exec web -- sh -c 'echo out; echo err >&2' >"$dir/out" 2>/dev/null
    judge exec-stdout 0 '^out $' 0
    check exec-not-found 126 'exec: "frob": executable file not found in .PATH' "$k" exec web -- frob
    check exec-shell-not-found 127 'sh: frob: not found' "$k" exec web -- sh -c frob
    check exec-container 0 two "$k" exec two -c b -- hostname
    check exec-unscheduled 1 'does not have a host assigned' "$k" exec nowhere -- true
    check exec-not-running 1 'container not found \("c"\)' "$k" exec crashes -- true
    check exec-plain 1 'Upgrade request required' "$k" get --raw '/api/v1/namespaces/default/pods/web/exec?command=true'
    check exec-forbidden 1 'forbidden' "$k" --kubeconfig "$work/reader.kubeconfig" exec web -- true
    check log-reader 0 tick "$k" --kubeconfig "$work/reader.kubeconfig" logs web --tail=1
    head -c 20000000 /dev/urandom >"$dir/bytes"
    # shellcheck disable=SC2094 # cmp only reads
    "$k" exec -i web -- cat <"$dir/bytes" 2>/dev/null | cmp - "$dir/bytes" >"$dir/out" 2>&1 && echo same >>"$dir/out"
    judge exec-bytes 0 '^same $' 0
    check exec-upload 0 "^$(sha256sum <"$dir/bytes" | cut -d' ' -f1)" sh -c "'$k' exec -i web -- sha256sum <'$dir/bytes'"
    check exec-ends-early 0 '^yyy$|^y y y' sh -c "'$k' exec web -- yes 2>/dev/null | head -n 3"
    if command -v script >/dev/null; then
        printf 'stty size\nexit 3\n' >"$dir/keys"
        check exec-tty 3 '/ # .*24 80.*exit' script -qec "stty rows 24 cols 80; $k exec -it web -- sh" /dev/null <"$dir/keys"
    fi
    check attach 124 '(tick [0-9]+ ){4,}' timeout 3 "$k" attach web
    check attach-stdin 124 'input: hello' sh -c "{ echo hello; sleep 4; } | timeout 3 '$k' attach -i web"
}
ports_are_reached() {
    rm -f "$dir/forward" # else that of the one before is read
    "$k" port-forward pod/web :8080 >"$dir/forward" 2>&1 &
    forward=$!
    until_ grep -q '127.0.0.1:' "$dir/forward" || :
    port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$dir/forward" | head -n 1)
    check forward 0 '^web:8080 /a $' curl -s -m 20 "http://127.0.0.1:$port/a"
    curl -s -m 30 "http://127.0.0.1:$port/bytes/5000000" | wc -c >"$dir/out"
    judge forward-bytes 0 '^5000000 $' 0
    curl -s -m 60 "http://127.0.0.1:$port/[1-100]" | sort -u | wc -l >"$dir/out"
    judge forward-kept 0 '^100 $' 0
    kill $forward 2>/dev/null || :
    wait $forward 2>/dev/null || :
    rm -f "$dir/forward" # else that of the one before is read
    "$k" port-forward pod/web :81 >"$dir/forward" 2>&1 &
    forward=$!
    until_ grep -q '127.0.0.1:' "$dir/forward" || :
    port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$dir/forward" | head -n 1)
    curl -s -m 20 "http://127.0.0.1:$port/" >/dev/null || :
    until_ grep -q refused "$dir/forward" || :
    kill $forward 2>/dev/null || :
    wait $forward 2>/dev/null || :
    cp "$dir/forward" "$dir/out"
    judge forward-refused 0 'error forwarding port 81 to pod .*connection refused' 0
}
run() { # KUBECTL LABEL
    k=$1 label=$2
    dir=$work/$label
    mkdir -p "$dir"
    logs_are_read
    commands_run
    ports_are_reached
}

cp "$KUBECONFIG" "$work/reader.kubeconfig"
"$first" --kubeconfig "$work/reader.kubeconfig" config set-credentials reader --token="$token" >/dev/null
"$first" --kubeconfig "$work/reader.kubeconfig" config set-context --current --user=reader >/dev/null
jobs=
for kubectl in $kubectls; do
    label=$(kubectl_minor "$kubectl" | cut -d' ' -f2)
    echo "kubectl $label ($kubectl)"
    (set +e; run "$kubectl" "$label") </dev/null >"$work/log.$label" 2>&1 &
    jobs="$jobs $!"
done
for job in $jobs; do wait "$job" || :; done
# What clients leave, a pod's end ends.
"$first" exec web -- sleep 60 >"$work/sleep.out" 2>&1 &
sleeper=$!
sleep 1
"$first" delete pod web --now >/dev/null 2>&1
wait $sleeper && code=0 || code=$?
dir=$work label=all
cp "$work/sleep.out" "$dir/out"
judge pod-ends 137 'exit code 137' "$code"
kill $server
wait $server && code=0 || code=$?
cp "$work/api.err" "$dir/out"
judge server-ends 0 '^ *$' "$code"
cat "$work"/*/results "$work/results" >"$work/all"
grep '^bad' "$work/all" || :
cat "$work"/log.* >&2
echo "$(grep -c '^ok' "$work/all") passed, $(grep -c '^bad' "$work/all" || :) failed"
! grep -q '^bad' "$work/all"
