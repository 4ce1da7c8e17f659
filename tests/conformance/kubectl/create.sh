# shellcheck shell=sh disable=SC2154
# Every imperative create, run, expose, autoscale.
echo data >file.txt
printf 'A=1\nB=2\n' >env.txt
openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.crt -days 2 -subj /CN=x >/dev/null 2>&1
check namespace 0 "^namespace/x-$id created \$" create namespace "x-$id"
check configmap 0 '^configmap/c created $' create configmap c --from-literal=k=v --from-file=file.txt
check configmap-env 0 '^configmap/env created $' create configmap env --from-env-file=env.txt
check configmap-data 0 'data ' get cm c -o 'jsonpath={.data.file\.txt}'
check secret-generic 0 '^secret/s created $' create secret generic s --from-literal=user=admin
check secret-data 0 '^YWRtaW4= Opaque ?$' get secret s -o 'jsonpath={.data.user} {.type}'
check secret-tls 0 '^secret/t created $' create secret tls t --cert=tls.crt --key=tls.key
check secret-registry 0 '^secret/r created $' create secret docker-registry r --docker-server=x.test --docker-username=u --docker-password=p
check deployment 0 '^deployment.apps/web created $' create deployment web --image=nginx:1 --replicas=3 --port=80
check deployment-defaults 0 '^RollingUpdate 25% 600 IfNotPresent ClusterFirst ?$' get deploy web -o 'jsonpath={.spec.strategy.type} {.spec.strategy.rollingUpdate.maxSurge} {.spec.progressDeadlineSeconds} {.spec.template.spec.containers[0].imagePullPolicy} {.spec.template.spec.dnsPolicy}'
check job 0 '^job.batch/j created $' create job j --image=busybox -- date
cat >cron.yaml <<X
apiVersion: batch/v1
kind: CronJob
metadata: {name: cj}
spec:
  schedule: "*/5 * * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: c, image: busybox}]}}}}
X
since 21 check cronjob 0 '^cronjob.batch/cj created $' create cronjob cj --image=busybox --schedule='*/5 * * * *' -- date
[ "$minor" -ge 21 ] || check cronjob 0 '^cronjob.batch/cj created $' create --validate=false -f cron.yaml
since 21 check job-from-cronjob 0 '^job.batch/jj created $' create job jj --from=cronjob/cj
check service-clusterip 0 '^service/ip created $' create service clusterip ip --tcp=80:8080
check service-has-ip 0 '^([0-9]+[.]){3}[0-9]+ ?$' get svc ip -o 'jsonpath={.spec.clusterIP}'
check service-headless 0 '^service/headless created $' create service clusterip headless --clusterip=None --tcp=80
check service-nodeport 0 '^service/np created $' create service nodeport np --tcp=80:8080
check service-has-nodeport 0 '^3[0-2][0-9]{3} ?$' get svc np -o 'jsonpath={.spec.ports[0].nodePort}'
check service-loadbalancer 0 '^service/lb created $' create service loadbalancer lb --tcp=80:8080
check service-externalname 0 '^service/en created $' create service externalname en --external-name=x.test
check serviceaccount 0 '^serviceaccount/sa created $' create serviceaccount sa
check role 0 '^role.rbac.authorization.k8s.io/reader created $' create role reader --verb=get,list --resource=pods,deployments.apps
check role-rules 0 '"apps".*"deployments"' get role reader -o json
check rolebinding 0 '^rolebinding.rbac.authorization.k8s.io/rb created $' create rolebinding rb --role=reader --serviceaccount="$id:sa"
check clusterrole 0 "^clusterrole.rbac.authorization.k8s.io/cr-$id created \$" create clusterrole "cr-$id" --verb=get --resource=nodes
check clusterrole-paths 0 "^clusterrole.rbac.authorization.k8s.io/crp-$id created \$" create clusterrole "crp-$id" --verb=get --non-resource-url='/logs/*'
check clusterrole-aggregated 0 "^clusterrole.rbac.authorization.k8s.io/cra-$id created \$" create clusterrole "cra-$id" --aggregation-rule=team=a
check clusterrolebinding 0 "^clusterrolebinding.rbac.authorization.k8s.io/crb-$id created \$" create clusterrolebinding "crb-$id" --clusterrole="cr-$id" --user=jane
check quota 0 '^resourcequota/q created $' create quota q --hard=pods=10,configmaps=20
[ "$minor" -lt 21 ] || check pdb 0 '^poddisruptionbudget.policy/pdb created $' create poddisruptionbudget pdb --selector=app=web --min-available=1
check priorityclass 0 "^priorityclass.scheduling.k8s.io/pc-$id created \$" create priorityclass "pc-$id" --value=1000
check ingress 0 '^ingress.networking.k8s.io/in created $' create ingress in --rule='x.test/*=web:80'
since 24 check token 0 '^ey[^.]+[.][^.]+[.][^ ]+ ?$' create token sa
check run 0 '^pod/p created $' run p --image=busybox --restart=Never --labels=app=web --port=80
check run-dry 0 'kind: Pod' run q --image=busybox --dry-run=client -o yaml
check expose 0 '^service/p exposed $' expose pod p --port=80 --name=p
check expose-deployment 0 '^service/web exposed $' expose deployment web --port=80 --target-port=8080
check autoscale 0 '^horizontalpodautoscaler.autoscaling/web autoscaled $' autoscale deployment web --min=1 --max=5 --cpu-percent=80
check autoscale-read 0 'Deployment/web .* 1 +5 ' get hpa web
check autoscale-versions 0 'averageUtilization":80' get --raw "/apis/autoscaling/v2/namespaces/$id/horizontalpodautoscalers/web"
check generate-name 0 '^configmap/g-[a-z0-9]{5} created $' create -f - <<X
{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"g-"}}
X
check dry-run-server 0 '^configmap/never created \(server dry run\) $' create cm never --dry-run=server
check dry-run-server-nothing 1 'NotFound' get cm never
check quota-describe 0 'Name: +q .*Resource +Used +Hard' describe quota q
