// Volumes, claims and the drivers behind them; what is immutable: each check stands for what a conformance test asks.
import assert from 'node:assert/strict';
import { apiLife, discovered, Seen, update } from './seen.mjs';
import { eventually, expect, refused, STRATEGIC } from './wire.mjs';

const core = (namespace, resource) => `/api/v1/namespaces/${namespace}/${resource}`;
const storage = (resource, namespace) => `/apis/storage.k8s.io/v1/${namespace ? `namespaces/${namespace}/` : ''}${resource}`;
const csi = (name) => ({ driver: `driver-${name}`, volumeHandle: 'handle' });
const volume = (name, labels) => ({
  metadata: { name, labels, annotations: { 'pv.beta.kubernetes.io/gid': '777' } },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '2Gi' }, csi: csi(name), persistentVolumeReclaimPolicy: 'Retain', storageClassName: name },
});
const claim = (name) => ({ metadata: { generateName: 'pvc-' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, storageClassName: name } });

// The steps that the lives of most kinds here have: made, found, patched, replaced, gone; once by name, once by label.
async function plainLife(wire, all, make, namespace) {
  const label = `${namespace}-plain`;
  const seen = new Seen(wire, all, `plain=${label}`);
  const body = (letter) => {
    const object = make(letter);
    object.metadata.labels = { ...object.metadata.labels, plain: label };
    return object;
  };
  const first = expect(await wire.post(all, body('p')), 201);
  const name = first.metadata.name;
  const patched = expect(await wire.patch(seen.one(name), { metadata: { labels: { [name.slice(0, 60)]: 'patched' } } }, STRATEGIC), 200);
  assert.ok(BigInt(patched.metadata.resourceVersion) > BigInt(first.metadata.resourceVersion));
  expect(await wire.del(seen.one(name)), 200);
  await seen.gone([]);
  const second = expect(await wire.post(all, body('q')), 201);
  await update(wire, seen.one(second.metadata.name), (o) => (o.metadata.labels.again = 'updated'));
  assert.equal((await seen.list())[0].metadata.labels.again, 'updated');
  await seen.clear();
}

async function immutable(wire, all, name, field, change) {
  const one = `${all}/${name}`;
  await update(wire, one, (o) => (o[field].data1 = change(1)));
  await update(wire, one, (o) => (o.immutable = true));
  const now = expect(await wire.get(one), 200);
  refused(await wire.put(one, { ...now, [field]: { ...now[field], data1: change(2) } }), 422, 'Invalid', /field is immutable when `immutable` is set/);
  refused(await wire.put(one, { ...now, immutable: false }), 422, 'Invalid', /field is immutable when `immutable` is set/);
  const { immutable: gone, ...rest } = now;
  assert.equal(gone, true);
  refused(await wire.put(one, rest), 422, 'Invalid');
  const labelled = expect(await wire.put(one, { ...now, metadata: { ...now.metadata, labels: { l: 'b' } } }), 200);
  assert.equal(labelled.metadata.labels.l, 'b');
  expect(await wire.del(one), 200);
}

export const checks = {
  async 'configmap-immutable'(wire, namespace) {
    const all = core(namespace, 'configmaps');
    expect(await wire.post(all, { metadata: { name: 'm' }, data: { 'data-1': 'value-1' } }), 201);
    await immutable(wire, all, 'm', 'data', (n) => `value-${n}`);
  },

  async 'secret-immutable'(wire, namespace) {
    const all = core(namespace, 'secrets');
    expect(await wire.post(all, { metadata: { name: 'm' }, data: { 'data-1': 'dmFsdWUtMQ==' }, type: 'Opaque' }), 201);
    await immutable(wire, all, 'm', 'data', (n) => Buffer.from(`value-${n}`).toString('base64'));
  },

  async 'volume-and-claim-status'(wire, namespace) {
    const claims = core(namespace, 'persistentvolumeclaims');
    const volumes = '/api/v1/persistentvolumes';
    expect(await wire.post(volumes, volume(namespace, { vol: namespace })), 201);
    const made = expect(await wire.post(claims, claim(namespace)), 201);
    const one = `${claims}/${made.metadata.name}`;
    assert.equal(expect(await wire.get(`${one}/status`), 200).status.phase, 'Pending');
    assert.ok(['Pending', 'Available'].includes(expect(await wire.get(`${volumes}/${namespace}/status`), 200).status.phase));
    const condition = { type: 'StatusPatched', status: 'True', reason: 'E2E patchedStatus', message: 'Set from a check' };
    const patched = expect(await wire.patch(`${one}/status`, { status: { conditions: [condition] } }), 200);
    assert.equal(patched.status.conditions[0].message, condition.message);
    const said = expect(await wire.patch(`${volumes}/${namespace}/status`, { status: { message: 'StatusPatched', reason: 'E2E patchStatus' } }), 200);
    assert.deepEqual([said.status.message, said.status.reason], ['StatusPatched', 'E2E patchStatus']);
    const more = { type: 'StatusUpdated', status: 'True', reason: 'E2E updateStatus', message: 'Set from a check' };
    const set = await update(wire, one, (o) => o.status.conditions.push(more), '/status');
    assert.deepEqual(set.status.conditions.map((c) => c.type), ['StatusPatched', 'StatusUpdated']);
    const replaced = await update(wire, `${volumes}/${namespace}`, (o) => (o.status.reason = 'E2E updateStatus'), '/status');
    assert.equal(replaced.status.reason, 'E2E updateStatus');
    assert.ok(replaced.status.phase);
    for (const where of [one, `${volumes}/${namespace}`]) {
      expect(await wire.patch(where, { metadata: { finalizers: null } }), 200);
      expect(await wire.del(where), 200);
    }
  },

  async 'storageclass-life'(wire, namespace) {
    const make = (letter) => ({ metadata: { name: `${namespace}-${letter}`, labels: { class: namespace } }, provisioner: 'example.com/p', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
    await apiLife(wire, storage('storageclasses'), make, `class=${namespace}`);
    await plainLife(wire, storage('storageclasses'), make, namespace);
  },

  async 'csidriver-life'(wire, namespace) {
    const make = (letter) => ({ metadata: { name: `inline-driver-${namespace}-${letter}`, labels: { test: namespace } }, spec: { volumeLifecycleModes: ['Persistent'], fsGroupPolicy: 'ReadWriteOnceWithFSType' } });
    await apiLife(wire, storage('csidrivers'), make, `test=${namespace}`);
    await plainLife(wire, storage('csidrivers'), make, namespace);
  },

  async 'csinode-life'(wire, namespace) {
    const make = (letter) => ({ metadata: { name: `${namespace}-${letter}`, labels: { test: namespace } }, spec: { drivers: [{ name: 'd.example.com', nodeID: `n-${letter}`, topologyKeys: null, allocatable: { count: 10 } }] } });
    await apiLife(wire, storage('csinodes'), make, `test=${namespace}`);
    await plainLife(wire, storage('csinodes'), make, namespace);
  },

  async 'csicapacity-life'(wire, namespace) {
    await discovered(wire, 'storage.k8s.io', 'v1', ['csistoragecapacities', 'volumeattachments/status']);
    const all = storage('csistoragecapacities', namespace);
    const make = (letter) => ({ metadata: { name: `c-${letter}`, labels: { test: namespace } }, storageClassName: 'example-class', nodeTopology: { matchLabels: { 'example.com/node': 'node-1' } }, capacity: '1Gi' });
    await apiLife(wire, all, make, `test=${namespace}`);
    const made = expect(await wire.post(all, make('z')), 201);
    refused(await wire.patch(`${all}/c-z`, { storageClassName: 'other' }), 422, 'Invalid', /field is immutable/);
    assert.equal(expect(await wire.patch(`${all}/c-z`, { capacity: '2Gi' }), 200).capacity, '2Gi');
    expect(await wire.del(`${all}/c-z`, { preconditions: { uid: made.metadata.uid } }), 200);
  },

  async 'attachment-life'(wire, namespace) {
    const all = storage('volumeattachments');
    const make = (letter) => ({ metadata: { name: `va-${namespace}-${letter}`, labels: { test: namespace } }, spec: { attacher: 'e2e-test.example.com', nodeName: 'none', source: { persistentVolumeName: `pv-${letter}` } } });
    await apiLife(wire, all, make, `test=${namespace}`);
    await plainLife(wire, all, make, namespace);
  },

  async 'attachment-status'(wire, namespace) {
    const all = storage('volumeattachments');
    const name = `va-${namespace}`;
    expect(await wire.post(all, { metadata: { name }, spec: { attacher: 'e2e.example.com', nodeName: 'none', source: { persistentVolumeName: 'pv' } } }), 201);
    const body = { metadata: { labels: { l: 'patched' } }, status: { attached: true } };
    const patched = expect(await wire.patch(`${all}/${name}/status`, body, STRATEGIC), 200);
    assert.equal(patched.status.attached, true);
    const read = expect(await wire.get(`${all}/${name}/status`), 200);
    assert.equal(read.status.attached, true);
    const set = await update(wire, `${all}/${name}`, (o) => (o.status.attached = false), '/status');
    assert.equal(set.status.attached, false);
    refused(await wire.patch(`${all}/${name}`, { spec: { nodeName: 'other' } }), 422, 'Invalid', /field is immutable/);
    expect(await wire.del(`${all}/${name}`), 200);
  },

  async 'attributesclass-life'(wire, namespace) {
    const make = (letter) => ({ metadata: { name: `${namespace}-${letter}`, labels: { test: namespace } }, driverName: 'e2e.example.com', parameters: { property1: 'value1' } });
    const all = storage('volumeattributesclasses');
    await apiLife(wire, all, make, `test=${namespace}`);
    await plainLife(wire, all, make, namespace);
    expect(await wire.post(all, make('z')), 201);
    refused(await wire.patch(`${all}/${namespace}-z`, { parameters: { property1: 'value2' } }), 422, 'Invalid');
    expect(await wire.del(`${all}/${namespace}-z`), 200);
  },

  // A driver's inline volumes of a pod, and the pod that has one.
  async 'inline-volume'(wire, namespace) {
    const name = `inline-driver-${namespace}`;
    expect(await wire.post(storage('csidrivers'), { metadata: { name }, spec: { volumeLifecycleModes: ['Ephemeral'] } }), 201);
    const pods = core(namespace, 'pods');
    const spec = { containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/mnt' }] }], nodeSelector: { none: 'x' }, terminationGracePeriodSeconds: 0, volumes: [{ name: 'v', csi: { driver: name } }] };
    expect(await wire.post(pods, { metadata: { name: 'p' }, spec }), 201);
    assert.equal(expect(await wire.get(`${pods}/p`), 200).spec.volumes.find((v) => v.name === 'v').csi.driver, name);
    expect(await wire.del(`${pods}/p`), 200);
    await eventually(async () => refused(await wire.get(`${pods}/p`), 404, 'NotFound'));
    expect(await wire.del(`${storage('csidrivers')}/${name}`), 200);
  },
};

export const full = {
  // With whoever binds and protects beside the server: a claim and its volume come, change and go, twice.
  async 'volume-and-claim'(wire, namespace) {
    const claims = new Seen(wire, core(namespace, 'persistentvolumeclaims'), '');
    const volumes = new Seen(wire, '/api/v1/persistentvolumes', `vol=${namespace}`);
    for (const round of ['one', 'two']) {
      const name = `${namespace}-${round}`;
      expect(await wire.post(volumes.all, { ...volume(namespace, { vol: namespace }), metadata: { name, labels: { vol: namespace } } }), 201);
      const made = expect(await wire.post(claims.all, claim(namespace)), 201);
      const mine = made.metadata.name;
      expect(await wire.patch(volumes.one(name), { metadata: { labels: { [name]: 'patched' } } }, STRATEGIC), 200);
      expect(await wire.patch(claims.one(mine), { metadata: { labels: { [mine]: 'patched' } } }, STRATEGIC), 200);
      if (round === 'two') await eventually(async () => assert.equal(expect(await wire.get(claims.one(mine)), 200).status.phase, 'Bound'));
      const byLabel = round === 'two';
      expect(await wire.del(byLabel ? `${claims.all}?labelSelector=${mine}%3Dpatched` : claims.one(mine)), 200);
      await claims.gone([]);
      expect(await wire.del(byLabel ? `${volumes.all}?${volumes.query}` : volumes.one(name)), 200);
      await volumes.gone([]);
    }
  },
};
