# shellcheck shell=sh disable=SC2154
# server: full
# delete with each propagation, finalizers, namespaces, owners.
owned() { # NAME: a ReplicaSet, and a ConfigMap that it owns
    quiet create -f - <<X
{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"$1"},"spec":{"replicas":0,"selector":{"matchLabels":{"a":"$1"}},
"template":{"metadata":{"labels":{"a":"$1"}},"spec":{"containers":[{"name":"c","image":"x"}]}}}}
X
    uid=$(k get rs "$1" -o 'jsonpath={.metadata.uid}')
    quiet create -f - <<X
{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"of-$1","ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"$1","uid":"$uid","blockOwnerDeletion":true}]}}
X
}
gone() { # KIND NAME: within a while
    tries=0
    while [ $tries -lt 600 ] && k get "$1" "$2" >/dev/null 2>&1; do
        tries=$((tries + 1))
        sleep 0.1
    done
}
quiet create cm a --from-literal=k=v
for n in l1 l2 l3; do quiet create cm $n; quiet label cm $n set=l; done
check delete 0 '^configmap "a" deleted' delete cm a
check delete-missing 1 '^Error from server \(NotFound\): configmaps "a" not found $' delete cm a
check ignore-not-found 0 '^$' delete cm a --ignore-not-found
check dry-run 0 '^configmap "l1" deleted .*\(server dry run\)' delete cm l1 --dry-run=server
check selector 0 '"l1" deleted.*"l2" deleted.*"l3" deleted' delete cm -l set=l
owned bg
check background 0 'replicaset.apps "bg" deleted' delete rs bg --cascade=background
gone cm of-bg
check background-collected 1 'NotFound' get cm of-bg
owned fg
check foreground 0 'replicaset.apps "fg" deleted' delete rs fg --cascade=foreground
check foreground-collected 1 'NotFound' get cm of-fg
owned or
check orphan 0 'replicaset.apps "or" deleted' delete rs or --cascade=orphan
sleep 0.5
check orphaned 0 '^of-or ?$' get cm of-or -o 'jsonpath={.metadata.name}{.metadata.ownerReferences}'
quiet create -f - <<X
{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"fin","finalizers":["x.test/hold"]}}
X
check finalizer 0 '"fin" deleted' delete cm fin --wait=false
check finalizer-holds 0 '^20.*T.*Z ?$' get cm fin -o 'jsonpath={.metadata.deletionTimestamp}'
check finalizer-removed 0 'configmap/fin patched' patch cm fin --type=merge -p '{"metadata":{"finalizers":null}}'
check finalizer-gone 1 'NotFound' get cm fin
quiet run p --image=x
check pod-force 0 '"p" (force )?deleted' delete pod p --force --grace-period=0
check pod-gone 1 'NotFound' get pod p
quiet create cm x1
quiet create cm x2
check all 0 '"x1" deleted.*"x2" deleted' delete cm --all
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: f}\n' >f.yaml
quiet create -f f.yaml
check file 0 '"f" deleted' delete -f f.yaml
quiet create cm l4
quiet create cm l5
check several-now 0 '"l4" deleted.*"l5" deleted' delete cm/l4 cm/l5
quiet create namespace "d-$id"
quiet create cm inside -n "d-$id"
check namespace 0 "namespace \"d-$id\" deleted" delete namespace "d-$id" --timeout=100s
check namespace-gone 1 'NotFound' get namespace "d-$id"
check namespace-content-gone 0 'No resources found' get cm -n "d-$id"
check default-account 0 '^default ?$' get sa default -o 'jsonpath={.metadata.name}'
check root-ca 0 'BEGIN CERTIFICATE' get cm kube-root-ca.crt -o 'jsonpath={.data.ca\.crt}'
check system-namespaces 1 'forbidden' delete namespace default --timeout=5s
