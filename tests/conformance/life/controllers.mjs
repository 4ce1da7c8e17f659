// What only the controllers of a control plane do: the life of quotas, owners and what they own, ends of namespaces.
import assert from 'node:assert/strict';
import { eventually, expect, MERGE, refused, STRATEGIC } from './wire.mjs';

const SETTLE_MS = 150;
const core = (namespace, resource) => `/api/v1/namespaces/${namespace}/${resource}`;
const apps = (namespace, resource) => `/apis/apps/v1/namespaces/${namespace}/${resource}`;
const pause = (requests, limits) => ({ containers: [{ name: 'pause', image: 'registry.example/pause:3', resources: { requests, limits } }] });
const pod = (name, spec) => ({ metadata: { name }, spec: { terminationGracePeriodSeconds: 0, ...spec } });
const account = (wire, namespace) => eventually(async () => expect(await wire.get(core(namespace, 'serviceaccounts/default')), 200));

// The quota of the checks: its name, and what waits until it has counted.
async function quota(wire, namespace, hard, more = {}) {
  const name = more.name ?? 'test-quota';
  const one = core(namespace, `resourcequotas/${name}`);
  expect(await wire.post(core(namespace, 'resourcequotas'), { metadata: { name }, spec: { hard, scopes: more.scopes, scopeSelector: more.selector } }), 201);
  return (used) =>
    eventually(async () => {
      const status = expect(await wire.get(one), 200).status;
      for (const [key, value] of Object.entries(used)) assert.equal(status.used?.[key], value, `${key} used`);
      assert.deepEqual(Object.keys(status.used ?? {}).sort(), Object.keys(hard).sort());
      assert.deepEqual(status.hard, hard);
    });
}
const EVERYTHING = {
  pods: '5', services: '10', 'services.nodeports': '1', 'services.loadbalancers': '1', replicationcontrollers: '10', resourcequotas: '1',
  cpu: '1', memory: '500Mi', configmaps: '10', secrets: '10', persistentvolumeclaims: '10', 'requests.storage': '10Gi', 'requests.ephemeral-storage': '50Gi',
  'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '10', 'gold.storageclass.storage.k8s.io/requests.storage': '10Gi',
  'requests.example.com/dongle': '3', 'count/replicasets.apps': '5',
};
const SCOPED = { pods: '5' };
const SIZED = { pods: '5', 'requests.cpu': '1', 'requests.memory': '500Mi', 'limits.cpu': '2', 'limits.memory': '1Gi' };

// A ReplicationController of `replicas` pods, all of them there.
async function controller(wire, namespace, name, replicas, labels) {
  await account(wire, namespace);
  const spec = { replicas, selector: labels, template: { metadata: { labels }, spec: pause() } };
  const made = expect(await wire.post(core(namespace, 'replicationcontrollers'), { metadata: { name }, spec }), 201);
  await eventually(async () => assert.equal((await podsOf(wire, namespace)).length, replicas));
  await eventually(async () => assert.equal(expect(await wire.get(core(namespace, `replicationcontrollers/${name}`)), 200).status.replicas, replicas));
  return made;
}
const podsOf = async (wire, namespace) => expect(await wire.get(core(namespace, 'pods')), 200).items;
const without = async (wire, where) => eventually(async () => refused(await wire.get(where), 404, 'NotFound'));

async function deploymentWithSet(wire, namespace) {
  await account(wire, namespace);
  const labels = { app: 'gc-check' };
  expect(await wire.post(apps(namespace, 'deployments'), { metadata: { name: 'd' }, spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pause() } } }), 201);
  return eventually(async () => {
    const sets = expect(await wire.get(apps(namespace, 'replicasets')), 200).items;
    assert.equal(sets.length, 1);
    assert.equal(sets[0].status.replicas, 2);
    return sets[0];
  });
}

export const full = {
  async 'quota/pods'(wire, namespace) {
    await account(wire, namespace);
    const counts = await quota(wire, namespace, EVERYTHING);
    await counts({ resourcequotas: '1', pods: '0', cpu: '0' });
    const dongle = { 'example.com/dongle': '2' };
    const fits = { cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi', ...dongle };
    expect(await wire.post(core(namespace, 'pods'), pod('test-pod', pause(fits, dongle))), 201);
    const used = { pods: '1', cpu: '500m', memory: '252Mi', 'requests.ephemeral-storage': '30Gi', 'requests.example.com/dongle': '2' };
    await counts(used);
    refused(await wire.post(core(namespace, 'pods'), pod('fail-pod', pause({ cpu: '600m', memory: '100Mi' }))), 403, 'Forbidden', /exceeded quota: test-quota/);
    refused(await wire.post(core(namespace, 'pods'), pod('fail-dongle', pause({ ...fits, memory: '100Mi' }, dongle))), 403, 'Forbidden', /exceeded quota/);
    await eventually(async () => {
      const read = expect(await wire.get(core(namespace, 'pods/test-pod')), 200);
      read.spec.containers[0].resources.requests = { cpu: '100m', memory: '100Mi', 'ephemeral-storage': '10Gi' };
      refused(await wire.put(core(namespace, 'pods/test-pod'), read), 422, 'Invalid');
    });
    await counts(used);
    expect(await wire.del(core(namespace, 'pods/test-pod'), { gracePeriodSeconds: 0 }), 200);
    await counts({ pods: '0', cpu: '0', memory: '0', 'requests.ephemeral-storage': '0', 'requests.example.com/dongle': '0' });
  },

  async 'quota/services'(wire, namespace) {
    const counts = await quota(wire, namespace, EVERYTHING);
    await counts({ services: '0' });
    const service = (name, type, more) => wire.post(core(namespace, 'services'), { metadata: { name }, spec: { type, ports: [{ port: 80, targetPort: 80 }], ...more } });
    expect(await service('test-service', 'ClusterIP'), 201);
    expect(await service('test-service-np', 'NodePort'), 201);
    refused(await service('test-service-lb', 'LoadBalancer', { allocateLoadBalancerNodePorts: true }), 403, 'Forbidden', /exceeded quota/);
    await counts({ services: '2', 'services.nodeports': '1', 'services.loadbalancers': '0' });
    expect(await service('test-service-lb', 'LoadBalancer', { allocateLoadBalancerNodePorts: false }), 201);
    await counts({ services: '3', 'services.nodeports': '1', 'services.loadbalancers': '1' });
    for (const name of ['test-service', 'test-service-np', 'test-service-lb']) expect(await wire.del(core(namespace, `services/${name}`), {}), 200);
    await counts({ services: '0', 'services.nodeports': '0', 'services.loadbalancers': '0' });
  },

  async 'quota/objects'(wire, namespace) {
    await eventually(async () => expect(await wire.get(core(namespace, 'configmaps/kube-root-ca.crt')), 200));
    const counts = await quota(wire, namespace, EVERYTHING);
    await counts({ configmaps: '1', secrets: '0' });
    const selector = { matchLabels: { a: 'b' } };
    const template = { metadata: { labels: { a: 'b' } }, spec: pause() };
    const claim = (storageClassName) => ({ metadata: { name: 'claim' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName } });
    const lives = [
      [core(namespace, 'configmaps'), { metadata: { name: 'm' }, data: { a: 'b' } }, { configmaps: ['2', '1'] }],
      [core(namespace, 'secrets'), { metadata: { name: 's' }, data: { a: 'Yg==' } }, { secrets: ['1', '0'] }],
      [core(namespace, 'replicationcontrollers'), { metadata: { name: 'rc' }, spec: { replicas: 0, selector: { a: 'b' }, template } }, { replicationcontrollers: ['1', '0'] }],
      [apps(namespace, 'replicasets'), { metadata: { name: 'rs' }, spec: { replicas: 0, selector, template } }, { 'count/replicasets.apps': ['1', '0'] }],
      [core(namespace, 'persistentvolumeclaims'), claim(''), { persistentvolumeclaims: ['1', '0'], 'requests.storage': ['1Gi', '0'] }],
      [core(namespace, 'persistentvolumeclaims'), claim('silver'), { persistentvolumeclaims: ['1', '0'], 'gold.storageclass.storage.k8s.io/persistentvolumeclaims': ['0', '0'], 'gold.storageclass.storage.k8s.io/requests.storage': ['0', '0'] }],
      [core(namespace, 'persistentvolumeclaims'), claim('gold'), { persistentvolumeclaims: ['1', '0'], 'gold.storageclass.storage.k8s.io/persistentvolumeclaims': ['1', '0'], 'gold.storageclass.storage.k8s.io/requests.storage': ['1Gi', '0'] }],
    ];
    for (const [all, object, changes] of lives) {
      const at = (i) => Object.fromEntries(Object.entries(changes).map(([k, v]) => [k, v[i]]));
      expect(await wire.post(all, object), 201);
      await counts(at(0));
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      await counts(at(0)); // admission has counted it, and the controller counts alike
      expect(await wire.del(`${all}/${object.metadata.name}`, {}), 200);
      await counts(at(1));
    }
  },

  async 'quota/custom'(wire, namespace) {
    const group = 'quota.example.com';
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    expect(await wire.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { metadata: { name: `things.${group}` }, spec: { group, scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' }, versions: [{ name: 'v1', served: true, storage: true, schema }] } }), 201);
    const all = `/apis/${group}/v1/namespaces/${namespace}/things`;
    await eventually(async () => expect(await wire.get(all), 200));
    const key = `count/things.${group}`;
    const counts = await quota(wire, namespace, { [key]: '1' });
    await counts({ [key]: '0' });
    const thing = (name) => wire.post(all, { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name } });
    expect(await thing('a'), 201);
    await counts({ [key]: '1' });
    refused(await thing('b'), 403, 'Forbidden', /exceeded quota/);
    expect(await wire.del(`${all}/a`, {}), 200);
    await counts({ [key]: '0' });
    expect(await wire.del(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`, {}), 200);
  },

  async 'quota/terminating'(wire, namespace) {
    await account(wire, namespace);
    const ending = await quota(wire, namespace, SIZED, { name: 'quota-terminating', scopes: ['Terminating'] });
    const lasting = await quota(wire, namespace, SIZED, { name: 'quota-not-terminating', scopes: ['NotTerminating'] });
    const sizes = pause({ cpu: '500m', memory: '200Mi' }, { cpu: '1', memory: '400Mi' });
    const taken = { pods: '1', 'requests.cpu': '500m', 'requests.memory': '200Mi', 'limits.cpu': '1', 'limits.memory': '400Mi' };
    const none = { pods: '0', 'requests.cpu': '0', 'requests.memory': '0', 'limits.cpu': '0', 'limits.memory': '0' };
    for (const [name, deadline, hit, missed] of [['test-pod', undefined, lasting, ending], ['terminating-pod', 3600, ending, lasting]]) {
      await hit(none);
      expect(await wire.post(core(namespace, 'pods'), pod(name, { ...sizes, activeDeadlineSeconds: deadline })), 201);
      await hit(taken);
      await missed(none);
      expect(await wire.del(core(namespace, `pods/${name}`), { gracePeriodSeconds: 0 }), 200);
      await hit(none);
    }
  },

  async 'quota/best-effort'(wire, namespace) {
    await account(wire, namespace);
    const best = await quota(wire, namespace, SCOPED, { name: 'quota-besteffort', scopes: ['BestEffort'] });
    const other = await quota(wire, namespace, SCOPED, { name: 'quota-not-besteffort', scopes: ['NotBestEffort'] });
    for (const [name, spec, hit, missed] of [['best', pause(), best, other], ['burstable', pause({ cpu: '500m', memory: '200Mi' }, { cpu: '1', memory: '400Mi' }), other, best]]) {
      await hit({ pods: '0' });
      expect(await wire.post(core(namespace, 'pods'), pod(name, spec)), 201);
      await hit({ pods: '1' });
      await missed({ pods: '0' });
      expect(await wire.del(core(namespace, `pods/${name}`), { gracePeriodSeconds: 0 }), 200);
      await hit({ pods: '0' });
    }
  },

  async 'quota/scope-selectors'(wire, namespace) {
    await account(wire, namespace);
    const high = `${namespace}-high`;
    expect(await wire.post('/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name: high }, value: 1000 }), 201);
    const by = (...matchExpressions) => ({ matchExpressions });
    const of = async (name, selector) => quota(wire, namespace, SCOPED, { name, selector });
    const best = await of('best', by({ scopeName: 'BestEffort', operator: 'Exists' }));
    const ending = await of('ending', by({ scopeName: 'Terminating', operator: 'Exists' }));
    const highs = await of('highs', by({ scopeName: 'PriorityClass', operator: 'In', values: [high] }));
    const others = await of('others', by({ scopeName: 'PriorityClass', operator: 'NotIn', values: [high] }));
    const all = { best, ending, highs, others };
    const rows = [
      [pause(), ['best', 'others']],
      [pause({ cpu: '100m' }), ['others']],
      [{ ...pause({ cpu: '100m' }), activeDeadlineSeconds: 3600 }, ['ending', 'others']],
      [{ ...pause(), priorityClassName: high }, ['best', 'highs']],
    ];
    for (const [spec, hit] of rows) {
      expect(await wire.post(core(namespace, 'pods'), pod('p', spec)), 201);
      for (const settled of [false, true]) {
        for (const [name, counts] of Object.entries(all)) await counts({ pods: hit.includes(name) ? '1' : '0' });
        if (!settled) await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      }
      expect(await wire.del(core(namespace, 'pods/p'), { gracePeriodSeconds: 0 }), 200);
      for (const counts of Object.values(all)) await counts({ pods: '0' });
    }
    expect(await wire.del(`/apis/scheduling.k8s.io/v1/priorityclasses/${high}`, {}), 200);
  },

  async 'garbage/background'(wire, namespace) {
    const rc = await controller(wire, namespace, 'simpletest.rc', 2, { name: 'simpletest' });
    const one = core(namespace, 'replicationcontrollers/simpletest.rc');
    expect(await wire.del(one, { propagationPolicy: 'Background', preconditions: { uid: rc.metadata.uid } }), 200);
    await without(wire, one);
    await eventually(async () => assert.deepEqual(await podsOf(wire, namespace), []));
  },

  async 'garbage/orphans'(wire, namespace) {
    const rc = await controller(wire, namespace, 'simpletest.rc', 5, { name: 'simpletest' });
    const one = core(namespace, 'replicationcontrollers/simpletest.rc');
    expect(await wire.del(one, { propagationPolicy: 'Orphan', preconditions: { uid: rc.metadata.uid } }), 200);
    await without(wire, one);
    const left = await podsOf(wire, namespace);
    assert.equal(left.length, 5);
    for (const p of left) assert.deepEqual([p.metadata.ownerReferences, p.metadata.deletionTimestamp], [undefined, undefined]);
  },

  async 'garbage/foreground'(wire, namespace) {
    const rc = await controller(wire, namespace, 'simpletest.rc', 5, { name: 'simpletest' });
    const one = core(namespace, 'replicationcontrollers/simpletest.rc');
    const held = (await podsOf(wire, namespace))[0].metadata.name;
    expect(await wire.patch(core(namespace, `pods/${held}`), { metadata: { finalizers: ['example.com/held'] } }, MERGE), 200);
    expect(await wire.del(one, { propagationPolicy: 'Foreground', preconditions: { uid: rc.metadata.uid } }), 200);
    await eventually(async () => assert.deepEqual((await podsOf(wire, namespace)).map((p) => p.metadata.name), [held]));
    const waiting = expect(await wire.get(one), 200);
    assert.ok(waiting.metadata.deletionTimestamp);
    assert.deepEqual(waiting.metadata.finalizers, ['foregroundDeletion']);
    expect(await wire.patch(core(namespace, `pods/${held}`), { metadata: { finalizers: null } }, MERGE), 200);
    await without(wire, one);
    assert.deepEqual(await podsOf(wire, namespace), []);
  },

  async 'garbage/two-owners'(wire, namespace) {
    const gone = await controller(wire, namespace, 'rc-to-be-deleted', 4, { name: 'to-be-deleted' });
    const stays = expect(await wire.post(core(namespace, 'replicationcontrollers'), { metadata: { name: 'rc-to-stay' }, spec: { replicas: 0, selector: { name: 'to-stay' }, template: { metadata: { labels: { name: 'to-stay' } }, spec: pause() } } }), 201);
    const list = await podsOf(wire, namespace);
    const shared = list.slice(0, 2).map((p) => p.metadata.name).sort();
    const reference = { ownerReferences: [{ apiVersion: 'v1', kind: 'ReplicationController', name: 'rc-to-stay', uid: stays.metadata.uid }] };
    for (const name of shared) expect(await wire.patch(core(namespace, `pods/${name}`), { metadata: reference }, STRATEGIC), 200);
    const one = core(namespace, 'replicationcontrollers/rc-to-be-deleted');
    expect(await wire.del(one, { propagationPolicy: 'Foreground', preconditions: { uid: gone.metadata.uid } }), 200);
    await without(wire, one);
    const left = await podsOf(wire, namespace);
    assert.deepEqual(left.map((p) => p.metadata.name).sort(), shared);
    for (const p of left) {
      assert.equal(p.metadata.deletionTimestamp, undefined);
      assert.deepEqual(p.metadata.ownerReferences.map((o) => o.name), ['rc-to-stay']);
    }
  },

  async 'garbage/circle'(wire, namespace) {
    await account(wire, namespace);
    const made = {};
    for (const name of ['pod1', 'pod2', 'pod3']) made[name] = expect(await wire.post(core(namespace, 'pods'), pod(name, pause())), 201);
    const own = async (name, by) => {
      const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: by, uid: made[by].metadata.uid, controller: true, blockOwnerDeletion: true }];
      expect(await wire.patch(core(namespace, `pods/${name}`), { metadata: { ownerReferences } }, STRATEGIC), 200);
    };
    await own('pod1', 'pod3');
    await own('pod2', 'pod1');
    await own('pod3', 'pod2');
    expect(await wire.del(core(namespace, 'pods/pod1'), { propagationPolicy: 'Foreground', preconditions: { uid: made.pod1.metadata.uid } }), 200);
    await eventually(async () => assert.deepEqual(await podsOf(wire, namespace), []));
  },

  async 'garbage/of-deployments'(wire, namespace) {
    const set = await deploymentWithSet(wire, namespace);
    assert.equal(set.metadata.ownerReferences[0].kind, 'Deployment');
    expect(await wire.del(apps(namespace, 'deployments/d'), { propagationPolicy: 'Background' }), 200);
    await eventually(async () => assert.deepEqual(expect(await wire.get(apps(namespace, 'replicasets')), 200).items, []));
    await eventually(async () => assert.deepEqual(await podsOf(wire, namespace), []));
  },

  async 'garbage/orphans-of-deployments'(wire, namespace) {
    const set = await deploymentWithSet(wire, namespace);
    expect(await wire.del(apps(namespace, 'deployments/d'), { propagationPolicy: 'Orphan' }), 200);
    await without(wire, apps(namespace, 'deployments/d'));
    const left = expect(await wire.get(apps(namespace, `replicasets/${set.metadata.name}`)), 200);
    assert.deepEqual([left.metadata.ownerReferences, left.metadata.deletionTimestamp], [undefined, undefined]);
    assert.equal((await podsOf(wire, namespace)).length, 2);
  },

  async 'garbage/custom'(wire, namespace) {
    const group = 'garbage.example.com';
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    const crd = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions`;
    expect(await wire.post(crd, { metadata: { name: `things.${group}` }, spec: { group, scope: 'Cluster', names: { plural: 'things', kind: 'Thing' }, versions: [{ name: 'v1', served: true, storage: true, schema }] } }), 201);
    const all = `/apis/${group}/v1/things`;
    await eventually(async () => expect(await wire.get(all), 200));
    const thing = (name, ownerReferences) => wire.post(all, { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name, ownerReferences } });
    const owner = expect(await thing('owner'), 201);
    expect(await thing('canary', [{ apiVersion: `${group}/v1`, kind: 'Thing', name: 'none', uid: '11111111-1111-4111-8111-111111111111' }]), 201);
    expect(await thing('child', [{ apiVersion: `${group}/v1`, kind: 'Thing', name: 'owner', uid: owner.metadata.uid }]), 201);
    await without(wire, `${all}/canary`);
    expect(await wire.get(`${all}/child`), 200);
    expect(await wire.del(`${all}/owner`, { propagationPolicy: 'Background' }), 200);
    await without(wire, `${all}/child`);
    expect(await wire.del(`${crd}/things.${group}`, {}), 200);
    await without(wire, `${crd}/things.${group}`);
  },

  async 'namespace/removes-all'(wire) {
    for (const round of [1, 2]) {
      const name = 'nsdeletetest';
      expect(await wire.post('/api/v1/namespaces', { metadata: { name } }), 201);
      await account(wire, name);
      refused(await wire.get(core(name, 'pods/test-pod')), 404, 'NotFound');
      refused(await wire.get(core(name, 'services/test-service')), 404, 'NotFound');
      expect(await wire.post(core(name, 'pods'), pod('test-pod', pause())), 201);
      expect(await wire.post(core(name, 'services'), { metadata: { name: 'test-service' }, spec: { selector: { a: 'b' }, ports: [{ port: 80, targetPort: 80 }] } }), 201);
      const answer = expect(await wire.del(`/api/v1/namespaces/${name}`, {}), 200);
      assert.equal(answer.status.phase, 'Terminating', `round ${round}`);
      await without(wire, `/api/v1/namespaces/${name}`);
    }
  },

  async 'namespace/pods-first'(wire) {
    const name = 'pods-first';
    expect(await wire.post('/api/v1/namespaces', { metadata: { name } }), 201);
    await account(wire, name);
    const finalizers = ['example.com/held'];
    expect(await wire.post(core(name, 'pods'), { ...pod('held', pause()), metadata: { name: 'held', finalizers } }), 201);
    expect(await wire.post(core(name, 'configmaps'), { metadata: { name: 'behind', finalizers } }), 201);
    expect(await wire.del(`/api/v1/namespaces/${name}`, {}), 200);
    await eventually(async () => {
      const conditions = expect(await wire.get(`/api/v1/namespaces/${name}`), 200).status.conditions ?? [];
      assert.deepEqual(conditions.map((c) => `${c.type} ${c.status} ${c.reason}`), [
        'NamespaceDeletionDiscoveryFailure False ResourcesDiscovered',
        'NamespaceDeletionGroupVersionParsingFailure False ParsedGroupVersions',
        'NamespaceDeletionContentFailure False ContentDeleted',
        'NamespaceContentRemaining True SomeResourcesRemain',
        'NamespaceFinalizersRemaining True SomeFinalizersRemain',
      ]);
      assert.equal(conditions[3].message, 'Some resources are remaining: pods. has 1 resource instances');
      assert.equal(conditions[4].message, 'Some content in the namespace has finalizers remaining: example.com/held in 1 resource instances');
    });
    assert.equal(expect(await wire.get(core(name, 'configmaps/behind')), 200).metadata.deletionTimestamp, undefined);
    refused(await wire.post(core(name, 'configmaps'), { metadata: { name: 'late' } }), 403, 'Forbidden', /because it is being terminated/);
    expect(await wire.patch(core(name, 'pods/held'), { metadata: { finalizers: null } }, MERGE), 200);
    await eventually(async () => assert.ok(expect(await wire.get(core(name, 'configmaps/behind')), 200).metadata.deletionTimestamp));
    expect(await wire.patch(core(name, 'configmaps/behind'), { metadata: { finalizers: null } }, MERGE), 200);
    await without(wire, `/api/v1/namespaces/${name}`);
  },
};
