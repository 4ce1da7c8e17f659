#!/bin/sh
# Goal: the Kubernetes manifests are valid to the letter, and a server that has the rights of its role and no others is
# denied nothing: not when it starts, not when a cluster comes and goes, not when callers are reviewed.
# Method: real kubectl applies engine/deploy/kubernetes to the simulated API (RBAC on), first as a strict dry run; then a
# server runs against it with a token of its service account; the audit log must hold no refusal of that account.
# usage: tests/real/deploy.sh PADDOCK PADDOCK-SIM FOLDER      exit status 77: there is no kubectl
set -eu
paddock=$1 sim=$2 work=$3
root=$PWD
# shellcheck source=tests/conformance/kubectl_find
. tests/conformance/kubectl_find
find_kubectls "$root" | tail -n 1 >"$work.kubectl"
kubectl=$(cut -d' ' -f2 "$work.kubectl")
if [ -z "$kubectl" ]; then
    echo "SKIPPED: kubectl: none is installed; ./dev test installs Debian's"
    exit 77
fi
strict=true # clients before 1.25 have no other
[ "$(cut -d' ' -f3 "$work.kubectl")" -lt 25 ] || strict=strict
rm -rf "$work"
mkdir -p "$work/home"
pids=
finish() {
    status=$?
    for pid in $pids; do kill "$pid" 2>/dev/null || :; done
    sleep 0.2
    for pid in $pids; do kill -9 "$pid" 2>/dev/null || :; done
    [ $status -eq 0 ] || { echo "FAIL $step"; tail -n 5 "$work"/*.err; }
}
trap finish EXIT
trap 'exit 1' INT TERM
kc() { HOME=$work/home timeout 30 "$kubectl" --kubeconfig "$work/admin" "$@"; }
# ready NAME: the URL that it says, within ten seconds
ready() {
    for _ in $(seq 100); do
        url=$(sed -n 's/^ready //p' "$work/$1.out" 2>/dev/null || :)
        [ -z "$url" ] || return 0
        sleep 0.1
    done
    return 1
}
fails() { if "$@"; then return 1; fi; }
# until_holds COMMAND...: within ten seconds
until_holds() {
    for _ in $(seq 50); do
        if "$@" >"$work/last.out" 2>"$work/last.err"; then return 0; fi
        sleep 0.2
    done
    return 1
}

step='the API starts'
"$sim" apiserver --kubeconfig-out "$work/admin" --audit "$work/audit" >"$work/api.out" 2>"$work/api.err" &
pids=$!
ready api

step='the manifests are valid'
manifests=engine/deploy/kubernetes
kc apply --validate=$strict -f $manifests/namespace.yaml >"$work/apply.out" 2>"$work/apply.err"
kc apply --validate=$strict --dry-run=server -f $manifests >>"$work/apply.out" 2>"$work/apply.err"
step='the manifests are applied, twice'
kc apply --validate=$strict -f $manifests >>"$work/apply.out" 2>"$work/apply.err"
kc apply --validate=$strict -f $manifests >"$work/again.out" 2>"$work/apply.err"
fails grep -v unchanged "$work/again.out"

step='three replicas, found before they are ready'
kc get -n cattle-system deployment paddock-server -o jsonpath='{.spec.replicas}' | grep -qx 3
kc get -n cattle-system service rancher -o jsonpath='{.spec.publishNotReadyAddresses}' | grep -qx true
kc scale -n cattle-system deployment paddock-server --replicas 0 >"$work/scale.out" # the fake nodes run nobody's program

step='a server with that role alone'
token=$(kubectl_token cattle-system paddock-server kc)
kc config view --raw --minify -o json >"$work/admin.json"
awk -v token="$token" '
    /"client-(certificate|key)-data"/ { if (!done++) print "\"token\": \"" token "\""; next } { print }' \
    "$work/admin.json" >"$work/role"
"$paddock" server --kubeconfig "$work/role" --listen 127.0.0.1:0 --server-url https://127.0.0.1:8443 \
    >"$work/server.out" 2>"$work/server.err" &
pids="$pids $!"
ready server
server=$url

step='a cluster comes'
until_holds kc create -f - <<'EOF'
{"apiVersion": "management.cattle.io/v3", "kind": "Cluster", "metadata": {"name": "c-deploy"},
 "spec": {"displayName": "deploy"}}
EOF
has_token() {
    registration=$(kc get -n c-deploy clusterregistrationtokens default-token -o jsonpath='{.status.token}') &&
        [ -n "$registration" ]
}
until_holds has_token
step='the doctor with its token'
"$paddock" doctor --server "$server" --token "$registration" --ca-checksum "$(
    kc get settings.management.cattle.io cacerts -o jsonpath='{.value}' >"$work/ca"
    sha256sum <"$work/ca" | cut -d' ' -f1
)" >"$work/doctor.out"
grep -q 'ok    tunnel     a stream went there and back' "$work/doctor.out"

step='a stranger is reviewed and sent away'
curl -ks -o "$work/stranger" -w '%{http_code}' -H 'Authorization: Bearer nobody' \
    "$server/k8s/clusters/c-deploy/api" | grep -qx 401
step='a user is reviewed'
user=$(kubectl_token default default kc)
curl -ks -o "$work/user" -w '%{http_code}' -H "Authorization: Bearer $user" \
    "$server/k8s/clusters/c-deploy/api" | grep -qx 403

step='the cluster goes'
kc delete clusters.management.cattle.io c-deploy --wait=false >"$work/delete.out"
is_gone() { ! kc get clusters.management.cattle.io c-deploy && ! kc get -n c-deploy clusterregistrationtokens default-token; }
until_holds is_gone

step='nothing was denied'
account='"username":"system:serviceaccount:cattle-system:paddock-server"'
grep -F "$account" "$work/audit" >"$work/server.audit"
fails grep -E '"code":40[13]' "$work/server.audit"
step='nothing beside it is granted'
for what in 'get secrets -n default' 'list secrets -n cattle-system' 'create pods -n cattle-system' \
    'delete clusters.management.cattle.io' 'create clusterrolebindings' 'impersonate users'; do
    # shellcheck disable=SC2086
    fails kc auth can-i --as system:serviceaccount:cattle-system:paddock-server $what >"$work/can.out" 2>&1
done
echo "1 passed, 0 failed"
