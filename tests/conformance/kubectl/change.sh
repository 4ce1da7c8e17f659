# shellcheck shell=sh disable=SC2016,SC2154
# patch, label, annotate, edit, set, scale, nodes, rollouts, wait.
quiet create cm a --from-literal=k=v
quiet create deployment web --image=nginx:1 --replicas=2
check patch-strategic 0 '^deployment.apps/web patched $' patch deploy web -p '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","env":[{"name":"X","value":"1"}]}]}}}}'
check patch-strategic-merged 0 '^nginx:1 X ?$' get deploy web -o 'jsonpath={.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].name}'
check patch-merge 0 '^configmap/a patched $' patch cm a --type=merge -p '{"data":{"k":null,"n":"1"}}'
check patch-merged 0 '^[{]"n":"1"[}] ?$' get cm a -o 'jsonpath={.data}'
check patch-json 0 '^configmap/a patched $' patch cm a --type=json -p '[{"op":"add","path":"/data/j","value":"2"},{"op":"test","path":"/data/n","value":"1"}]'
check patch-json-test 1 'rejected|test|the server rejected our request|invalid' patch cm a --type=json -p '[{"op":"test","path":"/data/n","value":"7"}]'
check patch-nothing 0 '^configmap/a patched \(no change\) $' patch cm a --type=merge -p '{"data":{"n":"1"}}'
check patch-immutable 1 'field is immutable' patch deploy web -p '{"spec":{"selector":{"matchLabels":{"app":"other"}}}}'
since 24 check patch-status 0 '^deployment.apps/web patched' patch deploy web --subresource=status --type=merge -p '{"status":{"replicas":1}}'
check label 0 '^configmap/a labeled $' label cm a x=1
check label-refused 1 "already has a value" label cm a x=2
check label-overwrite 0 '^configmap/a labeled $' label cm a x=2 --overwrite
check label-remove 0 '^configmap/a (labeled|unlabeled) $' label cm a x-
check label-invalid 1 'is invalid|a (valid|lowercase)|must consist' label cm a 'x=a b'
check annotate 0 '^configmap/a annotated $' annotate cm a note='some text'
check annotate-all 0 'configmap/a annotated' annotate cm --all all=yes
printf '#!/bin/sh\nsed -i "s/: \\"1\\"/: \\"edited\\"/" "$1"\n' >editor
chmod +x editor
KUBE_EDITOR=$dir/editor
export KUBE_EDITOR
check edit 0 '^configmap/a edited $' edit cm a
check edited 0 '^edited ?$' get cm a -o 'jsonpath={.data.n}'
KUBE_EDITOR=true
check edit-cancelled 0 'Edit cancelled, no changes made' edit cm a
check set-image 0 '^deployment.apps/web image updated $' set image deploy/web nginx=nginx:2
check set-env 0 '^deployment.apps/web env updated $' set env deploy/web Y=2
check set-env-list 0 'Y=2' set env deploy/web --list
check set-resources 0 '^deployment.apps/web resource requirements updated $' set resources deploy web --limits=cpu=200m,memory=512Mi
check set-resources-written 0 '^200m 512Mi ?$' get deploy web -o 'jsonpath={.spec.template.spec.containers[0].resources.limits.cpu} {.spec.template.spec.containers[0].resources.limits.memory}'
check set-serviceaccount 0 '^deployment.apps/web serviceaccount updated $' set serviceaccount deploy web default
quiet create service clusterip svc --tcp=80
check set-selector 0 '^service/svc selector updated $' set selector svc svc app=web
check scale 0 '^deployment.apps/web scaled $' scale deploy web --replicas=5
check scaled 0 '^5 ?$' get deploy web -o 'jsonpath={.spec.replicas}'
check scale-expects 1 'Expected replicas to be 2, was 5' scale deploy web --current-replicas=2 --replicas=3

# nodes
quiet create -f - <<X
{"apiVersion":"v1","kind":"Node","metadata":{"name":"n-$id","labels":{"kubernetes.io/hostname":"n-$id"}}}
X
check node-table 0 "^NAME +STATUS +ROLES +AGE +VERSION n-$id +Unknown +<none>" get node "n-$id"
check taint 0 "^node/n-$id tainted \$" taint node "n-$id" k=v:NoSchedule
check taint-remove 0 "^node/n-$id untainted \$" taint node "n-$id" k=v:NoSchedule-
check cordon 0 "^node/n-$id cordoned \$" cordon "n-$id"
check cordon-table 0 'SchedulingDisabled' get node "n-$id"
check uncordon 0 "^node/n-$id uncordoned \$" uncordon "n-$id"
quiet create -f - <<X
{"apiVersion":"v1","kind":"Pod","metadata":{"name":"onnode","labels":{"app":"d"}},"spec":{"nodeName":"n-$id","containers":[{"name":"c","image":"x"}]}}
X
check drain-refused 1 'cannot delete Pods (declare no controller|not managed|that declare no controller)' drain "n-$id"
check drain 0 "node/n-$id (drained|evicted)" drain "n-$id" --force --grace-period=0 --timeout=100s
check describe-node 0 'Unschedulable: +true' describe node "n-$id"

# roll-outs: the objects that a deployment controller would make
uid=$(k get deploy web -o 'jsonpath={.metadata.uid}')
quiet patch deploy web --type=merge -p '{"metadata":{"annotations":{"deployment.kubernetes.io/revision":"2"}},"spec":{"replicas":1}}'
for revision in 1 2; do
    quiet create -f - <<X
{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"web-$revision","labels":{"app":"web"},"annotations":{"deployment.kubernetes.io/revision":"$revision"},
"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"$uid","controller":true}]},
"spec":{"replicas":0,"selector":{"matchLabels":{"app":"web","pod-template-hash":"h$revision"}},"template":{"metadata":{"labels":{"app":"web","pod-template-hash":"h$revision"}},
"spec":{"containers":[{"name":"nginx","image":"nginx:old$revision"}]}}}}
X
done
check rollout-history 0 'REVISION +CHANGE-CAUSE 1 +<none> 2 ' rollout history deploy/web
check rollout-history-one 0 'nginx:old1' rollout history deploy/web --revision=1
check rollout-undo 0 '^deployment.apps/web rolled back $' rollout undo deploy/web --to-revision=1
check rollout-undone 0 '^nginx:old1 ?$' get deploy web -o 'jsonpath={.spec.template.spec.containers[0].image}'
check rollout-pause 0 '^deployment.apps/web paused $' rollout pause deploy/web
check rollout-paused 1 'already paused' rollout pause deploy/web
check rollout-resume 0 '^deployment.apps/web resumed $' rollout resume deploy/web
check rollout-restart 0 '^deployment.apps/web restarted $' rollout restart deploy/web
check rollout-status-waits 1 'Waiting for .*deployment' rollout status deploy/web --timeout=5s
generation=$(k get deploy web -o 'jsonpath={.metadata.generation}')
k get deploy web -o json >web.json
sed -i '/^    "status": /,$d' web.json
sed -i '$s/,$//' web.json
cat >>web.json <<X
,"status":{"observedGeneration":$generation,"replicas":1,"updatedReplicas":1,"readyReplicas":1,"availableReplicas":1,
"conditions":[{"type":"Available","status":"True","reason":"MinimumReplicasAvailable"}]}}
X
check status-replaced 0 '"readyReplicas":1' replace --raw "/apis/apps/v1/namespaces/$id/deployments/web/status" -f web.json
check rollout-status 0 'deployment "web" successfully rolled out' rollout status deploy/web --timeout=100s
check wait-condition 0 '^deployment.apps/web condition met $' wait --for=condition=Available deploy/web --timeout=100s
check wait-timeout 1 'timed out waiting for the condition' wait --for=condition=Nope deploy/web --timeout=1s
since 23 check wait-jsonpath 0 'condition met' wait --for=jsonpath='{.status.readyReplicas}'=1 deploy/web --timeout=100s
rm -f "$dir/err"
k -v=6 wait --for=delete cm/a --timeout=100s >"$dir/out" 2>"$dir/err" &
waiting=$!
until_ grep -q 'watch=true' "$dir/err"
quiet delete cm a
status=0
wait $waiting || status=$?
judge wait-delete 0 'condition met|^$' "$status"
