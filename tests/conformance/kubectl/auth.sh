# shellcheck shell=sh disable=SC2154
# server: full
# can-i, impersonation, roles, tokens, certificate requests, reconcile.
quiet create sa bot
quiet create role reader --verb=get,list --resource=configmaps
quiet create rolebinding bot --role=reader --serviceaccount="$id:bot"
bot=system:serviceaccount:$id:bot
check can-i 0 '^yes $' auth can-i create deployments
check can-i-all 0 '^yes $' auth can-i '*' '*' --all-namespaces
check can-i-as 0 '^yes $' auth can-i get configmaps --as "$bot"
check can-i-not 1 '^no' auth can-i delete configmaps --as "$bot"
check can-i-subresource 1 '^no' auth can-i get pods --subresource=log --as "$bot"
check can-i-path 0 '^yes' auth can-i get /healthz --as jane --as-group system:authenticated
check can-i-list 0 'Resources .*[*][.][*] .*\[[*]\] ' auth can-i --list
check can-i-list-as 0 'configmaps +\[\] +\[\] +\[get list\]' auth can-i --list --as "$bot"
check can-i-quiet 0 '^$' auth can-i get pods -q
since 28 check whoami 0 'Username +kubernetes-admin.*system:masters' auth whoami
since 28 check whoami-as 0 'Username +jane .*team .*Extra: k +v|Username +jane' auth whoami --as jane --as-group team
check as-allowed 0 'No resources found|NAME' get cm --as "$bot"
check as-denied 1 "\(Forbidden\): secrets is forbidden: User \"$bot\" cannot list resource \"secrets\" in API group \"\" in the namespace \"$id\" \$" get secrets --as "$bot"
check as-denied-cluster 1 'cannot list resource "nodes" in API group "" at the cluster scope' get nodes --as jane
quiet create clusterrole "binder-$id" --verb=create --resource=clusterrolebindings
quiet create clusterrolebinding "binder-$id" --clusterrole="binder-$id" --serviceaccount="$id:bot"
check escalation 1 'is attempting to grant RBAC permissions not currently held' create clusterrolebinding "x-$id" --clusterrole=cluster-admin --user=jane --as "$bot"
token=$(k create token bot 2>/dev/null || :)
if [ -z "$token" ]; then # kubectl before 1.24
    token=$(k create --raw "/api/v1/namespaces/$id/serviceaccounts/bot/token" -f - <<X | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p'
{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}}
X
)
fi
sed '/client-certificate-data\|client-key-data/d' "$KUBECONFIG" >bare.kubeconfig
check token-works 0 'kube-root-ca.crt|NAME|No resources' --kubeconfig bare.kubeconfig --token "$token" get cm
check token-denied 1 'Forbidden' --kubeconfig bare.kubeconfig --token "$token" get secrets
check token-bad 1 'You must be logged in|Unauthorized' --kubeconfig bare.kubeconfig --token nonsense get cm
check anonymous 1 'system:anonymous|Unauthorized|Please enter|Username' --kubeconfig bare.kubeconfig --username= --password= get cm
cat >roles.yaml <<X
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: $id}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list, watch]}]
X
check reconcile 0 'role.rbac.authorization.k8s.io/reader reconciled' auth reconcile -f roles.yaml
check reconciled 0 '^yes' auth can-i watch configmaps --as "$bot"
openssl req -new -newkey rsa:2048 -nodes -keyout u.key -out u.csr -subj "/CN=jane-$minor/O=team" >/dev/null 2>&1
for n in one two; do
    quiet create -f - <<X
{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"name":"$n-$id"},
"spec":{"request":"$(base64 <u.csr | tr -d '\n')","signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth"]}}
X
done
check csr 0 "one-$id .*kube-apiserver-client +kubernetes-admin .*Pending" get csr "one-$id"
check csr-approve 0 "certificatesigningrequest.certificates.k8s.io/one-$id approved" certificate approve "one-$id"
check csr-approved 0 'Approved' get csr "one-$id"
check csr-deny 0 "certificatesigningrequest.certificates.k8s.io/two-$id denied" certificate deny "two-$id"
check csr-denied 0 'Denied' get csr "two-$id"
signed() { k get csr "one-$id" -o 'jsonpath={.status.certificate}' | base64 -d >u.crt && [ -s u.crt ]; }
until_ signed
check csr-works 1 "User \"jane-$minor\" cannot list" --kubeconfig bare.kubeconfig --client-certificate u.crt --client-key u.key get nodes
