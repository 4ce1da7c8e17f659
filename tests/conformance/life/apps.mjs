// Workloads, without whoever runs them beside the server: each check stands for what a conformance test asks of the API.
import assert from 'node:assert/strict';
import { Seen, statusLife, template, update } from './seen.mjs';
import { expect, MERGE, refused, STRATEGIC } from './wire.mjs';

const apps = (namespace, resource) => `/apis/apps/v1/namespaces/${namespace}/${resource}`;
const batch = (namespace, resource) => `/apis/batch/v1/namespaces/${namespace}/${resource}`;
const core = (namespace, resource) => `/api/v1/namespaces/${namespace}/${resource}`;
const labels = { e2e: 'testing', name: 'a' };
const workload = (name, more = {}) => ({ metadata: { name, labels }, spec: { selector: { matchLabels: labels }, template: template(labels), ...more } });
const job = (name, more = {}) => ({ metadata: { name, labels }, spec: { parallelism: 2, completions: 4, ...more, template: template(undefined, { restartPolicy: 'OnFailure' }) } });
const budget = (name, spec, own = { pdb: 'x' }) => ({ metadata: { name, labels: own }, spec: { selector: { matchLabels: labels }, ...spec } });

// A scale is read, replaced and patched, and the object follows.
async function scaleLife(seen, name, type) {
  const { wire } = seen;
  const scale = expect(await wire.get(seen.one(name, '/scale')), 200);
  assert.equal(scale.spec.replicas, 1);
  scale.metadata.resourceVersion = ''; // unconditionally, as clients of scales like to do
  scale.spec.replicas = 2;
  assert.equal(expect(await wire.put(seen.one(name, '/scale'), scale), 200).spec.replicas, 2);
  assert.equal(expect(await wire.get(seen.one(name)), 200).spec.replicas, 2);
  const patched = await wire.patch(seen.one(name, '/scale'), { spec: { replicas: 4 } }, type);
  assert.equal(expect(patched, 200).spec.replicas, 4);
  assert.equal(expect(await wire.get(seen.one(name)), 200).spec.replicas, 4);
}

async function collectionLife(wire, all, make) {
  const seen = await new Seen(wire, all, 'e2e=testing').begin();
  for (const name of ['a', 'b', 'c']) expect(await wire.post(all, make(name)), 201);
  assert.equal((await seen.list()).length, 3);
  const patch = { metadata: { labels: { 'test-set': 'patched' } }, spec: { template: { spec: { terminationGracePeriodSeconds: 3, containers: [{ name: 'c', image: 'registry.example/j:2' }] } } } };
  const patched = expect(await wire.patch(seen.one('a'), patch, STRATEGIC), 200);
  assert.equal(patched.spec.template.spec.containers.length, 1);
  assert.equal(patched.spec.template.spec.containers[0].image, 'registry.example/j:2');
  assert.equal(patched.spec.template.spec.terminationGracePeriodSeconds, 3);
  assert.equal(patched.metadata.generation, 2);
  await seen.event('MODIFIED', (o) => o.metadata.labels['test-set'] === 'patched');
  // One second's grace and no policy: the kinds of apps/v1 orphan nothing.
  expect(await wire.del(`${all}?${seen.query}`, { gracePeriodSeconds: 1 }), 200);
  await seen.event('DELETED', (o) => o.metadata.name === 'a');
  await seen.gone([]);
}

export const checks = {
  async 'deployment-life'(wire, namespace) {
    const all = apps(namespace, 'deployments');
    const seen = await new Seen(wire, all, 'e2e=testing').begin();
    const mine = workload('d', { replicas: 2 });
    expect(await wire.post(all, mine), 201);
    await seen.event('ADDED', (o) => o.metadata.name === 'd');
    const patch = { metadata: { labels: { more: 'patched' } }, spec: { replicas: 1, template: { spec: { containers: [{ name: 'c', image: 'registry.example/j:2' }] } } } };
    expect(await wire.patch(seen.one('d'), patch, STRATEGIC), 200);
    await seen.event('MODIFIED', (o) => o.metadata.labels.more === 'patched');
    // What was once sent, sent again: an empty status, no time of creation, no revision.
    const again = { apiVersion: 'apps/v1', kind: 'Deployment', ...JSON.parse(JSON.stringify(mine)), status: {} };
    again.metadata.creationTimestamp = null;
    again.metadata.labels.more = 'updated';
    again.spec.strategy = {};
    again.spec.template.metadata.creationTimestamp = null;
    const updated = expect(await wire.put(seen.one('d'), again), 200);
    assert.equal(updated.spec.template.spec.containers[0].image, 'registry.example/i:1');
    const sub = { metadata: { labels: { more: 'patched-status' } }, status: { readyReplicas: 0, availableReplicas: 0 } };
    expect(await wire.patch(seen.one('d', '/status'), sub, STRATEGIC), 200);
    const status = expect(await wire.get(seen.one('d', '/status')), 200);
    assert.equal(status.metadata.labels.more, 'updated', 'labels are not the status\'');
    expect(await wire.del(`${all}?${seen.query}`, { gracePeriodSeconds: 1 }), 200);
    await seen.event('DELETED', (o) => o.metadata.name === 'd');
  },

  async 'deployment-status'(wire, namespace) {
    const seen = await new Seen(wire, apps(namespace, 'deployments'), 'e2e=testing').begin();
    expect(await wire.post(seen.all, workload('d')), 201);
    await statusLife(seen, 'd');
  },

  async 'deployment-scale'(wire, namespace) {
    const seen = new Seen(wire, apps(namespace, 'deployments'), 'e2e=testing');
    expect(await wire.post(seen.all, workload('d')), 201);
    await scaleLife(seen, 'd', STRATEGIC);
  },

  async 'replicaset-status'(wire, namespace) {
    const seen = await new Seen(wire, apps(namespace, 'replicasets'), 'e2e=testing').begin();
    expect(await wire.post(seen.all, workload('d')), 201);
    await statusLife(seen, 'd');
  },

  async 'replicaset-scale'(wire, namespace) {
    const seen = new Seen(wire, apps(namespace, 'replicasets'), 'e2e=testing');
    expect(await wire.post(seen.all, workload('d')), 201);
    await scaleLife(seen, 'd', MERGE);
  },

  'replicaset-collection': (wire, namespace) => collectionLife(wire, apps(namespace, 'replicasets'), (name) => workload(name)),
  'daemonset-collection': (wire, namespace) => collectionLife(wire, apps(namespace, 'daemonsets'), (name) => workload(name)),
  'statefulset-collection': (wire, namespace) => collectionLife(wire, apps(namespace, 'statefulsets'), (name) => workload(name, { serviceName: 's' })),

  async 'daemonset-status'(wire, namespace) {
    const seen = await new Seen(wire, apps(namespace, 'daemonsets'), 'e2e=testing').begin();
    expect(await wire.post(seen.all, workload('d')), 201);
    await statusLife(seen, 'd');
  },

  async 'statefulset-status'(wire, namespace) {
    const seen = await new Seen(wire, apps(namespace, 'statefulsets'), 'e2e=testing').begin();
    expect(await wire.post(seen.all, workload('d', { serviceName: 's' })), 201);
    await statusLife(seen, 'd');
  },

  async 'statefulset-scale'(wire, namespace) {
    const seen = new Seen(wire, apps(namespace, 'statefulsets'), 'e2e=testing');
    expect(await wire.post(seen.all, workload('d', { serviceName: 's' })), 201);
    await scaleLife(seen, 'd', STRATEGIC);
  },

  async 'controllerrevision-life'(wire, namespace) {
    const all = apps(namespace, 'controllerrevisions');
    const owner = expect(await wire.post(apps(namespace, 'daemonsets'), workload('d')), 201);
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: owner.metadata.uid, controller: true, blockOwnerDeletion: true }];
    const data = { spec: { template: { $patch: 'replace', ...template(labels) } } };
    const make = (letter, revision = 1) => ({ metadata: { name: `r-${letter}`, labels, ownerReferences }, data, revision });
    const seen = await new Seen(wire, all, 'e2e=testing').begin();
    expect(await wire.post(all, make('a')), 201);
    expect(await wire.patch(seen.one('r-a'), { metadata: { labels: { 'r-a': 'patched' } } }, STRATEGIC), 200);
    const read = expect(await wire.get(seen.one('r-a')), 200);
    assert.deepEqual(read.data, data, 'data is whatever it is');
    expect(await wire.post(all, make('b', 2)), 201);
    assert.equal((await seen.list()).length, 2);
    expect(await wire.del(seen.one('r-a')), 200);
    await seen.gone(['r-b']);
    const updated = await update(wire, seen.one('r-b'), (o) => (o.metadata.labels['r-b'] = 'updated'));
    assert.equal(updated.revision, 2);
    const other = structuredClone(updated);
    other.data.spec.template.spec.containers[0].image = 'registry.example/other:1';
    refused(await wire.put(seen.one('r-b'), other), 422, 'Invalid', /data: Invalid value: .*field is immutable/);
    expect(await wire.post(all, make('c', 3)), 201);
    expect(await wire.del(`${all}?labelSelector=r-b%3Dupdated`), 200);
    await seen.gone(['r-c']);
  },

  async 'cronjob-life'(wire, namespace) {
    const all = batch(namespace, 'cronjobs');
    const make = (name) => ({ metadata: { name, labels: { special: 'x' } }, spec: { schedule: '* */1 * * ?', concurrencyPolicy: 'Allow', jobTemplate: { spec: job('x').spec } } });
    const seen = await new Seen(wire, all, 'special=x').begin();
    for (const name of ['a', 'b', 'c']) expect(await wire.post(all, make(name)), 201);
    expect(await wire.patch(seen.one('a'), { metadata: { annotations: { patched: 'true' } } }), 200);
    await update(wire, seen.one('a'), (o) => (o.metadata.annotations.updated = 'true'));
    await seen.event('MODIFIED', (o) => o.metadata.annotations?.updated === 'true');
    const now = new Date().toISOString().replace(/\.\d+/, '');
    const patched = expect(await wire.patch(seen.one('a', '/status'), { metadata: { annotations: { patchedstatus: 'true' } }, status: { lastScheduleTime: now } }), 200);
    assert.equal(patched.status.lastScheduleTime, now);
    assert.equal(patched.metadata.annotations.patchedstatus, 'true', 'annotations go with the status of this kind');
    const later = '2040-01-02T03:04:05Z';
    const set = await update(wire, seen.one('a'), (o) => (o.status.lastScheduleTime = later), '/status');
    assert.equal(set.status.lastScheduleTime, later);
    assert.equal(expect(await wire.get(seen.one('a', '/status')), 200).metadata.uid, set.metadata.uid);
    expect(await wire.del(seen.one('a')), 200);
    refused(await wire.get(seen.one('a')), 404, 'NotFound');
    await seen.clear();
  },

  async 'job-life'(wire, namespace) {
    const all = batch(namespace, 'jobs');
    const made = expect(await wire.post(all, job('j', { suspend: true })), 201);
    const uid = made.metadata.uid;
    assert.equal(made.spec.selector.matchLabels['batch.kubernetes.io/controller-uid'], uid);
    assert.equal(made.spec.template.metadata.labels['job-name'], 'j');
    assert.equal(expect(await wire.patch(`${all}/j`, { metadata: { labels: { j: 'patched' } } }, STRATEGIC), 200).metadata.labels.j, 'patched');
    const watch = await new Seen(wire, all, 'j=patched').begin();
    const updated = await update(wire, `${all}/j`, (o) => {
      o.spec.suspend = false;
      o.metadata.annotations = { updated: 'true' };
    });
    assert.equal(updated.spec.suspend, false);
    await watch.event('MODIFIED', (o) => o.metadata.annotations?.updated === 'true');
    assert.equal(expect(await wire.get('/apis/batch/v1/jobs?labelSelector=j%3Dpatched'), 200).items.length, 1);
    expect(await wire.del(`${all}?labelSelector=j%3Dpatched`, { propagationPolicy: 'Background' }), 200);
    await watch.event('DELETED', (o) => o.metadata.name === 'j');
  },

  async 'job-status'(wire, namespace) {
    const all = batch(namespace, 'jobs');
    expect(await wire.post(all, job('j')), 201);
    const at = (time) => ({ type: 'CustomConditionType', status: 'True', lastTransitionTime: time, lastProbeTime: null });
    const body = { metadata: { annotations: { patchedstatus: 'true' } }, status: { conditions: [at('2025-01-02T03:04:05Z')] } };
    const patched = expect(await wire.patch(`${all}/j/status`, body, MERGE), 200);
    assert.equal(patched.status.conditions[0].lastTransitionTime, '2025-01-02T03:04:05Z');
    assert.equal(patched.metadata.annotations.patchedstatus, 'true');
    const set = await update(wire, `${all}/j`, (o) => (o.status.conditions[0].lastTransitionTime = '2025-01-02T03:04:06Z'), '/status');
    assert.equal(set.status.conditions[0].lastTransitionTime, '2025-01-02T03:04:06Z');
    // A job that runs has started once and for all.
    const started = { status: { startTime: '2025-01-02T03:04:05Z' } };
    const later = { status: { startTime: '2025-01-02T03:05:05Z' } };
    expect(await wire.patch(`${all}/j/status`, started), 200);
    refused(await wire.patch(`${all}/j/status`, later), 422, 'Invalid', /status.startTime: Required value: startTime cannot be removed for unsuspended job/);
    refused(await wire.patch(`${all}/j/status`, { status: { startTime: null } }), 422, 'Invalid');
    expect(await wire.patch(`${all}/j`, { spec: { suspend: true } }), 200);
    assert.equal(expect(await wire.patch(`${all}/j/status`, later), 200).status.startTime, later.status.startTime);
    assert.equal(expect(await wire.get(`${all}/j/status`), 200).metadata.uid, patched.metadata.uid);
  },

  async 'rc-life'(wire, namespace) {
    const all = core(namespace, 'replicationcontrollers');
    const rc = { metadata: { name: 'rc', labels: { static: 'true' } }, spec: { replicas: 1, selector: { static: 'true' }, template: template({ static: 'true' }) } };
    const seen = await new Seen(wire, all, 'static=true').begin();
    expect(await wire.post(all, rc), 201);
    await seen.event('ADDED', (o) => o.metadata.name === 'rc');
    expect(await wire.patch(seen.one('rc'), { metadata: { labels: { rc: 'patched' } } }, STRATEGIC), 200);
    await seen.event('MODIFIED', (o) => o.metadata.labels.rc === 'patched');
    const status = { status: { readyReplicas: 0, availableReplicas: 0 } };
    assert.equal(expect(await wire.patch(seen.one('rc', '/status'), status, STRATEGIC), 200).status.readyReplicas ?? 0, 0);
    refused(await wire.patch(seen.one('rc', '/status'), { status: { readyReplicas: 3 } }, STRATEGIC), 422, 'Invalid', /readyReplicas.*cannot be greater/);
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'rc', namespace }, spec: { replicas: 3 } };
    assert.equal(expect(await wire.patch(seen.one('rc', '/scale'), scale, STRATEGIC), 200).spec.replicas, 3);
    assert.equal(expect(await wire.put(seen.one('rc', '/scale'), { ...scale, spec: { replicas: 2 } }), 200).spec.replicas, 2);
    await seen.event('MODIFIED', (o) => o.spec.replicas === 2);
    assert.equal(expect(await wire.get('/api/v1/replicationcontrollers?labelSelector=static%3Dtrue'), 200).items.length, 1);
    expect(await wire.del(`${all}?${seen.query}`, { propagationPolicy: 'Background' }), 200); // else what it owns is orphaned first
    await seen.event('DELETED', (o) => o.metadata.name === 'rc');
  },

  async 'budget-life'(wire, namespace) {
    const all = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    const seen = new Seen(wire, all, 'pdb=x');
    expect(await wire.post(all, budget('a', { minAvailable: '1%' })), 201);
    assert.equal((await update(wire, seen.one('a'), (o) => (o.spec.minAvailable = '2%'))).spec.minAvailable, '2%');
    assert.equal(expect(await wire.patch(seen.one('a'), { spec: { minAvailable: '3%' } }), 200).spec.minAvailable, '3%');
    const other = expect(await wire.patch(seen.one('a'), { spec: { minAvailable: null, maxUnavailable: 0 } }), 200);
    assert.deepEqual([other.spec.minAvailable, other.spec.maxUnavailable], [undefined, 0]);
    const set = await update(wire, seen.one('a'), (o) => (o.status = { ...o.status, disruptedPods: { p: '2025-01-02T03:04:05Z' } }), '/status');
    assert.deepEqual(set.status.disruptedPods, { p: '2025-01-02T03:04:05Z' });
    const emptied = expect(await wire.patch(seen.one('a', '/status'), { status: { disruptedPods: null } }), 200);
    assert.deepEqual(emptied.status.disruptedPods ?? {}, {});
    expect(await wire.post(all, budget('b', { minAvailable: 2 })), 201);
    assert.equal(expect(await wire.get('/apis/policy/v1/poddisruptionbudgets?labelSelector=pdb%3Dx'), 200).items.length >= 2, true);
    expect(await wire.del(all), 200);
    await seen.gone([]);
  },

  // An eviction asks the budget's status, whoever keeps it.
  async 'budget-blocks'(wire, namespace) {
    const pods = core(namespace, 'pods');
    const all = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    expect(await wire.post(pods, { metadata: { name: 'p', labels }, spec: template(labels).spec }), 201);
    expect(await wire.post(`${pods}/p/binding`, { metadata: { name: 'p' }, target: { kind: 'Node', name: 'none' } }), 201);
    const ready = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
    expect(await wire.patch(`${pods}/p/status`, ready), 200);
    const made = expect(await wire.post(all, budget('b', { minAvailable: 1 })), 201);
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p', namespace } };
    const blocked = refused(await wire.post(`${pods}/p/eviction`, eviction), 429, 'TooManyRequests');
    assert.equal(blocked.details.causes[0].reason, 'DisruptionBudget');
    const allow = { status: { observedGeneration: made.metadata.generation, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 } };
    expect(await wire.patch(`${all}/b/status`, allow), 200);
    const evicted = expect(await wire.post(`${pods}/p/eviction`, eviction), 201);
    assert.equal(evicted.status, 'Success');
    const after = expect(await wire.get(`${all}/b`), 200);
    assert.equal(after.status.disruptionsAllowed, 0);
    assert.ok(after.status.disruptedPods.p);
  },
};
