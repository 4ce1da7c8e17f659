// What the life-cycle checks need of each kind, by "resource.group" (no group: core): the least body that is valid.
//   body     what besides metadata a create says
//   change   a merge patch of something that may change and shows (default: none, only metadata changes)
//   status   a merge patch of the status, where there is the subresource (default: none)
//   name     names, where not any will do
//   stays    its deletion only begins: something that runs beside the server ends it
//   upserts  a PUT makes what is not there
//   foreign  fields that the server itself keeps changing
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'registry.example/i:1' }] } };
const condition = (type) => ({ type, status: 'True', reason: 'Set', message: 'set by a check', lastTransitionTime: '2025-01-02T03:04:05Z' });
const workload = (more = {}) => ({ spec: { selector: { matchLabels: { app: 'a' } }, template, ...more } });
const webhook = {
  name: 'w.example.com',
  clientConfig: { url: 'https://127.0.0.1:1/w' },
  rules: [{ apiGroups: ['none.example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['none'] }],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};
const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
const subjects = [{ kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' }];
const ref = (kind) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name: 'view' });
const hop = (n) => ({ ip: `10.1.2.${n}` });
const group = 'life.example.com';

// A request of a key that is nobody's: P-256, CN=life.
export const REQUEST_PEM = `-----BEGIN CERTIFICATE REQUEST-----
MIHKMHECAQAwDzENMAsGA1UEAwwEbGlmZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABEpFHb1Wpx3wtYDTwDXYE+vGwhvPKqdF2UfEflMJuJsiv3UPacd5Uhe0JfyZ
8jL1GY8a117y4Bfr6UkPUT3DYnSgADAKBggqhkjOPQQDAgNJADBGAiEA0UQlQ0tF
lF2WSdp6S2W418G/zWcrnpMcs7f9Bp6uTooCIQDRqdOLhrj4vCHK/f0jytCtsBV8
AqPnMd1S4DVuF+JOHg==
-----END CERTIFICATE REQUEST-----
`;

export const kinds = {
  configmaps: { body: { data: { k: 'v' } }, change: { data: { k: 'w' } } },
  endpoints: { upserts: true, body: { subsets: [{ addresses: [hop(3)], ports: [{ port: 80 }] }] }, change: { subsets: [{ addresses: [hop(4)], ports: [{ port: 80 }] }] } },
  events: { upserts: true,
    body: { involvedObject: { kind: 'Pod', namespace: '$namespace', name: 'x' }, reason: 'R', message: 'm', type: 'Normal', source: { component: 'c' }, count: 1 },
    change: { message: 'n' },
  },
  limitranges: { upserts: true, body: { spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] } }, change: { spec: { limits: [{ type: 'Container', max: { cpu: '3' } }] } } },
  namespaces: { body: {}, status: { status: { conditions: [condition('Life')] } }, stays: true },
  nodes: { body: {}, change: { spec: { unschedulable: true } }, status: { status: { capacity: { cpu: '7' } } } },
  persistentvolumeclaims: {
    body: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: '' } },
    status: { status: { conditions: [condition('Life')] } },
  },
  persistentvolumes: {
    body: { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/data' } } },
    change: { spec: { persistentVolumeReclaimPolicy: 'Delete' } },
    status: { status: { message: 'life', reason: 'Checked' } },
  },
  pods: {
    body: { spec: template.spec },
    change: { spec: { activeDeadlineSeconds: 100 } },
    status: { status: { conditions: [condition('Life')] } },
  },
  podtemplates: { body: { template }, change: { template: { metadata: { labels: { b: 'c' } } } } },
  replicationcontrollers: { body: { spec: { replicas: 0, selector: { app: 'a' }, template } }, change: { spec: { minReadySeconds: 3 } }, status: { status: { replicas: 0, conditions: [condition('Life')] } } },
  resourcequotas: { body: { spec: { hard: { 'count/none.example.com': '5' } } }, change: { spec: { hard: { 'count/none.example.com': '6' } } }, status: { status: { hard: { 'count/none.example.com': '5' } } } },
  secrets: { body: { data: { k: 'dg==' } }, change: { data: { k: 'dw==' } } },
  serviceaccounts: { body: {}, change: { automountServiceAccountToken: false } },
  services: { upserts: true, body: { spec: { ports: [{ port: 80 }] } }, change: { spec: { sessionAffinity: 'ClientIP' } }, status: { status: { conditions: [condition('Life')] } } },
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': { body: { webhooks: [webhook] }, change: { webhooks: [{ ...webhook, timeoutSeconds: 3 }] } },
  'validatingwebhookconfigurations.admissionregistration.k8s.io': { body: { webhooks: [webhook] }, change: { webhooks: [{ ...webhook, timeoutSeconds: 3 }] } },
  'validatingadmissionpolicies.admissionregistration.k8s.io': {
    body: { spec: { matchConstraints: { resourceRules: [{ apiGroups: ['none.example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['none'] }] }, validations: [{ expression: '1 == 1' }] } },
    change: { spec: { failurePolicy: 'Ignore' } },
    status: { status: { conditions: [condition('Life')] } },
  },
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': { body: { spec: { policyName: 'none', validationActions: ['Deny'] } }, change: { spec: { validationActions: ['Warn'] } } },
  'customresourcedefinitions.apiextensions.k8s.io': {
    name: (n) => `lives${n}.${group}`,
    body: (name) => {
      const plural = name.split('.')[0];
      return {
        spec: {
          group,
          scope: 'Namespaced',
          names: { plural, kind: plural[0].toUpperCase() + plural.slice(1) },
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
        },
      };
    },
    status: { status: { conditions: [condition('Life')] } },
    stays: true,
    foreign: true,
  },
  'apiservices.apiregistration.k8s.io': {
    name: (n) => `v1.life${n}.example.com`,
    body: (name) => ({
      spec: { group: name.slice(3), version: 'v1', groupPriorityMinimum: 100, versionPriority: 10, insecureSkipTLSVerify: true, service: { namespace: 'default', name: 'none' } },
    }),
    change: { spec: { versionPriority: 11 } },
    status: { status: { conditions: [condition('Life')] } },
    foreign: true,
  },
  'controllerrevisions.apps': { body: { data: { a: 1 }, revision: 1 }, change: { revision: 2 } },
  'daemonsets.apps': { body: workload(), change: { spec: { minReadySeconds: 3 } }, status: { status: { conditions: [condition('Life')] } } },
  'deployments.apps': { body: workload({ replicas: 0 }), change: { spec: { minReadySeconds: 3 } }, status: { status: { conditions: [condition('Life')] } } },
  'replicasets.apps': { body: workload({ replicas: 0 }), change: { spec: { minReadySeconds: 3 } }, status: { status: { replicas: 0, conditions: [condition('Life')] } } },
  'statefulsets.apps': { body: workload({ replicas: 0, serviceName: 's' }), change: { spec: { minReadySeconds: 3 } }, status: { status: { conditions: [condition('Life')] } } },
  'horizontalpodautoscalers.autoscaling': {
    body: { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } },
    change: { spec: { maxReplicas: 4 } },
    status: { status: { currentReplicas: 2, desiredReplicas: 2 } },
  },
  'cronjobs.batch': {
    body: { spec: { schedule: '* * * * *', suspend: true, jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } } } },
    change: { spec: { schedule: '1 * * * *' } },
    status: { status: { lastScheduleTime: '2025-01-02T03:04:05Z' } },
  },
  'jobs.batch': {
    body: { spec: { suspend: true, template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
    change: { spec: { parallelism: 2 } },
    status: { status: { conditions: [condition('Suspended')] } },
  },
  'certificatesigningrequests.certificates.k8s.io': {
    body: { spec: { request: Buffer.from(REQUEST_PEM).toString('base64'), signerName: 'example.com/life', usages: ['client auth'] } },
    status: { status: { conditions: [condition('Failed')] } },
  },
  'leases.coordination.k8s.io': { upserts: true, body: { spec: { holderIdentity: 'a', leaseDurationSeconds: 30 } }, change: { spec: { holderIdentity: 'b' } } },
  'endpointslices.discovery.k8s.io': { body: { addressType: 'IPv4', endpoints: [{ addresses: ['10.1.2.3'] }], ports: [{ port: 80 }] }, change: { endpoints: [{ addresses: ['10.1.2.4'] }] } },
  'events.events.k8s.io': { upserts: true,
    body: { eventTime: '2025-01-02T03:04:05.000006Z', reportingController: 'c', reportingInstance: 'i', action: 'A', reason: 'R', type: 'Normal', regarding: { kind: 'Pod', namespace: '$namespace', name: 'x' } },
    change: { series: { count: 2, lastObservedTime: '2025-01-02T03:04:06.000006Z' } },
  },
  'flowschemas.flowcontrol.apiserver.k8s.io': {
    body: { spec: { matchingPrecedence: 9999, priorityLevelConfiguration: { name: 'global-default' } } },
    change: { spec: { matchingPrecedence: 9998 } },
    status: { status: { conditions: [condition('Life')] } },
    foreign: true,
  },
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': {
    body: { spec: { type: 'Limited', limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } } } },
    change: { spec: { limited: { nominalConcurrencyShares: 4 } } },
    status: { status: { conditions: [condition('Life')] } },
  },
  'ingressclasses.networking.k8s.io': { body: { spec: { controller: 'example.com/c' } }, change: { spec: { parameters: { apiGroup: 'example.com', kind: 'P', name: 'p', scope: 'Cluster' } } } },
  'ingresses.networking.k8s.io': {
    body: { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
    change: { spec: { defaultBackend: { service: { name: 't' } } } },
    status: { status: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } } },
  },
  'ipaddresses.networking.k8s.io': { name: (n) => `10.96.77.${n}`, body: { spec: { parentRef: { resource: 'services', namespace: 'default', name: 's' } } } },
  'networkpolicies.networking.k8s.io': { body: { spec: { podSelector: {} } }, change: { spec: { policyTypes: ['Egress'] } } },
  'servicecidrs.networking.k8s.io': { subnets: true, body: (name, n) => ({ spec: { cidrs: [`10.${100 + n}.0.0/24`] } }), status: { status: { conditions: [condition('Life')] } } },
  'runtimeclasses.node.k8s.io': { upserts: true, body: { handler: 'h' }, change: { scheduling: { nodeSelector: { a: 'b' } } } },
  'poddisruptionbudgets.policy': { body: { spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } } } }, change: { spec: { minAvailable: 2 } }, status: { status: { disruptionsAllowed: 1, expectedPods: 2 } } },
  'clusterroles.rbac.authorization.k8s.io': { upserts: true, body: { rules }, change: { rules: [{ ...rules[0], verbs: ['list'] }] } },
  'clusterrolebindings.rbac.authorization.k8s.io': { upserts: true, body: { subjects, roleRef: ref('ClusterRole') }, change: { subjects: [{ ...subjects[0], name: 'w' }] } },
  'roles.rbac.authorization.k8s.io': { upserts: true, body: { rules }, change: { rules: [{ ...rules[0], verbs: ['list'] }] } },
  'rolebindings.rbac.authorization.k8s.io': { upserts: true, body: { subjects, roleRef: ref('ClusterRole') }, change: { subjects: [{ ...subjects[0], name: 'w' }] } },
  'deviceclasses.resource.k8s.io': { body: { spec: {} }, change: { spec: { selectors: [{ cel: { expression: 'true' } }] } } },
  'resourceclaims.resource.k8s.io': {
    body: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } } },
    status: { status: { allocation: { devices: {} } } },
  },
  'resourceclaimtemplates.resource.k8s.io': { body: { spec: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } } } } },
  'resourceslices.resource.k8s.io': {
    body: { spec: { driver: 'd.example.com', nodeName: 'n', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'x' }] } },
    change: { spec: { devices: [{ name: 'y' }] } },
  },
  'priorityclasses.scheduling.k8s.io': { body: { value: 10 }, change: { description: 'd' } },
  'csidrivers.storage.k8s.io': { body: { spec: { attachRequired: false } }, change: { spec: { podInfoOnMount: true } } },
  'csinodes.storage.k8s.io': { body: { spec: { drivers: [] } }, change: { spec: { drivers: [{ name: 'd.example.com', nodeID: 'n' }] } } },
  'csistoragecapacities.storage.k8s.io': { body: { storageClassName: 's', capacity: '1Gi' }, change: { capacity: '2Gi' } },
  'storageclasses.storage.k8s.io': { body: { provisioner: 'example.com/p' }, change: { allowVolumeExpansion: true } },
  'volumeattachments.storage.k8s.io': { body: { spec: { attacher: 'a.example.com', nodeName: 'n', source: { persistentVolumeName: 'p' } } }, status: { status: { attached: true } } },
  'volumeattributesclasses.storage.k8s.io': { body: { driverName: 'd.example.com', parameters: { a: 'b' } } },
};

// Nothing lives at these.
export const without = new Set([
  'bindings',
  'componentstatuses',
  'selfsubjectreviews.authentication.k8s.io',
  'tokenreviews.authentication.k8s.io',
  'localsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectrulesreviews.authorization.k8s.io',
  'subjectaccessreviews.authorization.k8s.io',
]);
