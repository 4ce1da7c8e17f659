#!/bin/sh
# Goal: what streams goes through the manager as well as directly: `kubectl` to a downstream cluster by /k8s/clusters/ID, over
# the tunnel of a real agent: logs and watches for a minute, bytes both ways, a thousand connections to a port, readers that
# do not read (fixtures/incidents.yaml#K11), an agent that dies in the midst.
# Method: a downstream API with fake nodes, `paddock server --embedded`, `paddock agent cluster`, kubectl and curl as clients.
# usage: tests/real/streams.sh PADDOCK SIM FOLDER      77: there is no kubectl
set -eu
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
paddock=$(realpath "$1")
sim=$(realpath "$2")
mkdir -p "$3"
work=$(cd "$3" && pwd)/streams
# shellcheck source=tests/conformance/kubectl_find
. "$here/../conformance/kubectl_find"
kubectl=${PADDOCK_KUBECTL:-$(find_kubectls "$here/../.." | tail -n 1 | cut -d' ' -f2)}
if [ -z "$kubectl" ]; then
    echo "SKIPPED: kubectl is not installed; ./dev test installs Debian's"
    exit 77
fi
rm -rf "$work"
mkdir -p "$work/home"
HOME=$work/home
export HOME
unset KUBERNETES_SERVICE_HOST KUBECONFIG || :

# ---- processes ----
pids=
end_all() {
    for pid in $pids; do kill -9 "$pid" 2>/dev/null || :; done
}
trap end_all EXIT
trap 'exit 130' INT TERM
fail() {
    echo "FAILED: $*"
    for file in "$work"/*.err; do
        echo "---- ${file##*/}"
        tail -n 8 "$file" | cut -c1-400
    done
    exit 1
}
pass() { echo "ok: $* ($(($(date +%s) - began)) s)"; }
wait_for() { # WHAT SECONDS COMMAND...
    what=$1 left=$(($2 * 10))
    shift 2
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "no $what"
        sleep 0.1
    done
}
start() { # NAME COMMAND...: $pid; output in NAME.out and NAME.err
    name=$1
    shift
    "$@" >"$work/$name.out" 2>"$work/$name.err" &
    pid=$!
    pids="$pids $pid"
}
began=$(date +%s)
local_api() { timeout 20 "$kubectl" --kubeconfig "$work/local.kubeconfig" "$@"; }
edge() { timeout 20 "$kubectl" --kubeconfig "$work/edge.kubeconfig" "$@"; }

# ---- a cluster behind a manager ----
start api "$sim" apiserver --kubeconfig-out "$work/edge.kubeconfig"
api_pid=$pid
start server "$paddock" server --embedded --kubeconfig-out "$work/local.kubeconfig" --listen 127.0.0.1:0
server_pid=$pid
wait_for "downstream API" 30 grep -q ^ready "$work/api.out"
wait_for "server" 30 grep -q ^ready "$work/server.out"
url=$(sed -n 's/^ready //p' "$work/server.out")
applied() { local_api apply -f "$here/../../engine/deploy/quickstart.yaml"; }
wait_for "cluster" 20 applied
token_of() { local_api get -n c-edge clusterregistrationtokens default-token -o jsonpath='{.status.token}'; }
has_token() { [ -n "$(token_of)" ]; }
wait_for "registration token" 20 has_token
imported() { curl -skf -m 10 "$url/v3/import/$(token_of)_c-edge.yaml" | edge apply -f -; }
wait_for "import" 20 imported
CATTLE_SERVER=$url
CATTLE_TOKEN=$(token_of)
CATTLE_CA_CHECKSUM=$(curl -sk "$url/cacerts" | sha256sum | cut -d' ' -f1)
export CATTLE_SERVER CATTLE_TOKEN CATTLE_CA_CHECKSUM
start_agent() {
    start "$1" "$paddock" agent cluster --kubeconfig "$work/edge.kubeconfig"
    agent_pid=$pid
}
start_agent agent
edge create clusterrolebinding me --clusterrole edit --user local:system:serviceaccount:default:me >/dev/null
edge apply -f - >/dev/null <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: loud, annotations: {paddock.io/log-every: 2us, paddock.io/log-bytes: "1000"}}
spec: {containers: [{name: c, image: loud}]}
EOF
token=$(kubectl_token default me "$kubectl" --kubeconfig "$work/local.kubeconfig")
k() { "$kubectl" --kubeconfig /dev/null --server "$url/k8s/clusters/c-edge" --insecure-skip-tls-verify --token "$token" "$@"; }
is_up() { [ "$(timeout 10 "$kubectl" --kubeconfig /dev/null --server "$url/k8s/clusters/c-edge" --insecure-skip-tls-verify \
    --token "$token" get pod "$1" -o jsonpath='{.status.phase}')" = Running ]; }
wait_for "pod through the manager" 40 is_up web
wait_for "the other pod" 20 is_up loud
pass "a pod is seen through the manager"

# ---- for a minute, while the rest goes on ----
timeout 60 "$kubectl" --kubeconfig /dev/null --server "$url/k8s/clusters/c-edge" --insecure-skip-tls-verify --token "$token" \
    logs -f web --tail=0 >"$work/follow.out" 2>"$work/follow.err" &
follower=$!
timeout 60 "$kubectl" --kubeconfig /dev/null --server "$url/k8s/clusters/c-edge" --insecure-skip-tls-verify --token "$token" \
    get pods -w -o 'jsonpath={.metadata.labels.seen}{"\n"}' >"$work/watch.out" 2>"$work/watch.err" &
watcher=$!
pids="$pids $follower $watcher"
minute=$(date +%s)
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# ---- bytes both ways ----
mib=${PADDOCK_STREAM_MIB:-64}
head -c "${mib}M" /dev/urandom >"$work/bytes"
want=$(sha256sum <"$work/bytes")
got=$(k exec -i web -- cat <"$work/bytes" 2>"$work/exec.err" | sha256sum)
[ "$got" = "$want" ] || fail "exec changed $mib MiB on their way: $(cat "$work/exec.err")"
pass "exec: $mib MiB there and back"
code=0
k exec web -- sh -c 'exit 9' >/dev/null 2>&1 || code=$?
[ "$code" = 9 ] || fail "exit status 9 came as $code"
rm -f "$work/bytes"

# ---- a thousand connections ----
start forward "$kubectl" --kubeconfig /dev/null --server "$url/k8s/clusters/c-edge" --insecure-skip-tls-verify --token "$token" \
    port-forward pod/web :8080
forward_pid=$pid
wait_for "forwarded port" 20 grep -q '127.0.0.1:' "$work/forward.out"
port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$work/forward.out" | head -n 1)
n=$(curl -s -m 60 -Z --parallel-max 8 -H 'Connection: close' "http://127.0.0.1:$port/[1-1000]" | sort -u | grep -c '^web:8080 /')
[ "$n" = 1000 ] || fail "$n of 1000 requests over port-forward"
kill "$forward_pid" 2>/dev/null || :
pass "port-forward: 1000 requests, each on a connection of its own"

# ---- readers that do not read: nothing grows, nobody else waits ----
before="$(rss "$server_pid") $(rss "$agent_pid") $(rss "$api_pid")"
# shellcheck disable=SC2216 # that it does not read is the point
{ k exec web -- head -c 8G /dev/zero 2>/dev/null || :; } | sleep 9 &
lazy=$!
curl -sk -m 9 --limit-rate 20k -H "Authorization: Bearer $token" -o /dev/null \
    "$url/k8s/clusters/c-edge/api/v1/namespaces/default/pods/loud/log" &
slow=$!
pids="$pids $lazy $slow"
sleep 4 # what would pile up, piles up
: >"$work/times"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    curl -sk -m 10 -H "Authorization: Bearer $token" -o /dev/null -w '%{http_code} %{time_total}\n' \
        "$url/k8s/clusters/c-edge/api/v1/namespaces/default/pods/web" >>"$work/times"
done
grep -vq '^200 ' "$work/times" && fail "beside slow readers: $(grep -v '^200 ' "$work/times" | head -n 1)"
median=$(cut -d' ' -f2 "$work/times" | sort -n | sed -n 10p)
after="$(rss "$server_pid") $(rss "$agent_pid") $(rss "$api_pid")"
echo "memory (server agent api, KiB): $before -> $after; another request: $median s"
# shellcheck disable=SC2086 # words
set -- $before $after
for i in 1 2 3; do
    grown=
    eval "grown=\$((\$$((i + 3)) - \$$i))"
    [ "$grown" -lt 24576 ] || fail "process $i has grown by $grown KiB for a reader that does not read"
done
[ "${median%%.*}" = 0 ] || fail "another request takes $median s"
wait $lazy $slow || :
pass "slow readers cost nobody anything"

# ---- the minute is over ----
while [ $(($(date +%s) - minute)) -lt 55 ]; do sleep 0.2; done
k label pod web seen=late >/dev/null
wait $follower && code=0 || code=$?
[ "$code" = 124 ] || fail "logs -f ended by itself with $code: $(tail -n 3 "$work/follow.err")"
wait $watcher && code=0 || code=$?
[ "$code" = 124 ] || fail "the watch ended by itself with $code"
lines=$(grep -c . "$work/follow.out")
[ "$lines" -ge 54 ] || fail "logs -f has $lines lines of a minute"
grep -q late "$work/watch.out" || fail "the watch has not seen the last change"
pass "a minute of logs -f ($lines lines) and of a watch"

# ---- an agent that dies ----
k logs -f web --tail=1 >"$work/cut-log.out" 2>"$work/cut-log.err" &
one=$!
k exec web -- sleep 1000 >"$work/cut-exec.out" 2>"$work/cut-exec.err" &
two=$!
pids="$pids $one $two"
wait_for "line of the log" 10 grep -q . "$work/cut-log.out"
kill -9 "$agent_pid"
is_over() { ! kill -0 "$1" 2>/dev/null; }
wait_for "end of logs -f" 20 is_over $one
wait_for "end of exec" 20 is_over $two
wait $two && fail "exec ended well without its agent"
start_agent agent2
wait_for "pod through the manager, again" 20 is_up web
[ "$(k exec web -- echo back)" = back ] || fail "no exec through the new agent"
pass "an agent died: clients saw an end, and it goes on"
