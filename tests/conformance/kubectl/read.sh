# shellcheck shell=sh disable=SC2154
# get in every form, api-resources, explain, describe, watches, raw paths.
for n in a b c; do quiet create cm "$n" --from-literal=k="$n"; done
quiet label cm a tier=front
quiet label cm b tier=back
quiet run pod1 --image=nginx --labels=app=x
quiet create deployment web --image=nginx
quiet create service clusterip svc --tcp=80
quiet create secret generic sec --from-literal=p=secret
check table 0 '^NAME +DATA +AGE a +1 +[0-9]+s b +1 +[0-9]+s c +1 ' get cm a b c
check table-pods 0 '^NAME +READY +STATUS +RESTARTS +AGE pod1 +0/1 +Pending +0 +[0-9]+s $' get pods
check table-wide 0 'NOMINATED NODE +READINESS GATES' get pods -o wide
check table-deployments 0 '^NAME +READY +UP-TO-DATE +AVAILABLE +AGE web +0/1 +0 +0 ' get deploy
check table-services 0 '^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE svc +ClusterIP +[0-9.]+ +<none> +80/TCP ' get svc
check table-namespaces 0 "^NAME +STATUS +AGE $id +Active" get ns "$id"
check show-labels 0 'tier=front' get cm a --show-labels
check label-column 0 'TIER a .* front' get cm a -L tier
check several-kinds 0 'configmap/a .*secret/sec' get cm/a secret/sec
check all 0 'pod/pod1 .*service/svc .*deployment.apps/web' get all
check name 0 '^configmap/a $' get cm a -o name
check yaml 0 'apiVersion: v1 data: +k: a kind: ConfigMap' get cm a -o yaml
check json 0 '"kind": "ConfigMap"' get cm a -o json
check jsonpath 0 '^a b ?$' get cm a b -o 'jsonpath={.items[*].data.k}'
check custom-columns 0 '^N +K a +a $' get cm a -o custom-columns=N:.metadata.name,K:.data.k
check go-template 0 '^a ?$' get cm a -o 'go-template={{.data.k}}'
check sort-by 0 '^configmap/a configmap/b configmap/c $' get cm c b a --sort-by='{.metadata.name}' -o name
check selector 0 '^configmap/a configmap/b $' get cm -l 'tier in (front,back)' -o name
check selector-not 0 '^configmap/b $' get cm -l 'tier,tier!=front' -o name
check field-selector 0 '^configmap/c $' get cm --field-selector metadata.name=c -o name
check field-selector-bad 1 'not a known field selector|field label not supported: data.k' get cm --field-selector data.k=c
check all-namespaces 0 "NAMESPACE +NAME .*$id +a " get cm -A
check chunks 0 'a .*b .*c ' get cm --chunk-size=1 -o name
check ignore-not-found 0 '^$' get cm nope --ignore-not-found
check not-found 1 '^Error from server \(NotFound\): configmaps "nope" not found $' get cm nope
check no-kind 1 "the server doesn't have a resource type \"nopes\"" get nopes
check none 0 "^No resources found in $id namespace. \$" get pvc
check short-names 0 "namespace/$id" get ns "$id" -o name
check raw 0 '^ok ?$' get --raw /healthz
check readyz 0 '\[\+\]ping ok.*readyz check passed' get --raw '/readyz?verbose'
check livez 0 '^ok ?$' get --raw /livez
check raw-404 1 'NotFound|could not find' get --raw /nothing
check version 0 'Server Version: .*v?1[.]34' version
check cluster-info 0 'Kubernetes control plane.* is running at .*https://' cluster-info
check_kinds api-versions 0 'apps/v1 .*batch/v1 .*rbac.authorization.k8s.io/v1 .*v1 $' api-versions
check_kinds api-resources 0 'configmaps +cm +v1 +true +ConfigMap .*deployments +deploy +apps/v1 +true +Deployment' api-resources
check_kinds api-resources-wide 0 'configmaps .*(delete,deletecollection|create delete deletecollection|\[create delete deletecollection)' api-resources -o wide
check_kinds api-resources-group 0 '^deployments[.]apps |deployments.apps' api-resources --api-group=apps -o name
check_kinds api-resources-cluster 0 'namespaces .*nodes' api-resources --namespaced=false -o name
check explain 0 'KIND: +Pod .*containers.*-required-' explain pod.spec
check explain-group 0 'KIND: +Deployment .*(VERSION: +apps/v1|VERSION: +v1)' explain deployment.spec.strategy
check explain-recursive 0 'imagePullPolicy' explain pods --recursive
check explain-bad 1 'field "nope" does not exist' explain pod.spec.nope
check describe-pod 0 'Name: +pod1 .*Status: +Pending .*Containers: .*Image: +nginx.*QoS Class: +BestEffort' describe pod pod1
check describe-deployment 0 'Replicas: +1 desired .*StrategyType: +RollingUpdate' describe deployment web
check describe-service 0 'Type: +ClusterIP .*Port: ' describe svc svc
check describe-secret 0 'Type: +Opaque .*p: +6 bytes' describe secret sec
check describe-configmap 0 'Data ====' describe cm a
check describe-namespace 0 'Status: +Active' describe ns "$id"
check describe-not-found 1 'NotFound' describe cm nope
check events-none 0 'No resources found|No events found' get events
uid=$(k get pod pod1 -o 'jsonpath={.metadata.uid}')
quiet create -f - <<X
{"apiVersion":"v1","kind":"Event","metadata":{"name":"e1","namespace":"$id"},"type":"Warning","reason":"Odd","message":"it is odd","count":2,
"firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":"2026-01-01T00:00:00Z",
"involvedObject":{"kind":"Pod","apiVersion":"v1","name":"pod1","namespace":"$id","uid":"$uid"},"source":{"component":"test"}}
X
check events 0 'LAST SEEN +TYPE +REASON +OBJECT +MESSAGE .* Warning +Odd +pod/pod1 +it is odd' get events
since 26 check events-command 0 'Warning +Odd +Pod/pod1 +it is odd' events
check events-described 0 'Events: .*Warning +Odd .*it is odd' describe pod pod1
watching watch 'w1 .*w1 ' cm --watch-only -- sh -c "'$kubectl' create cm w1 && '$kubectl' label cm w1 x=y"
watching watch-list 'a +1 .*w2 ' cm -w -- "$kubectl" create cm w2
watching watch-events 'ADDED .*DELETED ' cm --watch-only --output-watch-events -- sh -c "'$kubectl' create cm w3 && '$kubectl' delete cm w3"
watching watch-json '"w4": "x"' cm a -o json --watch -- "$kubectl" label cm a w4=x
check logs-refused 1 'Error|error' logs pod1
check exec-refused 1 'Error|error' exec pod1 -- date
check top-refused 1 'Metrics (API )?not available|NotFound|not available' top nodes
check proxy-config 0 'server: https://' config view --minify
