// Goal: an unchanged @kubernetes/client-node works against `paddock-sim apiserver`.
// Method: named checks, each with assertions on what the client's typed calls, watches and informers give; they run side
// by side, each in a namespace of its own. Results go to WORK/node.results, judged by ../verdict.
//
// usage: checks.mjs SIM MODULES WORK [ONLY]
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { startServer } from '../server.mjs';

const [sim, modules, work, only] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), 'index.js'));
const k8s = await import(pathToFileURL(require.resolve('@kubernetes/client-node')));
// Checks wait for conditions; this ends what will never come, on a machine ten times slower than most.
const CHECK_MS = 120000;
const PATIENCE_MS = 60000;

// ---- what checks use ----
const server = await startServer(sim, work, 'node');
const kc = new k8s.KubeConfig();
kc.loadFromFile(server.kubeconfig);
const api = (type, config = kc) => config.makeApiClient(k8s[type]);
const core = api('CoreV1Api');
const apps = api('AppsV1Api');
const custom = api('CustomObjectsApi');
const extensions = api('ApiextensionsV1Api');
const objects = k8s.KubernetesObjectApi.makeApiClient(kc);
const as = (type) => k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy[type]);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function userConfig(user) {
  const other = new k8s.KubeConfig();
  other.loadFromClusterAndUser(kc.getCurrentCluster(), { name: 'other', ...user });
  return other;
}

// The client's own error for a call that must fail, its body parsed.
async function failure(call, code, reason) {
  try {
    await call;
  } catch (e) {
    if (e.code === undefined) throw e;
    const status = typeof e.body === 'string' ? JSON.parse(e.body) : e.body;
    assert.equal(e.code, code, JSON.stringify(status));
    if (code === 401) return status; // the client keeps no body of these
    assert.equal(status.kind, 'Status');
    assert.equal(status.code, code);
    assert.equal(status.reason, reason);
    return status;
  }
  assert.fail(`worked, and ${reason} was due`);
}

async function eventually(call, ms = PATIENCE_MS) {
  const end = Date.now() + ms;
  for (;;) {
    try {
      return await call();
    } catch (e) {
      if (Date.now() > end) throw e;
      await sleep(50);
    }
  }
}

// A watch's events until `enough` of them are there; *stop* ends it.
async function watching(where, params, during, enough) {
  const events = [];
  let wake;
  const some = new Promise((resolve) => (wake = resolve));
  const controller = await new k8s.Watch(kc).watch(
    where,
    params,
    (type, object) => {
      events.push([type, object]);
      if (events.length >= enough) wake();
    },
    () => wake()
  );
  await during();
  await Promise.race([some, sleep(PATIENCE_MS)]);
  controller.abort();
  return events;
}

const meta = (name, more = {}) => ({ metadata: { name, ...more } });
const cm = (name, data = { k: 'v' }, more = {}) => ({ ...meta(name, more), data });
const template = (app) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'main', image: 'nginx:1' }] },
});
const deployment = (name, replicas = 1) => ({
  ...meta(name),
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name) },
});
const pod = (name, more = {}) => ({ ...meta(name, { labels: { app: name } }), spec: { containers: [{ name: 'c', image: 'x' }], ...more } });
// No scheduler and no kubelet writes to these beside us.
const ours = { schedulerName: 'ours' };

const checks = [];
const check = (name, run) => checks.push({ name, run });

// ---- typed create, read, list, replace, patch, delete ----
check('configmap-life', async (namespace) => {
  const made = await core.createNamespacedConfigMap({ namespace, body: cm('a') });
  assert.match(made.metadata.uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(made.metadata.creationTimestamp instanceof Date);
  const read = await core.readNamespacedConfigMap({ namespace, name: 'a' });
  assert.deepEqual(read, made);
  read.data = { k: 'w' };
  const replaced = await core.replaceNamespacedConfigMap({ namespace, name: 'a', body: read });
  assert.equal(replaced.data.k, 'w');
  assert.notEqual(replaced.metadata.resourceVersion, made.metadata.resourceVersion);
  const gone = await core.deleteNamespacedConfigMap({ namespace, name: 'a' });
  assert.equal(gone.status, 'Success');
  assert.equal(gone.details.uid, made.metadata.uid);
  await failure(core.readNamespacedConfigMap({ namespace, name: 'a' }), 404, 'NotFound');
});
check('replace-conflict', async (namespace) => {
  const made = await core.createNamespacedConfigMap({ namespace, body: cm('a') });
  await core.replaceNamespacedConfigMap({ namespace, name: 'a', body: cm('a', { k: '2' }) });
  const status = await failure(core.replaceNamespacedConfigMap({ namespace, name: 'a', body: made }), 409, 'Conflict');
  assert.match(status.message, /the object has been modified; please apply your changes to the latest version/);
});
check('replace-unchanged', async (namespace) => {
  const made = await core.createNamespacedConfigMap({ namespace, body: cm('a') });
  const same = await core.replaceNamespacedConfigMap({ namespace, name: 'a', body: made });
  assert.equal(same.metadata.resourceVersion, made.metadata.resourceVersion);
});
check('secret', async (namespace) => {
  const made = await core.createNamespacedSecret({ namespace, body: { ...meta('s'), stringData: { user: 'admin' } } });
  assert.deepEqual(made.data, { user: 'YWRtaW4=' });
  assert.equal(made.stringData, undefined);
  assert.equal(made.type, 'Opaque');
});
check('service', async (namespace) => {
  const made = await core.createNamespacedService({ namespace, body: { ...meta('s'), spec: { selector: { a: 'b' }, ports: [{ port: 80 }] } } });
  assert.match(made.spec.clusterIP, /^\d+\.\d+\.\d+\.\d+$/);
  assert.deepEqual(made.spec.clusterIPs, [made.spec.clusterIP]);
  assert.equal(made.spec.ports[0].targetPort, 80);
  assert.equal(made.spec.type, 'ClusterIP');
});
check('pod-defaults', async (namespace) => {
  const made = await core.createNamespacedPod({ namespace, body: pod('p') });
  assert.equal(made.spec.restartPolicy, 'Always');
  assert.equal(made.spec.containers[0].imagePullPolicy, 'Always');
  assert.equal(made.status.phase, 'Pending');
  assert.equal(made.status.qosClass, 'BestEffort');
});
check('pod-status', async (namespace) => {
  await core.createNamespacedPod({ namespace, body: pod('p', ours) });
  const body = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
  const patched = await core.patchNamespacedPodStatus({ namespace, name: 'p', body }, as('StrategicMergePatch'));
  assert.equal(patched.status.phase, 'Running');
  assert.equal((await core.readNamespacedPodStatus({ namespace, name: 'p' })).status.conditions[0].type, 'Ready');
});
check('pod-immutable', async (namespace) => {
  await core.createNamespacedPod({ namespace, body: pod('p', ours) });
  const body = [{ op: 'replace', path: '/spec/restartPolicy', value: 'Never' }];
  const status = await failure(core.patchNamespacedPod({ namespace, name: 'p', body }, as('JsonPatch')), 422, 'Invalid');
  assert.match(status.message, /pod updates may not change fields other than/);
});
check('deployment-life', async (namespace) => {
  const made = await apps.createNamespacedDeployment({ namespace, body: deployment('d', 2) });
  assert.equal(made.metadata.generation, 1);
  assert.equal(made.spec.strategy.type, 'RollingUpdate');
  assert.equal(made.spec.strategy.rollingUpdate.maxSurge, '25%');
  made.spec.replicas = 3;
  delete made.metadata.resourceVersion; // the controller writes its status beside us
  const changed = await apps.replaceNamespacedDeployment({ namespace, name: 'd', body: made });
  assert.equal(changed.metadata.generation, 2);
  const listed = await apps.listNamespacedDeployment({ namespace });
  assert.equal(listed.items.length, 1);
});
check('statefulset', async (namespace) => {
  const body = { ...meta('s'), spec: { serviceName: 's', selector: { matchLabels: { app: 's' } }, template: template('s') } };
  const made = await apps.createNamespacedStatefulSet({ namespace, body });
  assert.equal(made.spec.podManagementPolicy, 'OrderedReady');
  assert.equal(made.spec.replicas, 1);
});
check('daemonset', async (namespace) => {
  const made = await apps.createNamespacedDaemonSet({ namespace, body: { ...meta('d'), spec: { selector: { matchLabels: { app: 'd' } }, template: template('d') } } });
  assert.equal(made.spec.updateStrategy.rollingUpdate.maxUnavailable, 1);
});
check('job-and-cronjob', async (namespace) => {
  const batch = api('BatchV1Api');
  const spec = { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } } };
  const job = await batch.createNamespacedJob({ namespace, body: { ...meta('j'), spec } });
  assert.equal(job.spec.backoffLimit, 6);
  assert.equal(job.spec.completionMode, 'NonIndexed');
  const cron = await batch.createNamespacedCronJob({ namespace, body: { ...meta('c'), spec: { schedule: '* * * * *', jobTemplate: { spec } } } });
  assert.equal(cron.spec.concurrencyPolicy, 'Allow');
  await failure(batch.createNamespacedCronJob({ namespace, body: { ...meta('x'), spec: { schedule: 'soon', jobTemplate: { spec } } } }), 422, 'Invalid');
});
check('rbac', async (namespace) => {
  const rbac = api('RbacAuthorizationV1Api');
  await rbac.createNamespacedRole({ namespace, body: { ...meta('r'), rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] } });
  const binding = await rbac.createNamespacedRoleBinding({
    namespace,
    body: { ...meta('b'), roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', name: 'jane' }] },
  });
  assert.equal(binding.subjects[0].apiGroup, 'rbac.authorization.k8s.io');
  binding.roleRef.name = 'other';
  await failure(rbac.replaceNamespacedRoleBinding({ namespace, name: 'b', body: binding }), 422, 'Invalid');
});
check('autoscaler', async (namespace) => {
  const made = await api('AutoscalingV2Api').createNamespacedHorizontalPodAutoscaler({
    namespace,
    body: { ...meta('h'), spec: { maxReplicas: 5, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } },
  });
  assert.equal(made.spec.minReplicas, 1);
  assert.equal(made.spec.metrics[0].resource.target.averageUtilization, 80);
  const v1 = await api('AutoscalingV1Api').readNamespacedHorizontalPodAutoscaler({ namespace, name: 'h' });
  assert.equal(v1.spec.targetCPUUtilizationPercentage, 80);
});
check('policy-and-network', async (namespace) => {
  const pdb = await api('PolicyV1Api').createNamespacedPodDisruptionBudget({ namespace, body: { ...meta('p'), spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } } } });
  assert.equal(pdb.spec.minAvailable, 1);
  const net = api('NetworkingV1Api');
  const rule = await net.createNamespacedNetworkPolicy({ namespace, body: { ...meta('n'), spec: { podSelector: {} } } });
  assert.deepEqual(rule.spec.policyTypes, ['Ingress']);
  const backend = { service: { name: 's', port: { number: 80 } } };
  const ingress = await net.createNamespacedIngress({ namespace, body: { ...meta('i'), spec: { rules: [{ host: 'x.test', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] } } });
  assert.equal(ingress.spec.rules[0].http.paths[0].pathType, 'Prefix');
});
check('cluster-kinds', async (namespace) => {
  const storage = await api('StorageV1Api').createStorageClass({ body: { ...meta(namespace), provisioner: 'x.test/p' } });
  assert.equal(storage.reclaimPolicy, 'Delete');
  const priority = await api('SchedulingV1Api').createPriorityClass({ body: { ...meta(namespace), value: 5 } });
  assert.equal(priority.preemptionPolicy, 'PreemptLowerPriority');
  const node = await core.createNode({ body: meta(namespace) });
  assert.equal(node.metadata.name, namespace);
});
check('event-and-endpointslice', async (namespace) => {
  const event = await core.createNamespacedEvent({ namespace, body: { ...meta('e'), involvedObject: { kind: 'Pod', name: 'p', namespace }, reason: 'Odd', message: 'm', type: 'Warning' } });
  assert.equal(event.reason, 'Odd');
  assert.equal((await api('EventsV1Api').readNamespacedEvent({ namespace, name: 'e' })).note, 'm');
  const slice = await api('DiscoveryV1Api').createNamespacedEndpointSlice({ namespace, body: { ...meta('s'), addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] } });
  assert.equal(slice.ports[0].protocol, 'TCP');
});
check('limits-and-quota', async (namespace) => {
  await core.createNamespacedLimitRange({ namespace, body: { ...meta('l'), spec: { limits: [{ type: 'Container', _default: { cpu: '1' } }] } } });
  const made = await core.createNamespacedResourceQuota({ namespace, body: { ...meta('q'), spec: { hard: { configmaps: '2' } } } });
  assert.equal(made.spec.hard.configmaps, '2');
});

// ---- patches, apply, dry run ----
check('patch-json', async (namespace) => {
  await core.createNamespacedConfigMap({ namespace, body: cm('a') });
  const body = [{ op: 'add', path: '/data/n', value: '1' }, { op: 'remove', path: '/data/k' }];
  assert.deepEqual((await core.patchNamespacedConfigMap({ namespace, name: 'a', body }, as('JsonPatch'))).data, { n: '1' });
});
check('patch-merge', async (namespace) => {
  await core.createNamespacedConfigMap({ namespace, body: cm('a') });
  const body = { data: { k: null, n: '1' } };
  assert.deepEqual((await core.patchNamespacedConfigMap({ namespace, name: 'a', body }, as('MergePatch'))).data, { n: '1' });
});
check('patch-strategic', async (namespace) => {
  await apps.createNamespacedDeployment({ namespace, body: deployment('d') });
  const body = { spec: { template: { spec: { containers: [{ name: 'side', image: 'busybox' }] } } } };
  const patched = await apps.patchNamespacedDeployment({ namespace, name: 'd', body }, as('StrategicMergePatch'));
  assert.deepEqual(patched.spec.template.spec.containers.map((c) => c.name).sort(), ['main', 'side']);
});
check('server-side-apply', async (namespace) => {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', ...cm('a') };
  const made = await core.patchNamespacedConfigMap({ namespace, name: 'a', body, fieldManager: 'one' }, as('ServerSideApply'));
  assert.equal(made.metadata.managedFields[0].manager, 'one');
  assert.equal(made.metadata.managedFields[0].operation, 'Apply');
  const other = { ...body, data: { k: 'other' } };
  const status = await failure(core.patchNamespacedConfigMap({ namespace, name: 'a', body: other, fieldManager: 'two' }, as('ServerSideApply')), 409, 'Conflict');
  assert.equal(status.details.causes[0].reason, 'FieldManagerConflict');
  const forced = await core.patchNamespacedConfigMap({ namespace, name: 'a', body: other, fieldManager: 'two', force: true }, as('ServerSideApply'));
  assert.equal(forced.data.k, 'other');
});
check('dry-run', async (namespace) => {
  const made = await core.createNamespacedConfigMap({ namespace, body: cm('a'), dryRun: 'All' });
  assert.equal(made.metadata.name, 'a');
  await failure(core.readNamespacedConfigMap({ namespace, name: 'a' }), 404, 'NotFound');
});
check('field-manager', async (namespace) => {
  const made = await core.createNamespacedConfigMap({ namespace, body: cm('a'), fieldManager: 'me' });
  assert.equal(made.metadata.managedFields[0].manager, 'me');
  assert.deepEqual(made.metadata.managedFields[0].fieldsV1, { 'f:data': { '.': {}, 'f:k': {} } });
});
check('field-validation', async (namespace) => {
  const body = { ...cm('a'), metadata: { name: 'a', labels: { ok: 'yes' } } };
  assert.equal((await core.createNamespacedConfigMap({ namespace, body, fieldValidation: 'Strict' })).metadata.labels.ok, 'yes');
  const odd = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b', namespace, odd: 'x' } };
  const answer = await raw('POST', `/api/v1/namespaces/${namespace}/configmaps?fieldValidation=Strict`, odd);
  assert.equal(answer.status, 400);
  assert.match(answer.body.message, /strict decoding error: unknown field "metadata.odd"/);
});
check('generate-name', async (namespace) => {
  const made = await core.createNamespacedConfigMap({ namespace, body: { metadata: { generateName: 'g-' } } });
  assert.match(made.metadata.name, /^g-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
});

// ---- lists and selectors ----
check('list-pages', async (namespace) => {
  for (let i = 0; i < 7; i++) await core.createNamespacedConfigMap({ namespace, body: cm(`c${i}`, {}, { labels: { set: 'pages' } }) });
  const names = [];
  let revision;
  let _continue;
  let pages = 0;
  do {
    const page = await core.listNamespacedConfigMap({ namespace, limit: 3, _continue, fieldSelector: 'metadata.name!=kube-root-ca.crt' });
    revision ??= page.metadata.resourceVersion;
    assert.equal(page.metadata.resourceVersion, revision);
    names.push(...page.items.map((i) => i.metadata.name));
    _continue = page.metadata._continue;
    pages++;
  } while (_continue);
  assert.deepEqual(names, ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6']);
  assert.equal(pages, 3);
  const first = await core.listNamespacedSecret({ namespace, limit: 1 });
  assert.equal(first.items.length, 0);
});
check('list-remaining', async (namespace) => {
  for (let i = 0; i < 4; i++) await core.createNamespacedSecret({ namespace, body: meta(`s${i}`) });
  const page = await core.listNamespacedSecret({ namespace, limit: 1 });
  assert.equal(page.metadata.remainingItemCount, 3);
});
check('list-bad-continue', async (namespace) => {
  await failure(core.listNamespacedConfigMap({ namespace, limit: 1, _continue: 'nonsense' }), 400, 'BadRequest');
});
check('list-selectors', async (namespace) => {
  await core.createNamespacedConfigMap({ namespace, body: cm('a', {}, { labels: { x: '1' } }) });
  await core.createNamespacedConfigMap({ namespace, body: cm('b', {}, { labels: { x: '2' } }) });
  const names = async (params) => (await core.listNamespacedConfigMap({ namespace, ...params })).items.map((i) => i.metadata.name);
  assert.deepEqual(await names({ labelSelector: 'x in (1,3)' }), ['a']);
  assert.deepEqual(await names({ labelSelector: 'x,x!=1' }), ['b']);
  assert.deepEqual(await names({ fieldSelector: 'metadata.name=b' }), ['b']);
  await failure(core.listNamespacedConfigMap({ namespace, labelSelector: 'x in (' }), 400, 'BadRequest');
});
check('list-pods-by-field', async (namespace) => {
  await core.createNamespacedPod({ namespace, body: pod('p1', { nodeName: 'n1' }) });
  await core.createNamespacedPod({ namespace, body: pod('p2', { nodeName: 'n2' }) });
  const found = await core.listNamespacedPod({ namespace, fieldSelector: 'spec.nodeName=n2,status.phase=Pending' });
  assert.deepEqual(found.items.map((i) => i.metadata.name), ['p2']);
});
check('list-too-new', async (namespace) => {
  const status = await failure(core.listNamespacedConfigMap({ namespace, resourceVersion: '999999999' }), 504, 'Timeout');
  assert.equal(status.details.causes[0].message, 'Too large resource version');
});
check('delete-collection', async (namespace) => {
  for (const name of ['a', 'b']) await core.createNamespacedSecret({ namespace, body: { ...meta(name, { labels: { x: name } }) } });
  await core.deleteCollectionNamespacedSecret({ namespace, labelSelector: 'x=a' });
  assert.deepEqual((await core.listNamespacedSecret({ namespace })).items.map((i) => i.metadata.name), ['b']);
});

// ---- watches and informers ----
check('watch', async (namespace) => {
  const { metadata } = await core.listNamespacedConfigMap({ namespace, fieldSelector: 'metadata.name=w' });
  const events = await watching(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { resourceVersion: metadata.resourceVersion, fieldSelector: 'metadata.name=w' },
    async () => {
      await core.createNamespacedConfigMap({ namespace, body: cm('w') });
      await core.patchNamespacedConfigMap({ namespace, name: 'w', body: { data: { k: '2' } } }, as('MergePatch'));
      await core.deleteNamespacedConfigMap({ namespace, name: 'w' });
    },
    3
  );
  assert.deepEqual(events.map((e) => e[0]), ['ADDED', 'MODIFIED', 'DELETED']);
  assert.equal(events[1][1].data.k, '2');
  const revisions = events.map((e) => BigInt(e[1].metadata.resourceVersion));
  assert.ok(revisions[0] < revisions[1] && revisions[1] < revisions[2]);
});
check('watch-resume', async (namespace) => {
  const a = await core.createNamespacedConfigMap({ namespace, body: cm('a') });
  await core.createNamespacedConfigMap({ namespace, body: cm('b') });
  await core.deleteNamespacedConfigMap({ namespace, name: 'a' });
  const events = await watching(`/api/v1/namespaces/${namespace}/configmaps`, { resourceVersion: a.metadata.resourceVersion, fieldSelector: 'metadata.name!=kube-root-ca.crt' }, async () => {}, 2);
  assert.deepEqual(events.map((e) => `${e[0]} ${e[1].metadata.name}`), ['ADDED b', 'DELETED a']);
});
check('watch-selector-transition', async (namespace) => {
  const made = await core.createNamespacedConfigMap({ namespace, body: cm('a', {}, { labels: { x: '1' } }) });
  const events = await watching(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { resourceVersion: made.metadata.resourceVersion, labelSelector: 'x=1' },
    async () => {
      for (const x of ['2', '1']) await core.patchNamespacedConfigMap({ namespace, name: 'a', body: { metadata: { labels: { x } } } }, as('MergePatch'));
    },
    2
  );
  assert.deepEqual(events.map((e) => e[0]), ['DELETED', 'ADDED']);
});
check('watch-initial-events', async (namespace) => {
  await core.createNamespacedConfigMap({ namespace, body: cm('a') });
  const events = await watching(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true, fieldSelector: 'metadata.name=a' },
    async () => {},
    2
  );
  assert.deepEqual(events.map((e) => e[0]), ['ADDED', 'BOOKMARK']);
  assert.equal(events[1][1].metadata.annotations['k8s.io/initial-events-end'], 'true');
});
check('watch-gone', async (namespace) => {
  const group = `gone-${namespace}.test`;
  await extensions.createCustomResourceDefinition({ body: crd(group, 'things', 'Thing') });
  await eventually(() => custom.listClusterCustomObject({ group, version: 'v1', plural: 'things' }));
  const events = await watching(`/apis/${group}/v1/things`, { resourceVersion: '1' }, async () => {}, 1);
  assert.equal(events[0][0], 'ERROR');
  assert.equal(events[0][1].code, 410);
  assert.equal(events[0][1].reason, 'Expired');
});
check('watch-timeout', async (namespace) => {
  const started = Date.now();
  await new Promise((resolve) => new k8s.Watch(kc).watch(`/api/v1/namespaces/${namespace}/secrets`, { timeoutSeconds: 1 }, () => {}, resolve));
  assert.ok(Date.now() - started >= 900); // else it ends of itself after half an hour and more, or is cut
});
check('informer', async (namespace) => {
  await core.createNamespacedSecret({ namespace, body: meta('before') });
  const informer = k8s.makeInformer(kc, `/api/v1/namespaces/${namespace}/secrets`, () => core.listNamespacedSecret({ namespace }));
  const seen = [];
  for (const verb of ['add', 'update', 'delete']) informer.on(verb, (o) => seen.push(`${verb} ${o.metadata.name}`));
  const failed = [];
  informer.on('error', (e) => e.type !== 'aborted' && failed.push(e));
  await informer.start();
  await core.createNamespacedSecret({ namespace, body: meta('a') });
  await core.patchNamespacedSecret({ namespace, name: 'a', body: { stringData: { k: 'v' } } }, as('MergePatch'));
  await core.deleteNamespacedSecret({ namespace, name: 'a' });
  await eventually(async () => assert.deepEqual(seen, ['add before', 'add a', 'update a', 'delete a']));
  await informer.stop();
  assert.deepEqual(failed, []);
});

// ---- errors ----
check('error-not-found', async (namespace) => {
  const status = await failure(apps.readNamespacedDeployment({ namespace, name: 'no' }), 404, 'NotFound');
  assert.equal(status.message, 'deployments.apps "no" not found');
  assert.deepEqual(status.details, { name: 'no', group: 'apps', kind: 'deployments' });
});
check('error-exists', async (namespace) => {
  await core.createNamespacedConfigMap({ namespace, body: cm('a') });
  const status = await failure(core.createNamespacedConfigMap({ namespace, body: cm('a') }), 409, 'AlreadyExists');
  assert.equal(status.message, 'configmaps "a" already exists');
});
check('error-invalid', async (namespace) => {
  const body = deployment('d');
  body.spec.template.metadata.labels = { other: 'x' };
  const status = await failure(apps.createNamespacedDeployment({ namespace, body }), 422, 'Invalid');
  assert.equal(status.details.causes[0].reason, 'FieldValueInvalid');
  assert.equal(status.details.causes[0].field, 'spec.template.metadata.labels');
});
check('error-required', async (namespace) => {
  const status = await failure(core.createNamespacedPod({ namespace, body: { ...meta('p'), spec: { containers: [] } } }), 422, 'Invalid');
  assert.ok(status.details.causes.some((c) => c.reason === 'FieldValueRequired' && c.field === 'spec.containers'));
});
check('error-namespace', async () => {
  const status = await failure(core.createNamespacedConfigMap({ namespace: 'nowhere', body: cm('a') }), 404, 'NotFound');
  assert.equal(status.message, 'namespaces "nowhere" not found');
});
check('error-media-type', async (namespace) => {
  await core.createNamespacedConfigMap({ namespace, body: cm('a') });
  const answer = await raw('PATCH', `/api/v1/namespaces/${namespace}/configmaps/a`, {}, { 'Content-Type': 'text/plain' });
  assert.equal(answer.status, 415);
});
check('error-method', async (namespace) => {
  const answer = await raw('PUT', `/api/v1/namespaces/${namespace}/configmaps`, {});
  assert.equal(answer.status, 405);
  assert.equal(answer.body.reason, 'MethodNotAllowed');
});
check('error-body', async (namespace) => {
  const answer = await raw('POST', `/api/v1/namespaces/${namespace}/configmaps`, '{"metadata":');
  assert.equal(answer.status, 400);
});

// ---- deletion ----
check('delete-preconditions', async (namespace) => {
  await core.createNamespacedConfigMap({ namespace, body: cm('a') });
  const status = await failure(core.deleteNamespacedConfigMap({ namespace, name: 'a', body: { preconditions: { uid: 'other' } } }), 409, 'Conflict');
  assert.match(status.message, /the UID in the precondition \(other\) does not match the UID in record/);
});
check('finalizers', async (namespace) => {
  await core.createNamespacedConfigMap({ namespace, body: cm('a', {}, { finalizers: ['x.test/f'] }) });
  await core.deleteNamespacedConfigMap({ namespace, name: 'a' });
  const held = await core.readNamespacedConfigMap({ namespace, name: 'a' });
  assert.ok(held.metadata.deletionTimestamp instanceof Date);
  await core.patchNamespacedConfigMap({ namespace, name: 'a', body: { metadata: { finalizers: null } } }, as('MergePatch'));
  await failure(core.readNamespacedConfigMap({ namespace, name: 'a' }), 404, 'NotFound');
});
check('garbage-collection', async (namespace) => {
  const owner = await core.createNamespacedConfigMap({ namespace, body: cm('owner') });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }];
  await core.createNamespacedConfigMap({ namespace, body: cm('owned', {}, { ownerReferences }) });
  await core.deleteNamespacedConfigMap({ namespace, name: 'owner', propagationPolicy: 'Background' });
  await eventually(() => failure(core.readNamespacedConfigMap({ namespace, name: 'owned' }), 404, 'NotFound'));
});
check('namespace-life', async (namespace) => {
  const name = `${namespace}-x`;
  const made = await core.createNamespace({ body: meta(name) });
  assert.equal(made.status.phase, 'Active');
  assert.equal(made.metadata.labels['kubernetes.io/metadata.name'], name);
  await eventually(() => core.readNamespacedServiceAccount({ namespace: name, name: 'default' }));
  await core.createNamespacedConfigMap({ namespace: name, body: cm('a') });
  await core.deleteNamespace({ name });
  await eventually(() => failure(core.readNamespace({ name }), 404, 'NotFound'));
});

// ---- subresources ----
check('scale', async (namespace) => {
  await apps.createNamespacedDeployment({ namespace, body: deployment('d', 2) });
  const scale = await apps.readNamespacedDeploymentScale({ namespace, name: 'd' });
  assert.equal(scale.spec.replicas, 2);
  scale.spec.replicas = 4;
  delete scale.metadata.resourceVersion; // the controller writes its status beside us
  await apps.replaceNamespacedDeploymentScale({ namespace, name: 'd', body: scale });
  const patched = await apps.patchNamespacedDeploymentScale({ namespace, name: 'd', body: { spec: { replicas: 5 } } }, as('MergePatch'));
  assert.equal(patched.spec.replicas, 5);
  assert.equal((await apps.readNamespacedDeployment({ namespace, name: 'd' })).spec.replicas, 5);
});
check('eviction', async (namespace) => {
  await core.createNamespacedPod({ namespace, body: pod('p', ours) });
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', ...meta('p'), deleteOptions: { gracePeriodSeconds: 0 } };
  await core.createNamespacedPodEviction({ namespace, name: 'p', body });
  await failure(core.readNamespacedPod({ namespace, name: 'p' }), 404, 'NotFound');
});
check('binding', async (namespace) => {
  await core.createNamespacedPod({ namespace, body: pod('p', ours) });
  await core.createNamespacedPodBinding({ namespace, name: 'p', body: { ...meta('p'), target: { apiVersion: 'v1', kind: 'Node', name: 'n' } } }).catch((e) => {
    if (e.code !== undefined) throw e; // the client cannot read the Status that a binding is answered with
  });
  const bound = await core.readNamespacedPod({ namespace, name: 'p' });
  assert.equal(bound.spec.nodeName, 'n');
  assert.ok(bound.status.conditions.some((c) => c.type === 'PodScheduled' && c.status === 'True'));
});
check('exec-refused', async (namespace) => {
  await core.createNamespacedPod({ namespace, body: pod('p', ours) });
  await assert.rejects(new k8s.Exec(kc).exec(namespace, 'p', 'c', ['date'], process.stdout, process.stderr, null, false));
});
check('logs-refused', async (namespace) => {
  await core.createNamespacedPod({ namespace, body: pod('p', ours) });
  await assert.rejects(core.readNamespacedPodLog({ namespace, name: 'p' }));
});

// ---- who may do what ----
check('who-am-i', async () => {
  const review = await api('AuthenticationV1Api').createSelfSubjectReview({ body: {} });
  assert.equal(review.status.userInfo.username, 'kubernetes-admin');
  assert.ok(review.status.userInfo.groups.includes('system:masters'));
});
check('access-reviews', async (namespace) => {
  const authorization = api('AuthorizationV1Api');
  const resourceAttributes = { namespace, verb: 'get', resource: 'pods' };
  assert.equal((await authorization.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } })).status.allowed, true);
  assert.equal((await authorization.createSubjectAccessReview({ body: { spec: { user: 'jane', resourceAttributes } } })).status.allowed, false);
  const rules = await authorization.createSelfSubjectRulesReview({ body: { spec: { namespace } } });
  assert.ok(rules.status.resourceRules.some((r) => r.verbs.includes('*')));
});
check('impersonation', async (namespace) => {
  const status = await failure(core.listNamespacedSecret({ namespace }, k8s.setHeaderOptions('Impersonate-User', 'jane')), 403, 'Forbidden');
  assert.match(status.message, /^secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace/);
});
check('token', async (namespace) => {
  await core.createNamespacedServiceAccount({ namespace, body: meta('bot') });
  const made = await core.createNamespacedServiceAccountToken({ namespace, name: 'bot', body: { spec: { audiences: [], expirationSeconds: 3600 } } });
  assert.ok(made.status.expirationTimestamp instanceof Date);
  const bot = userConfig({ token: made.status.token });
  const me = await api('AuthenticationV1Api', bot).createSelfSubjectReview({ body: {} });
  assert.equal(me.status.userInfo.username, `system:serviceaccount:${namespace}:bot`);
  const review = await api('AuthenticationV1Api').createTokenReview({ body: { spec: { token: made.status.token } } });
  assert.equal(review.status.authenticated, true);
  await failure(api('CoreV1Api', bot).listNamespacedSecret({ namespace }), 403, 'Forbidden');
});
check('token-bad', async (namespace) => {
  await failure(api('CoreV1Api', userConfig({ token: 'nonsense' })).listNamespacedPod({ namespace }), 401, 'Unauthorized');
});
check('legacy-token', async (namespace) => {
  await core.createNamespacedServiceAccount({ namespace, body: meta('bot') });
  const body = { ...meta('t', { annotations: { 'kubernetes.io/service-account.name': 'bot' } }), type: 'kubernetes.io/service-account-token' };
  await core.createNamespacedSecret({ namespace, body });
  const secret = await eventually(async () => {
    const read = await core.readNamespacedSecret({ namespace, name: 't' });
    assert.ok(read.data?.token);
    return read;
  });
  const bot = userConfig({ token: Buffer.from(secret.data.token, 'base64').toString() });
  const me = await api('AuthenticationV1Api', bot).createSelfSubjectReview({ body: {} });
  assert.equal(me.status.userInfo.username, `system:serviceaccount:${namespace}:bot`);
});

// ---- custom resources ----
function crd(group, plural, kind, scope = 'Cluster') {
  return {
    ...meta(`${plural}.${group}`),
    spec: {
      group,
      scope,
      names: { plural, singular: kind.toLowerCase(), kind },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: { type: 'object', properties: { size: { type: 'integer', minimum: 1, _default: 2 }, replicas: { type: 'integer' } } },
                status: { type: 'object', properties: { ready: { type: 'boolean' }, replicas: { type: 'integer' } } },
              },
            },
          },
        },
      ],
    },
  };
}
check('custom-resources', async (namespace) => {
  const group = `${namespace}.test`;
  const where = { group, version: 'v1', namespace, plural: 'wheels' };
  const body = { apiVersion: `${group}/v1`, kind: 'Wheel', ...meta('w'), spec: { odd: 1, replicas: 1 } };
  await extensions.createCustomResourceDefinition({ body: crd(group, 'wheels', 'Wheel', 'Namespaced') });
  const made = await eventually(() => custom.createNamespacedCustomObject({ ...where, body }));
  assert.deepEqual(made.spec, { size: 2, replicas: 1 });
  assert.equal(made.metadata.generation, 1);
  const status = await failure(custom.createNamespacedCustomObject({ ...where, body: { ...body, ...meta('x'), spec: { size: 0 } } }), 422, 'Invalid');
  assert.equal(status.details.causes[0].field, 'spec.size');
  const patched = await custom.patchNamespacedCustomObject({ ...where, name: 'w', body: { spec: { size: 5 } } }, as('MergePatch'));
  assert.equal(patched.spec.size, 5);
  const ready = await custom.patchNamespacedCustomObjectStatus({ ...where, name: 'w', body: { status: { ready: true }, spec: { size: 9 } } }, as('MergePatch'));
  assert.deepEqual([ready.spec.size, ready.status.ready], [5, true]);
  const scaled = await custom.patchNamespacedCustomObjectScale({ ...where, name: 'w', body: { spec: { replicas: 3 } } }, as('MergePatch'));
  assert.equal(scaled.spec.replicas, 3);
  assert.equal((await custom.listNamespacedCustomObject(where)).items.length, 1);
  await custom.deleteNamespacedCustomObject({ ...where, name: 'w' });
  assert.equal((await custom.listNamespacedCustomObject(where)).items.length, 0);
});
check('definition-conditions', async (namespace) => {
  const group = `${namespace}.test`;
  await extensions.createCustomResourceDefinition({ body: crd(group, 'things', 'Thing') });
  const read = await eventually(async () => {
    const r = await extensions.readCustomResourceDefinition({ name: `things.${group}` });
    assert.ok(r.status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True'));
    return r;
  });
  assert.deepEqual(read.status.storedVersions, ['v1']);
  assert.equal(read.spec.names.listKind, 'ThingList');
});
check('objects-of-any-kind', async (namespace) => {
  const spec = { apiVersion: 'v1', kind: 'ConfigMap', ...cm('a', { k: '1' }, { namespace }) };
  const made = await objects.create(spec);
  assert.equal(made.data.k, '1');
  assert.equal((await objects.read(spec)).metadata.uid, made.metadata.uid);
  const patched = await objects.patch({ ...spec, data: { n: '2' } });
  assert.deepEqual(patched.data, { k: '1', n: '2' });
  assert.equal((await objects.list('v1', 'ConfigMap', namespace, undefined, undefined, undefined, 'metadata.name=a')).items.length, 1);
  await objects.delete(spec);
  await failure(objects.read(spec), 404, 'NotFound');
});

// ---- leases, discovery, the server ----
check('leader-election', async (namespace) => {
  const coordination = api('CoordinationV1Api');
  const take = async (who) => {
    let lease;
    try {
      lease = await coordination.readNamespacedLease({ namespace, name: 'lead' });
    } catch (e) {
      assert.equal(e.code, 404);
      const spec = { holderIdentity: who, leaseDurationSeconds: 3600, acquireTime: new k8s.V1MicroTime(), renewTime: new k8s.V1MicroTime() };
      return coordination.createNamespacedLease({ namespace, body: { ...meta('lead'), spec } }).then(() => true, () => false);
    }
    const expired = new Date(lease.spec.renewTime).getTime() + 1000 * lease.spec.leaseDurationSeconds < Date.now();
    if (lease.spec.holderIdentity !== who && !expired) return false;
    if (lease.spec.holderIdentity !== who) lease.spec.leaseTransitions = (lease.spec.leaseTransitions ?? 0) + 1;
    lease.spec.holderIdentity = who;
    lease.spec.renewTime = new k8s.V1MicroTime();
    return coordination.replaceNamespacedLease({ namespace, name: 'lead', body: lease }).then(() => true, (e) => {
      assert.equal(e.code, 409);
      return false;
    });
  };
  const first = await Promise.all(['a', 'b', 'c', 'd'].map(take));
  assert.equal(first.filter(Boolean).length, 1);
  const holder = (await coordination.readNamespacedLease({ namespace, name: 'lead' })).spec.holderIdentity;
  assert.equal(await take(holder), true);
  const longAgo = new k8s.V1MicroTime(Date.now() - 7200000);
  const body = { spec: { renewTime: longAgo } };
  await coordination.patchNamespacedLease({ namespace, name: 'lead', body }, as('MergePatch'));
  const second = await Promise.all(['a', 'b', 'c', 'd'].filter((w) => w !== holder).map(take));
  assert.equal(second.filter(Boolean).length, 1);
  assert.equal((await coordination.readNamespacedLease({ namespace, name: 'lead' })).spec.leaseTransitions, 1);
});
check('discovery', async () => {
  const groups = await api('ApisApi').getAPIVersions();
  assert.ok(groups.groups.some((g) => g.name === 'apps' && g.preferredVersion.version === 'v1'));
  const resources = await core.getAPIResources();
  const pods = resources.resources.find((r) => r.name === 'pods');
  assert.equal(pods.singularName, 'pod');
  assert.deepEqual(pods.shortNames, ['po']);
  assert.ok(pods.verbs.includes('deletecollection'));
});
check('version', async () => {
  const version = await api('VersionApi').getCode();
  assert.deepEqual([version.major, version.minor], ['1', '34']);
});
check('health', async () => {
  const health = new k8s.Health(kc);
  assert.equal(await health.readyz({}), true);
  assert.equal(await health.livez({}), true);
});
check('openapi', async () => {
  const answer = await raw('GET', '/openapi/v3');
  assert.equal(answer.status, 200);
  assert.ok(answer.body.paths['apis/apps/v1']);
});
check('many-at-once', async (namespace) => {
  await Promise.all(Array.from({ length: 50 }, (_, i) => core.createNamespacedSecret({ namespace, body: meta(`s${i}`) })));
  assert.equal((await core.listNamespacedSecret({ namespace })).items.length, 50);
});
check('admission-webhook-kinds', async (namespace) => {
  const made = await api('AdmissionregistrationV1Api').createValidatingWebhookConfiguration({
    body: {
      ...meta(namespace),
      webhooks: [
        {
          name: 'x.test.io',
          clientConfig: { url: 'https://127.0.0.1:1/x' },
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          rules: [{ apiGroups: ['none.test'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }],
        },
      ],
    },
  });
  assert.equal(made.webhooks[0].failurePolicy, 'Fail');
  assert.equal(made.webhooks[0].timeoutSeconds, 10);
});

// A request as it is, with the client's credentials.
async function raw(method, where, body, headers = {}) {
  const https = await import('node:https');
  const options = { method, headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...headers } };
  await kc.applyToHTTPSOptions(options);
  return new Promise((resolve, reject) => {
    const request = https.request(server.url + where, options, (response) => {
      let text = '';
      response.on('data', (piece) => (text += piece));
      response.on('end', () => {
        let parsed = text;
        try {
          parsed = JSON.parse(text);
        } catch {
          // a plain text
        }
        resolve({ status: response.statusCode, body: parsed });
      });
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

// ---- all of them ----
const lines = [];
async function run({ name, run: carryOut }) {
  const namespace = `n-${name}`;
  let verdict = `ok node/${name}`;
  try {
    await core.createNamespace({ body: meta(namespace) });
    await Promise.race([
      carryOut(namespace),
      sleep(CHECK_MS).then(() => assert.fail(`not done after ${CHECK_MS} ms`)),
    ]);
  } catch (e) {
    const text = `${e.code ?? ''} ${e.body ?? ''} ${e.message ?? e}`;
    verdict = `bad node/${name} ${text.replace(/\s+/g, ' ').slice(0, 500)}`;
  }
  lines.push(verdict);
}
process.on('unhandledRejection', () => {}); // of watches that were aborted
const wanted = checks.filter((c) => !only || new RegExp(only).test(c.name));
const queue = [...wanted];
await Promise.all(Array.from({ length: 6 }, async () => {
  for (let next = queue.shift(); next; next = queue.shift()) await run(next);
}));
const end = await server.stop();
lines.push(end ? `bad node/server-end ${end.replace(/\s+/g, ' ').slice(0, 2000)}` : 'ok node/server-end');
fs.writeFileSync(path.join(work, 'node.results'), `${lines.join('\n')}\n`);
process.exit(0);
