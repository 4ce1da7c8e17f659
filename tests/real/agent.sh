#!/bin/sh
# Goal: what an operator does to import a cluster works with real programs: `paddock server` over one API, the manifest that
# it gives applied by kubectl to another, `paddock agent cluster` with what the manifest mounts; the cluster becomes Active,
# an agent that is told to end ends in order, one that is killed comes back, two live side by side.
# Method: two simulated APIs, a server and agents as processes on loopback; kubectl as the only client.
# usage: tests/real/agent.sh PADDOCK SIM FOLDER      77: there is no kubectl on this machine
set -eu
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
paddock=$(realpath "$1")
sim=$(realpath "$2")
mkdir -p "$3"
work=$(cd "$3" && pwd)/agent
# shellcheck source=tests/conformance/kubectl_find
. "$here/../conformance/kubectl_find"
kubectl=$(find_kubectls "$here/../.." | tail -n 1 | cut -d' ' -f2)
if [ -z "$kubectl" ]; then
    echo "SKIPPED: kubectl is not installed; ./dev test installs Debian's"
    exit 77
fi
rm -rf "$work"
mkdir -p "$work/credentials" "$work/home"
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
        tail -n 15 "$file"
    done
    exit 1
}
pass() { echo "ok: $*"; }
# wait_for WHAT SECONDS COMMAND...: until the command succeeds
wait_for() {
    what=$1 left=$(($2 * 10))
    shift 2
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "no $what"
        sleep 0.1
    done
}
# start NAME COMMAND...: $pid; output in NAME.out and NAME.err
start() {
    name=$1
    shift
    "$@" >"$work/$name.out" 2>"$work/$name.err" &
    pid=$!
    pids="$pids $pid"
}
local_api() { timeout 20 "$kubectl" --kubeconfig "$work/local.kubeconfig" "$@"; }
edge() { timeout 20 "$kubectl" --kubeconfig "$work/edge.kubeconfig" "$@"; }

# ---- the manager ----
start local "$sim" apiserver --kubeconfig-out "$work/local.kubeconfig"
start edge "$sim" apiserver --kubeconfig-out "$work/edge.kubeconfig"
wait_for "local API" 20 grep -q ready "$work/local.out"
wait_for "downstream API" 20 grep -q ready "$work/edge.out"
start server "$paddock" server --kubeconfig "$work/local.kubeconfig" --listen 127.0.0.1:0 \
    --agent-image registry.example.test/paddock:7
server_pid=$pid
wait_for "server" 30 grep -q '^ready' "$work/server.out"
url=$(sed -n 's/^ready //p' "$work/server.out")
ping_answers() { [ "$(curl -sk -m 5 "$url/ping")" = pong ]; }
wait_for "answer of the server" 10 ping_answers

# ---- the cluster's objects, and the manifest ----
local_api apply -f - >/dev/null <<EOF
apiVersion: management.cattle.io/v3
kind: Cluster
metadata: {name: c-edge}
spec: {displayName: edge, imported: true}
EOF
wait_for "namespace of the cluster" 15 local_api get namespace c-edge
local_api apply -f - >/dev/null <<EOF
apiVersion: management.cattle.io/v3
kind: ClusterRegistrationToken
metadata: {name: by-hand, namespace: c-edge}
spec: {clusterName: c-edge}
EOF
token_of() { local_api -n c-edge get clusterregistrationtokens.management.cattle.io by-hand -o "jsonpath={.status.token}"; }
has_token() { [ -n "$(token_of)" ]; }
wait_for "registration token" 15 has_token
manifest=$url/v3/import/$(token_of)_c-edge.yaml
curl -skf -m 10 "$manifest" >"$work/import.yaml" || fail "no manifest at $manifest"
[ -n "$(sed -n '/registry.example.test\/paddock:7/p' "$work/import.yaml")" ] || fail "the manifest has another image"
edge apply --dry-run=client -f "$work/import.yaml" >/dev/null || fail "kubectl does not take the manifest"
edge create namespace cattle-system >/dev/null # a dry run makes none for what is in it
edge apply --server-side --dry-run=server -f "$work/import.yaml" >/dev/null || fail "server-side dry run"
edge apply -f "$work/import.yaml" >"$work/apply.out" 2>"$work/apply.err" || fail "kubectl apply"
edge apply -f "$work/import.yaml" >"$work/again.out" 2>/dev/null || fail "kubectl apply, again"
grep -qv unchanged "$work/again.out" && fail "applied twice, it changes: $(grep -v unchanged "$work/again.out")"
edge apply --server-side --force-conflicts -f "$work/import.yaml" >/dev/null || fail "server-side apply"
pass "import manifest applied"
pod() { edge -n cattle-system get deployment cattle-cluster-agent -o "jsonpath={.spec.template.spec$1}"; }
[ "$(pod .securityContext.runAsNonRoot)" = true ] || fail "the pod may be root"
[ "$(pod '.containers[0].securityContext.readOnlyRootFilesystem')" = true ] || fail "its root file system is writable"
[ "$(pod '.containers[0].readinessProbe.httpGet.path')" = /readyz ] || fail "it is not probed"
pass "its pod is confined and probed"

# ---- the agent, with what the manifest mounts ----
secret=$(pod '.volumes[0].secret.secretName')
for key in token url; do
    edge -n cattle-system get secret "$secret" -o "jsonpath={.data.$key}" | base64 -d >"$work/credentials/$key"
done
checksum=$(pod '.containers[0].env[?(@.name=="CATTLE_CA_CHECKSUM")].value')
CATTLE_SERVER=$(pod '.containers[0].env[?(@.name=="CATTLE_SERVER")].value')
CATTLE_CA_CHECKSUM=$checksum
CATTLE_CREDENTIAL_NAME=$secret
export CATTLE_SERVER CATTLE_CA_CHECKSUM CATTLE_CREDENTIAL_NAME
start_agent() { # NAME ARGUMENTS...
    name=$1
    shift
    start "$name" "$paddock" agent cluster --kubeconfig "$work/edge.kubeconfig" --credentials-dir "$work/credentials" "$@"
    wait_for "healthz address of $name" 5 grep -q ^healthz "$work/$name.out"
}
healthz() { curl -s -m 5 "$(sed -n 's/^healthz //p' "$work/$1.out")"; }
status_of() { curl -s -m 5 -o /dev/null -w '%{http_code}' "$(sed -n "s,^healthz \(.*\)/healthz,\1/$2,p" "$work/$1.out")"; }
is_ready() { [ "$(status_of "$1" readyz)" = 200 ]; }
is_at() { healthz "$1" | grep -q "\"phase\":\"$2\""; }
condition() { local_api get clusters.management.cattle.io c-edge -o "jsonpath={.status.conditions[?(@.type==\"$1\")].status}"; }
is_condition() { [ "$(condition "$1")" = "$2" ]; }

start_agent one --state-dir "$work/state"
one=$pid
wait_for "tunnel" 20 is_ready one
is_at one Connected || fail "connected, but /healthz says $(healthz one)"
wait_for "Connected of the cluster" 30 is_condition Connected True
wait_for "Ready of the cluster" 30 is_condition Ready True
pass "the cluster is Active"
for file in connected serverca; do
    [ -s "$work/state/$file" ] || fail "the state folder has no $file"
done
events() { edge -n cattle-system get events -o "jsonpath={.items[*].reason}"; }
has_event() { events | grep -q "$1"; }
wait_for "Event of the tunnel" 15 has_event Connected
pass "told in the cluster"

# ---- two of it, and the end in order ----
start_agent two
two=$pid
wait_for "second tunnel" 20 is_ready two
kill -TERM "$one"
code=0
wait "$one" || code=$?
[ "$code" = 0 ] || fail "SIGTERM ended the agent with $code"
wait_for "Connected of the cluster by the second agent" 10 is_condition Connected True
pass "one of two ended in order"
kill -9 "$two"
wait "$two" 2>/dev/null || :
start_agent three
three=$pid
wait_for "tunnel after kill -9" 20 is_ready three
wait_for "Connected of the cluster after kill -9" 30 is_condition Connected True
pass "killed, it came back"

# ---- the manager is away, and comes back elsewhere ----
kill -9 "$server_pid"
wait "$server_pid" 2>/dev/null || :
wait_for "refused phase" 30 is_at three TCP
[ "$(status_of three healthz)" = 200 ] || fail "a manager that is away makes the agent ill"
# Its port may be somebody's for a moment: kernels give it to whoever connects.
came_back() {
    kill -0 "$pid" 2>/dev/null ||
        start server2 "$paddock" server --kubeconfig "$work/local.kubeconfig" --listen "${url#https://}" \
            --agent-image registry.example.test/paddock:7
    grep -q '^ready' "$work/server2.out"
}
pid=$server_pid
wait_for "server, again" 30 came_back
wait_for "tunnel to the new server" 30 is_at three Connected
pass "the manager was away and is back"

# ---- wrong credentials: named, and not for ever asked ----
printf 'wrong' >"$work/credentials/token"
start_agent wrong
wrong=$pid
wait_for "refusal" 20 is_at wrong Auth
kill -TERM "$wrong"
code=0
wait "$wrong" || code=$?
[ "$code" = 0 ] || fail "SIGTERM ended a refused agent with $code"
CATTLE_CA_CHECKSUM=0000000000000000000000000000000000000000000000000000000000000000
start_agent pinned
wait_for "mismatch of the pin" 20 is_at pinned CA
kill -TERM "$pid" "$three"
code=0
wait "$three" || code=$?
[ "$code" = 0 ] || fail "SIGTERM ended the agent with $code"
pass "refusals are named"
