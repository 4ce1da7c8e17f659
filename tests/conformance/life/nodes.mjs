// Pods and what they need, nodes, limits, priorities and events: each check stands for what a conformance test asks.
import assert from 'node:assert/strict';
import { apiLife, discovered, pod, Seen, template, update } from './seen.mjs';
import { eventually, expect, MERGE, refused, STRATEGIC } from './wire.mjs';

const core = (namespace, resource) => `/api/v1/namespaces/${namespace}/${resource}`;
const make = (name, spec = {}, labels = { static: 'true' }) => ({ metadata: { name, labels }, spec: { ...pod(), terminationGracePeriodSeconds: 1, ...spec } });
const container = (resources, name = 'c') => ({ name, image: 'registry.example/i:1', resources });

export const checks = {
  async 'configmap-life'(wire, namespace) {
    const all = core(namespace, 'configmaps');
    refused(await wire.post(all, { metadata: { name: 'e' }, data: { '': 'value-1' } }), 422, 'Invalid');
    const seen = await new Seen(wire, all, 'static=true').begin();
    expect(await wire.post(all, { metadata: { name: 'm', labels: { static: 'true' } }, data: { valueName: 'value' } }), 201);
    await seen.event('ADDED', (o) => o.metadata.name === 'm');
    expect(await wire.patch(seen.one('m'), { metadata: { labels: { more: 'patched' } }, data: { valueName: 'value1' } }, STRATEGIC), 200);
    await seen.event('MODIFIED', (o) => o.data.valueName === 'value1');
    const found = expect(await wire.get('/api/v1/configmaps?labelSelector=static%3Dtrue'), 200).items.filter((o) => o.metadata.namespace === namespace);
    assert.deepEqual(found.map((o) => [o.data.valueName, o.metadata.labels.more]), [['value1', 'patched']]);
    expect(await wire.del(`${all}?${seen.query}`), 200);
    await seen.event('DELETED', (o) => o.metadata.name === 'm');
    assert.deepEqual(await seen.list(), []);
  },

  async 'secret-life'(wire, namespace) {
    const all = core(namespace, 'secrets');
    refused(await wire.post(all, { metadata: { name: 'e' }, data: { '': 'dmFsdWUtMQo=' } }), 422, 'Invalid');
    expect(await wire.post(all, { metadata: { name: 's', labels: { constant: 'true' } }, data: { key: 'dmFsdWU=' } }), 201);
    const body = { metadata: { labels: { secret: 'patched' } }, data: { key: Buffer.from('value1').toString('base64') } };
    expect(await wire.patch(`${all}/s`, body, STRATEGIC), 200);
    assert.equal(expect(await wire.get(`${all}/s`), 200).data.key, 'dmFsdWUx');
    expect(await wire.del(`${all}?labelSelector=constant%3Dtrue`), 200);
    assert.deepEqual(expect(await wire.get('/api/v1/secrets?labelSelector=constant%3Dtrue'), 200).items.filter((o) => o.metadata.namespace === namespace), []);
  },

  async 'lease-life'(wire, namespace) {
    const all = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    const spec = { holderIdentity: 'holder', leaseDurationSeconds: 30, acquireTime: '2025-01-02T03:04:05.000000Z', renewTime: '2025-01-02T03:04:10.123456Z', leaseTransitions: 0 };
    const created = expect(await wire.post(all, { metadata: { name: 'l' }, spec }), 201);
    assert.deepEqual(created.spec, spec);
    const next = { ...spec, holderIdentity: 'holder2', leaseTransitions: 1, acquireTime: '2025-01-02T03:05:05.000000Z' };
    assert.deepEqual(expect(await wire.put(`${all}/l`, { ...created, spec: next }), 200).spec, next);
    const body = { spec: { holderIdentity: 'patched' } };
    assert.equal(expect(await wire.patch(`${all}/l`, body, STRATEGIC), 200).spec.holderIdentity, 'patched');
    expect(await wire.post(all, { metadata: { name: 'l2', labels: { deletecollection: 'true' } }, spec }), 201);
    assert.equal(expect(await wire.get(all), 200).items.length, 2);
    expect(await wire.del(`${all}?labelSelector=deletecollection%3Dtrue`), 200);
    assert.deepEqual(expect(await wire.get(all), 200).items.map((o) => o.metadata.name), ['l']);
    expect(await wire.del(`${all}/l`), 200);
    refused(await wire.get(`${all}/l`), 404, 'NotFound');
  },

  // A node that nobody runs: its status is kept as it was sent.
  async 'node-life'(wire, namespace) {
    const name = `fake-${namespace}`;
    const ready = { type: 'Ready', status: 'True', reason: 'E2E', message: 'Set', lastHeartbeatTime: null, lastTransitionTime: null };
    const made = expect(await wire.post('/api/v1/nodes', { metadata: { name }, spec: { unschedulable: true }, status: { phase: 'Running', conditions: [ready], daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, nodeInfo: {} } }), 201);
    assert.equal(made.status.phase, 'Running');
    assert.equal(made.status.conditions[0].reason, 'E2E');
    assert.ok(made.spec.taints.some((t) => t.key === 'node.kubernetes.io/not-ready'));
    const patched = expect(await wire.patch(`/api/v1/nodes/${name}`, { metadata: { labels: { [name]: 'patched' } } }, STRATEGIC), 200);
    assert.equal(patched.metadata.labels[name], 'patched');
    assert.equal(expect(await wire.get(`/api/v1/nodes?labelSelector=${name}%3Dpatched`), 200).items.length, 1);
    const updated = await update(wire, `/api/v1/nodes/${name}`, (o) => (o.metadata.labels[name] = 'updated'));
    assert.equal(updated.metadata.labels[name], 'updated');
    assert.equal(updated.status.phase, 'Running');
    expect(await wire.del(`/api/v1/nodes/${name}`), 200);
    refused(await wire.get(`/api/v1/nodes/${name}`), 404, 'NotFound');
  },

  async 'podtemplate-life'(wire, namespace) {
    const all = core(namespace, 'podtemplates');
    const body = (name) => ({ metadata: { name, labels: { static: 'true' } }, template: { spec: pod() } });
    const seen = new Seen(wire, all, 'static=true');
    expect(await wire.post(all, body('t')), 201);
    expect(await wire.patch(seen.one('t'), { metadata: { labels: { more: 'patched' } } }, STRATEGIC), 200);
    assert.equal(expect(await wire.get(seen.one('t')), 200).metadata.labels.more, 'patched');
    expect(await wire.del(seen.one('t')), 200);
    await seen.gone([]);
    for (const name of ['a', 'b', 'c']) expect(await wire.post(all, body(name)), 201);
    const updated = await update(wire, seen.one('a'), (o) => (o.metadata.annotations = { updated: 'true' }));
    assert.equal(updated.metadata.annotations.updated, 'true');
    await seen.clear();
  },

  async 'pod-qos'(wire, namespace) {
    const all = core(namespace, 'pods');
    const both = { limits: { cpu: '100m', memory: '100Mi' }, requests: { cpu: '100m', memory: '100Mi' } };
    expect(await wire.post(all, make('g', { containers: [container(both)] })), 201);
    assert.equal(expect(await wire.get(`${all}/g`), 200).status.qosClass, 'Guaranteed');
    expect(await wire.post(all, make('b', { containers: [container({ requests: { cpu: '1' } })] })), 201);
    assert.equal(expect(await wire.get(`${all}/b`), 200).status.qosClass, 'Burstable');
  },

  async 'pod-collection'(wire, namespace) {
    const all = core(namespace, 'pods');
    const seen = await new Seen(wire, all, 'type=Testing').begin();
    for (const name of ['a', 'b', 'c']) expect(await wire.post(all, make(name, {}, { type: 'Testing' })), 201);
    assert.equal((await seen.list()).length, 3);
    await seen.clear();
    await seen.event('DELETED', (o) => o.metadata.name === 'c');
  },

  // Created, bound, set running by whoever plays the kubelet, patched, replaced in its status, and gone gracefully.
  async 'pod-life'(wire, namespace) {
    const all = core(namespace, 'pods');
    const seen = await new Seen(wire, all, 'static=true').begin();
    const made = expect(await wire.post(all, { ...make('p'), metadata: { name: 'p', labels: { static: 'true' }, generation: 100 } }), 201);
    assert.equal(made.metadata.generation, 1, 'generations are the server\'s');
    assert.equal(made.status.phase, 'Pending');
    expect(await wire.post(seen.one('p', '/binding'), { metadata: { name: 'p' }, target: { apiVersion: 'v1', kind: 'Node', name: 'none' } }), 201);
    const condition = (type, status) => ({ type, status });
    const running = { status: { phase: 'Running', podIP: '10.9.8.7', hostIP: '10.1.1.1', conditions: [condition('Ready', 'True')] } };
    const ran = expect(await wire.patch(seen.one('p', '/status'), running, STRATEGIC), 200);
    assert.deepEqual(ran.status.podIPs, [{ ip: '10.9.8.7' }], 'one address is a list of one');
    const patch = { metadata: { labels: { more: 'patched' } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'registry.example/j:2' }] } };
    const patched = expect(await wire.patch(seen.one('p'), patch, STRATEGIC), 200);
    assert.equal(patched.spec.containers[0].image, 'registry.example/j:2');
    assert.equal(patched.metadata.generation, 2);
    await seen.event('MODIFIED', (o) => o.metadata.labels.more === 'patched');
    const read = expect(await wire.get(seen.one('p', '/status')), 200);
    read.status.conditions = read.status.conditions.map((c) => (c.type === 'Ready' ? { ...c, status: 'False' } : c));
    delete read.metadata.resourceVersion;
    const set = expect(await wire.put(seen.one('p', '/status'), read), 200);
    assert.equal(set.status.conditions.find((c) => c.type === 'Ready').status, 'False');
    await seen.event('MODIFIED', (o) => o.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'False'));
    const message = expect(await wire.patch(seen.one('p', '/status'), { metadata: { labels: { third: 'x' } }, status: { message: 'Patched', reason: 'E2E' } }, STRATEGIC), 200);
    assert.deepEqual([message.status.message, message.status.reason, message.metadata.labels.third], ['Patched', 'E2E', 'x']);
    assert.equal(message.status.phase, 'Running');
    const dying = expect(await wire.call('DELETE', `${seen.one('p')}?gracePeriodSeconds=60`), 200);
    assert.equal(dying.metadata.deletionGracePeriodSeconds, 60);
    assert.equal(dying.metadata.generation, 3);
    expect(await wire.del(`${all}?${seen.query}`, { gracePeriodSeconds: 0 }), 200);
    await seen.event('DELETED', (o) => o.metadata.name === 'p');
  },

  async 'pod-addresses'(wire, namespace) {
    const all = core(namespace, 'pods');
    expect(await wire.post(all, make('p', { nodeName: 'none' })), 201);
    const set = async (status) => wire.patch(`${all}/p/status`, { status }, MERGE);
    const of = (status) => [status.podIP, status.podIPs?.map((i) => i.ip)];
    assert.deepEqual(of(expect(await set({ podIPs: [{ ip: '10.1.1.1' }] }), 200).status), ['10.1.1.1', ['10.1.1.1']]);
    assert.deepEqual(of(expect(await set({ podIP: '10.1.1.2', podIPs: [{ ip: '10.1.1.3' }, { ip: 'fd00::1' }] }), 200).status), ['10.1.1.2', ['10.1.1.2']], 'where they differ the one counts');
    assert.deepEqual(of(expect(await set({ podIP: null, podIPs: [{ ip: '10.1.1.4' }, { ip: 'fd00::1' }] }), 200).status), ['10.1.1.4', ['10.1.1.4', 'fd00::1']]);
    refused(await set({ podIP: 'x', podIPs: null }), 422, 'Invalid', /status.podIPs\[0\]: Invalid value: "x": must be a valid IP address/);
    refused(await set({ podIP: null, podIPs: [{ ip: '10.1.1.4' }, { ip: '10.1.1.5' }] }), 422, 'Invalid', /may specify no more than one IP for each IP family/);
    refused(await set({ hostIP: '10.1.1.1', hostIPs: [{ ip: '10.1.1.2' }] }), 422, 'Invalid', /status.hostIPs\[0\].ip: Invalid value: "10.1.1.2": must be equal to `hostIP`/);
    assert.equal(expect(await set({ qosClass: '' }), 200).status.qosClass, 'BestEffort');
    refused(await set({ qosClass: 'Guaranteed' }), 422, 'Invalid', /status.qosClass: Invalid value: "Guaranteed": field is immutable/);
  },

  // What has ended for good does not run again.
  async 'pod-ends'(wire, namespace) {
    const all = core(namespace, 'pods');
    expect(await wire.post(all, make('p', { nodeName: 'none', restartPolicy: 'Never' })), 201);
    const set = async (state) => wire.patch(`${all}/p/status`, { status: { containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, state }] } }, MERGE);
    expect(await set({ terminated: { exitCode: 1, reason: 'Error' } }), 200);
    refused(await set({ running: {}, terminated: null }), 422, 'Invalid', /status.containerStatuses\[0\].state: Forbidden: may not be transitioned to non-terminated state/);
  },

  async 'pod-generation'(wire, namespace) {
    const all = core(namespace, 'pods');
    expect(await wire.post(all, make('p', { initContainers: [{ name: 'init', image: 'registry.example/i:1' }] })), 201);
    let expected = 1;
    const steps = [
      [false, () => {}],
      [true, (o) => o.spec.tolerations.push({ key: 'foo', operator: 'Equal', value: 'bar', effect: 'NoSchedule' })],
      [true, (o) => (o.spec.activeDeadlineSeconds = 5000)],
      [true, (o) => (o.spec.containers[0].image = 'registry.example/n:1')],
      [true, (o) => (o.spec.initContainers[0].image = 'registry.example/n:1')],
      [false, (o) => (o.metadata.annotations = { key: 'value' })],
      [false, (o) => (o.metadata.generation = 1)],
    ];
    for (const [bumps, step] of steps) {
      if (bumps) expected++;
      assert.equal((await update(wire, `${all}/p`, step)).metadata.generation, expected, String(step));
    }
    const observed = expect(await wire.patch(`${all}/p/status`, { status: { observedGeneration: expected } }), 200);
    assert.equal(observed.status.observedGeneration, expected);
  },

  async 'pod-ephemeral'(wire, namespace) {
    const all = core(namespace, 'pods');
    expect(await wire.post(all, make('p')), 201);
    const debug = (name) => ({ name, image: 'registry.example/debug:1', command: ['/bin/sleep'], stdin: true, tty: true, targetContainerName: 'c' });
    const patch = { spec: { ephemeralContainers: [debug('debugger')] } };
    const patched = expect(await wire.patch(`${all}/p/ephemeralcontainers`, patch, STRATEGIC), 200);
    assert.equal(patched.spec.ephemeralContainers[0].terminationMessagePolicy, 'File');
    assert.equal(patched.metadata.generation, 2);
    const read = expect(await wire.get(`${all}/p/ephemeralcontainers`), 200);
    read.spec.ephemeralContainers.push(debug('debugger2'));
    assert.equal(expect(await wire.put(`${all}/p/ephemeralcontainers`, read), 200).spec.ephemeralContainers.length, 2);
    read.spec.ephemeralContainers = [];
    delete read.metadata.resourceVersion;
    refused(await wire.put(`${all}/p/ephemeralcontainers`, read), 422, 'Invalid', /existing ephemeral containers .* may not be (removed|changed)/);
    refused(await wire.patch(`${all}/p`, { spec: { ephemeralContainers: [debug('third')] } }, STRATEGIC), 422, 'Invalid');
  },

  async 'pod-resize'(wire, namespace) {
    const all = core(namespace, 'pods');
    const resources = (cpu) => ({ limits: { cpu: '1', memory: '100Mi' }, requests: { cpu, memory: '100Mi' } });
    expect(await wire.post(all, make('p', { containers: [container(resources('100m'))] })), 201);
    const patched = expect(await wire.patch(`${all}/p/resize`, { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '200m' } } }] } }, STRATEGIC), 200);
    assert.equal(patched.spec.containers[0].resources.requests.cpu, '200m');
    assert.equal(patched.metadata.generation, 2);
    patched.spec.containers[0].resources.requests.cpu = '300m';
    assert.equal(expect(await wire.put(`${all}/p/resize`, patched), 200).spec.containers[0].resources.requests.cpu, '300m');
    refused(await wire.patch(`${all}/p`, { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '400m' } } }] } }, STRATEGIC), 422, 'Invalid');
    const other = { spec: { containers: [{ name: 'c', image: 'registry.example/other:1' }] } };
    assert.equal(expect(await wire.patch(`${all}/p/resize`, other, STRATEGIC), 200).spec.containers[0].image, 'registry.example/i:1', 'only resources go through');
  },

  async 'pod-sysctls'(wire, namespace) {
    const all = core(namespace, 'pods');
    const bad = (name) => ({ securityContext: { sysctls: [{ name, value: '1' }] } });
    const four = ['foo-', 'kernel.shmmax', 'safe-and-unsafe', 'bar..'].map((name) => ({ name, value: '1' }));
    const status = refused(await wire.post(all, make('p', { securityContext: { sysctls: four } })), 422, 'Invalid', /Invalid value: "foo-".*Invalid value: "bar\.\."/);
    assert.deepEqual(status.details.causes.map((c) => c.field), [0, 3].map((i) => `spec.securityContext.sysctls[${i}].name`));
    for (const name of ['kernel.shm_rmid_forced', 'net/ipv4/ip-x', 'a']) expect(await wire.post(`${all}?dryRun=All`, make('p', bad(name))), 201);
    for (const name of ['A', '.a', 'a.', 'a./b', 'a-.b', '-a', 'a b']) refused(await wire.post(all, make('p', bad(name))), 422, 'Invalid');
  },

  async 'runtimeclass-life'(wire, namespace) {
    await discovered(wire, 'node.k8s.io', 'v1', ['runtimeclasses']);
    const all = '/apis/node.k8s.io/v1/runtimeclasses';
    const body = (letter) => ({ metadata: { name: `${namespace}-${letter}`, labels: { test: namespace } }, handler: `${namespace}-handler-${letter}` });
    await apiLife(wire, all, body, `test=${namespace}`);
    const pods = core(namespace, 'pods');
    const of = (name) => make(name, { runtimeClassName: `${namespace}-x`, automountServiceAccountToken: false });
    refused(await wire.post(pods, of('none')), 403, 'Forbidden', /RuntimeClass .* not found/);
    expect(await wire.post(all, { ...body('x'), overhead: { podFixed: { cpu: '10m', memory: '1Mi' } }, scheduling: { nodeSelector: { a: 'b' } } }), 201);
    const made = expect(await wire.post(pods, of('p')), 201);
    assert.deepEqual(made.spec.overhead, { cpu: '10m', memory: '1Mi' });
    assert.deepEqual(made.spec.nodeSelector, { a: 'b' });
    expect(await wire.del(`${all}/${namespace}-x`), 200);
    refused(await wire.post(pods, of('q')), 403, 'Forbidden');
  },

  async 'limitrange-defaults'(wire, namespace) {
    const all = core(namespace, 'limitranges');
    const list = (cpu, memory, storage) => ({ cpu, memory, 'ephemeral-storage': storage });
    const limit = { type: 'Container', min: list('50m', '100Mi', '100Gi'), max: list('500m', '500Mi', '500Gi'), default: list('500m', '500Mi', '500Gi'), defaultRequest: list('100m', '200Mi', '200Gi'), maxLimitRequestRatio: {} };
    const body = { metadata: { name: 'limit-range', labels: { time: namespace } }, spec: { limits: [limit] } };
    const watch = wire.watch(`${all}?labelSelector=time%3D${namespace}&resourceVersion=0`);
    expect(await wire.post(all, body), 201);
    await watch.until((e) => e.type === 'ADDED', 'the limits');
    watch.stop();
    const { maxLimitRequestRatio, ...kept } = limit;
    assert.deepEqual(maxLimitRequestRatio, {});
    assert.deepEqual(expect(await wire.get(`${all}/limit-range`), 200).spec.limits[0], kept);
    const pods = core(namespace, 'pods');
    const none = expect(await wire.post(pods, make('none')), 201);
    assert.deepEqual(none.spec.containers[0].resources, { limits: limit.default, requests: limit.defaultRequest });
    const some = { requests: list('100m', '200Mi', '200Gi'), limits: { ...list('300m', '500Mi', '500Gi') } };
    const partial = expect(await wire.post(pods, make('partial', { containers: [container({ limits: { cpu: '300m' }, requests: { memory: '150Mi', 'ephemeral-storage': '150Gi' } })] })), 201);
    assert.deepEqual(partial.spec.containers[0].resources, { limits: some.limits, requests: { cpu: '300m', memory: '150Mi', 'ephemeral-storage': '150Gi' } });
    for (const [name, resources] of [['low', { limits: { cpu: '10m', memory: '50Mi', 'ephemeral-storage': '50Gi' } }], ['high', { limits: list('600m', '600Mi', '600Gi') }]])
      refused(await wire.post(pods, make(name, { containers: [container(resources)] })), 403, 'Forbidden');
    const updated = await update(wire, `${all}/limit-range`, (o) => (o.spec.limits[0].min = list('9m', '49Mi', '49Gi')));
    assert.equal(updated.spec.limits[0].min.cpu, '9m');
    expect(await wire.post(pods, make('low', { containers: [container({ requests: list('10m', '50Mi', '50Gi'), limits: list('10m', '50Mi', '50Gi') })] })), 201);
    refused(await wire.post(pods, make('high', { containers: [container({ limits: list('600m', '600Mi', '600Gi') })] })), 403, 'Forbidden');
    const patch = { metadata: { labels: { 'limit-range': 'patched' } }, spec: { limits: [{ type: 'Container', min: { cpu: '40m' } }] } };
    const patched = expect(await wire.patch(`${all}/limit-range`, patch, STRATEGIC), 200);
    assert.equal(patched.spec.limits.length, 1);
    expect(await wire.del(`${all}/limit-range`, { gracePeriodSeconds: 0 }), 200);
    const seen = new Seen(wire, all, `time=${namespace}`);
    expect(await wire.post(all, body), 201);
    await seen.clear();
  },

  async 'priorityclass-life'(wire, namespace) {
    const all = '/apis/scheduling.k8s.io/v1/priorityclasses';
    const body = (letter, value) => ({ metadata: { name: `${namespace}-${letter}`, labels: { test: namespace } }, value });
    const list = [expect(await wire.post(all, body('a', 1)), 201), expect(await wire.post(all, body('b', 2)), 201)];
    for (const one of list) {
      const where = `${all}/${one.metadata.name}`;
      refused(await wire.put(where, { ...one, value: one.value * 10 }), 422, 'Invalid', /value: Forbidden: may not be changed in an update/);
      refused(await wire.patch(where, { value: one.value * 10 }, STRATEGIC), 422, 'Invalid');
      expect(await wire.patch(where, [{ op: 'add', path: '/description', value: 'patched' }], 'application/json-patch+json'), 200);
      await update(wire, where, (o) => (o.description = 'updated'));
      assert.equal(expect(await wire.get(where), 200).description, 'updated');
    }
    expect(await wire.del(`${all}?labelSelector=test%3D${namespace}`), 200);
    assert.deepEqual(expect(await wire.get(`${all}?labelSelector=test%3D${namespace}`), 200).items, []);
    refused(await wire.post(all, body('c', 2000000000)), 422, 'Invalid', /maximum allowed value of a user defined priority is 1000000000/);
    refused(await wire.post(all, { metadata: { name: 'system-mine' }, value: 1 }), 422, 'Invalid', /priority class names with 'system-' prefix are reserved for system use only/);
  },

  async 'events-core'(wire, namespace) {
    const all = core(namespace, 'events');
    const body = (letter) => ({
      metadata: { name: `e-${letter}`, labels: { testevent: 'true' } },
      message: 'This is a test event', reason: 'Test', type: 'Normal', count: 1, involvedObject: { namespace },
    });
    const seen = new Seen(wire, all, 'testevent=true');
    const made = expect(await wire.post(all, body('a')), 201);
    assert.equal(expect(await wire.get('/api/v1/events?labelSelector=testevent%3Dtrue'), 200).items.filter((o) => o.metadata.namespace === namespace).length, 1);
    expect(await wire.patch(seen.one('e-a'), { message: 'patched' }, STRATEGIC), 200);
    const read = expect(await wire.get(seen.one('e-a')), 200);
    assert.equal(read.message, 'patched');
    assert.equal(read.metadata.uid, made.metadata.uid);
    const series = { count: 100, lastObservedTime: '2016-02-22T00:41:01.234567Z' };
    const updated = await update(wire, seen.one('e-a'), (o) => (o.series = series));
    assert.deepEqual(updated.series, series);
    expect(await wire.del(seen.one('e-a')), 200);
    for (const letter of ['b', 'c', 'd']) expect(await wire.post(all, body(letter)), 201);
    assert.equal((await seen.list()).length, 3);
    await seen.clear();
  },

  async 'events-new'(wire, namespace) {
    await discovered(wire, 'events.k8s.io', 'v1', ['events']);
    const all = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
    const body = (letter, reporter = 'test-controller') => ({
      metadata: { name: `n-${letter}`, labels: { testevent: 'new' } },
      eventTime: '2017-09-19T13:49:16.000000Z', reportingController: reporter, reportingInstance: 'test-node', action: 'Do', reason: 'Test', type: 'Normal', note: 'This is n',
      regarding: { namespace },
    });
    const seen = new Seen(wire, all, 'testevent=new');
    const made = expect(await wire.post(all, body('a')), 201);
    for (const where of ['/apis/events.k8s.io/v1/events', all]) {
      const found = expect(await wire.get(`${where}?fieldSelector=reportingController%3Dtest-controller`), 200).items;
      assert.ok(found.some((o) => o.metadata.uid === made.metadata.uid));
    }
    const patch = { series: { count: 2, lastObservedTime: '2017-09-19T13:50:00.000001Z' } };
    expect(await wire.patch(seen.one('n-a'), patch, STRATEGIC), 200);
    const read = expect(await wire.get(seen.one('n-a')), 200);
    assert.deepEqual(read.series, patch.series);
    read.series = { count: 100, lastObservedTime: '2016-02-22T00:41:01.234567Z' };
    assert.equal(expect(await wire.put(seen.one('n-a'), read), 200).series.count, 100);
    assert.equal(expect(await wire.get(core(namespace, 'events/n-a')), 200).message, 'This is n');
    expect(await wire.del(seen.one('n-a')), 200);
    for (const letter of ['b', 'c']) expect(await wire.post(all, body(letter)), 201);
    await seen.clear();
    refused(await wire.post(all, { ...body('d'), eventTime: null }), 422, 'Invalid');
  },

  async 'quota-life'(wire, namespace) {
    const all = core(namespace, 'resourcequotas');
    const label = `quota=${namespace}`;
    const seen = await new Seen(wire, all, label).begin();
    const hard = { cpu: '1', memory: '500Mi' };
    expect(await wire.post(all, { metadata: { name: 'q', labels: { quota: namespace } }, spec: { hard } }), 201);
    assert.deepEqual(expect(await wire.get(seen.one('q')), 200).spec.hard, hard);
    const updated = await update(wire, seen.one('q'), (o) => (o.spec.hard.memory = '600Mi'));
    assert.equal(updated.spec.hard.memory, '600Mi');
    const patch = { metadata: { labels: { q: 'patched' } }, spec: { hard: { memory: '750Mi' } } };
    assert.deepEqual(expect(await wire.patch(seen.one('q'), patch, STRATEGIC), 200).spec.hard, { cpu: '1', memory: '750Mi' });
    const amounts = { hard: { cpu: '1', memory: '750Mi' }, used: { cpu: '0', memory: '0' } };
    const set = await update(wire, seen.one('q'), (o) => (o.status = amounts), '/status');
    assert.deepEqual(set.status, amounts);
    const patched = expect(await wire.patch(seen.one('q', '/status'), { status: { hard: { cpu: '2' } } }), 200);
    assert.equal(patched.status.hard.cpu, '2');
    assert.equal(patched.spec.hard.cpu, '1');
    await seen.event('MODIFIED', (o) => o.status.hard?.cpu === '2');
    expect(await wire.del(`${all}?${seen.query}`), 200);
    await seen.event('DELETED', (o) => o.metadata.name === 'q');
    assert.deepEqual(await seen.list(), []);
  },
};

export const full = {
  async 'pod-runs'(wire, namespace) {
    const all = core(namespace, 'pods');
    const seen = await new Seen(wire, all, 'static=true').begin();
    expect(await wire.post(all, make('p')), 201);
    const ran = await seen.event('MODIFIED', (o) => o.status.phase === 'Running' && o.status.conditions.some((c) => c.type === 'Ready' && c.status === 'True'));
    assert.ok(ran.status.podIP && ran.status.podIPs[0].ip === ran.status.podIP && ran.status.hostIP);
    await eventually(async () => assert.equal(expect(await wire.get(seen.one('p')), 200).status.observedGeneration, 1));
    expect(await wire.patch(seen.one('p'), { spec: { activeDeadlineSeconds: 5000 } }), 200);
    await eventually(async () => assert.equal(expect(await wire.get(seen.one('p')), 200).status.observedGeneration, 2));
    expect(await wire.del(seen.one('p')), 200);
    await seen.gone([]);
  },
};
