# shellcheck shell=sh disable=SC2154
# apply in both ways, diff, dry runs, prune, replace, kustomize.
cat >cm.yaml <<X
apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {app: a}}
data: {one: "1", two: "2"}
X
sed 's/one: "1", two: "2"/one: "11"/' cm.yaml >cm2.yaml
cat >deploy.yaml <<X
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: nginx:1
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
        ports: [{containerPort: 80}, {containerPort: 81}]
      - {name: side, image: busybox}
X
check create 0 '^configmap/a created $' apply -f cm.yaml
check unchanged 0 '^configmap/a unchanged $' apply -f cm.yaml
check diff-none 0 '^$' diff -f cm.yaml
check diff-some 1 '[-]  one: "1" .*[+]  one: "11"' diff -f cm2.yaml
check dry-run-server 0 '^configmap/a configured \(server dry run\) $' apply --dry-run=server -f cm2.yaml
check dry-run-server-kept 0 '^1 ?$' get cm a -o 'jsonpath={.data.one}'
check dry-run-client 0 '^configmap/a configured \(dry run\) $' apply --dry-run=client -f cm2.yaml
check configured 0 '^configmap/a configured $' apply -f cm2.yaml
check removed-field 0 '^[{]"one":"11"[}] ?$' get cm a -o 'jsonpath={.data}'
check view-last-applied 0 'one: "11"' apply view-last-applied cm/a
check set-last-applied 0 'configmap/a configured' apply set-last-applied -f cm.yaml
quiet create cm plain --from-literal=x=y
check last-applied-missing 0 '^$' apply view-last-applied cm/plain
check deployment 0 '^deployment.apps/web created $' apply -f deploy.yaml
check deployment-unchanged 0 '^deployment.apps/web unchanged $' apply -f deploy.yaml
grep -v 'name: side' deploy.yaml | sed 's/{name: A, value: "1"}, //; s/{containerPort: 80}, //; s/nginx:1/nginx:2/' >deploy2.yaml
check deployment-lists 0 '^deployment.apps/web configured $' apply -f deploy2.yaml
check deployment-lists-merged 0 '^main nginx:2 B 81 ?$' get deploy web -o 'jsonpath={.spec.template.spec.containers[*].name} {.spec.template.spec.containers[*].image} {.spec.template.spec.containers[0].env[*].name} {.spec.template.spec.containers[0].ports[*].containerPort}'
sed 's/replicas: 2/replicas: 2\n  replica: 3/' deploy.yaml >bad.yaml
check unknown-field 1 'unknown field "(spec[.])?replica"' apply -f bad.yaml
sed 's/replicas: 2/replicas: many/' deploy.yaml >bad.yaml
check wrong-type 1 'replicas|ReplicaSpec|int32|invalid' apply -f bad.yaml
cat >many.yaml <<X
apiVersion: v1
kind: ConfigMap
metadata: {name: p1, labels: {set: p}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: p2, labels: {set: p}}
X
check documents 0 '^configmap/p1 created configmap/p2 created $' apply -f many.yaml
sed '/^---/,$d' many.yaml >one.yaml
allow=--prune-allowlist
[ "$minor" -ge 26 ] || allow=--prune-whitelist
check prune 0 'configmap/p1 unchanged configmap/p2 pruned $' apply -f one.yaml --prune -l set=p $allow=core/v1/ConfigMap
check standard-input 0 '^configmap/stdin created $' apply -f - <<X
{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"stdin"}}
X
check list-object 0 '^configmap/l1 created configmap/l2 created $' apply -f - <<X
{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"l1"}},
{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"l2"}}]}
X
sed 's/name: a,/name: ss,/' cm.yaml >ss.yaml
sed 's/one: "1"/one: "changed"/' ss.yaml >ss2.yaml
check server-side 0 '^configmap/ss serverside-applied $' apply --server-side -f ss.yaml
check server-side-again 0 '^configmap/ss serverside-applied $' apply --server-side -f ss.yaml
check server-side-manager 0 'kubectl Apply' get cm ss --output 'jsonpath={range .metadata.managedFields[*]}{.manager} {.operation}{end}'
check server-side-conflict 1 'conflict.* with "kubectl".*[.]data[.]one' apply --server-side --field-manager=other -f ss2.yaml
check server-side-force 0 '^configmap/ss serverside-applied $' apply --server-side --force-conflicts --field-manager=other -f ss2.yaml
check server-side-forced 0 '^changed ?$' get cm ss -o 'jsonpath={.data.one}'
check server-side-diff 1 '[-+]  one: ' diff --server-side --force-conflicts -f ss.yaml
mkdir -p kustom
printf 'resources: [cm.yaml]\nnamePrefix: k-\ncommonLabels: {by: kustom}\n' >kustom/kustomization.yaml
cp cm.yaml kustom/
check kustomize 0 'configmap/k-a created' apply -k kustom
check replace 0 '^configmap/a replaced $' replace -f cm.yaml
check replace-missing 1 '\(NotFound\).*configmaps "gone" not found' replace -f - <<X
{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"gone"}}
X
check replace-force 0 'configmap "a" deleted.*configmap/a replaced' replace --force -f cm.yaml
check create-exists 1 '\(AlreadyExists\).*configmaps "a" already exists' create -f cm.yaml
check create-namespace-missing 1 '\(NotFound\).*namespaces "nowhere" not found' create -n nowhere -f cm.yaml
check create-invalid-name 1 'ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain' create cm A_b
