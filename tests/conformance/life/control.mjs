// What controllers do in a server that has them: each check stands for what a conformance test asks of a cluster.
import assert from 'node:assert/strict';
import { pod, Seen, template, update } from './seen.mjs';
import { eventually, expect, STRATEGIC } from './wire.mjs';

const apps = (namespace, resource) => `/apis/apps/v1/namespaces/${namespace}/${resource}`;
const batch = (namespace, resource) => `/apis/batch/v1/namespaces/${namespace}/${resource}`;
const core = (namespace, resource) => `/api/v1/namespaces/${namespace}/${resource}`;
const labels = { app: 'control' };
const workload = (name, more = {}) => ({ metadata: { name, labels }, spec: { selector: { matchLabels: labels }, template: template(labels), ...more } });
const get = async (wire, where) => expect(await wire.get(where), 200);
const sorted = (v) => (Array.isArray(v) ? v.map(sorted) : v && typeof v === 'object' ? Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])])) : v);
const condition = (o, type) => o.status.conditions?.find((c) => c.type === type);

export const full = {
  // A revision for each template, told apart by hash and number; an old one is numbered anew when it comes back.
  async 'revisions'(wire, namespace) {
    const seen = new Seen(wire, apps(namespace, 'controllerrevisions'), 'app=control');
    const one = `${apps(namespace, 'daemonsets')}/d`;
    expect(await wire.post(apps(namespace, 'daemonsets'), workload('d')), 201);
    const first = await eventually(async () => {
      const list = await seen.list();
      assert.equal(list.length, 1);
      return list[0];
    });
    const set = await get(wire, one);
    // Clients compare the very bytes with what they would have written.
    const mine = JSON.stringify(sorted({ spec: { template: { $patch: 'replace', ...set.spec.template } } }));
    assert.equal(JSON.stringify(first.data), mine);
    assert.equal(first.revision, 1);
    assert.ok(first.metadata.labels['controller-revision-hash']);
    expect(await wire.post(seen.all, { metadata: { name: 'mine', labels: first.metadata.labels, ownerReferences: first.metadata.ownerReferences }, data: first.data, revision: 2 }), 201);
    const gone = await wire.del(seen.one(first.metadata.name));
    assert.ok([200, 404].includes(gone.code)); // 404: of two that say the same the controller keeps the later one
    expect(await wire.patch(one, { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } }, updateStrategy: { type: 'RollingUpdate' } } }, STRATEGIC), 200);
    await eventually(async () => assert.deepEqual((await seen.list()).map((o) => o.revision).sort(), [2, 3]));
    expect(await wire.del(seen.one('mine')), 200);
    await eventually(async () => assert.deepEqual((await seen.list()).map((o) => o.revision), [3]));
  },

  async 'daemonset-runs'(wire, namespace) {
    expect(await wire.post(apps(namespace, 'daemonsets'), workload('d')), 201);
    const one = `${apps(namespace, 'daemonsets')}/d`;
    const nodes = (await get(wire, '/api/v1/nodes')).items.length;
    await eventually(async () => assert.equal((await get(wire, one)).status.numberAvailable, nodes));
    const pods = new Seen(wire, core(namespace, 'pods'), 'app=control');
    const [first] = await pods.list();
    // A daemon that has failed is replaced.
    expect(await wire.patch(pods.one(first.metadata.name, '/status'), { status: { phase: 'Failed' } }), 200);
    await eventually(async () => {
      const list = await pods.list();
      assert.ok(list.every((o) => o.metadata.uid !== first.metadata.uid && o.status.phase === 'Running'));
      assert.equal(list.length, nodes);
    });
  },

  async 'deployment-runs'(wire, namespace) {
    const one = `${apps(namespace, 'deployments')}/d`;
    expect(await wire.post(apps(namespace, 'deployments'), workload('d', { replicas: 2 })), 201);
    const done = async (replicas) =>
      eventually(async () => {
        const o = await get(wire, one);
        assert.deepEqual([o.status.readyReplicas, o.status.updatedReplicas, o.status.replicas, o.status.unavailableReplicas], [replicas, replicas, replicas, undefined]);
        assert.equal(o.status.observedGeneration, o.metadata.generation);
        return o;
      });
    assert.equal((await done(2)).metadata.annotations['deployment.kubernetes.io/revision'], '1');
    expect(await wire.patch(one, { spec: { replicas: 1, template: { spec: { containers: [{ name: 'c', image: 'registry.example/j:2' }] } } } }, STRATEGIC), 200);
    assert.equal((await done(1)).metadata.annotations['deployment.kubernetes.io/revision'], '2');
    await update(wire, one, (o) => (o.status.conditions.push({ type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'm' })), '/status');
    expect(await wire.patch(`${one}/status`, { status: { readyReplicas: 0, availableReplicas: 0 } }, STRATEGIC), 200);
    await done(1);
    expect(await wire.call('DELETE', `${apps(namespace, 'deployments')}?labelSelector=app%3Dcontrol`, { gracePeriodSeconds: 1 }), 200);
    await eventually(async () => assert.equal((await get(wire, core(namespace, 'pods'))).items.length, 0));
  },

  // Pods of nobody that match are taken on; those that match no longer are let go and replaced.
  async 'replicas-adopt'(wire, namespace) {
    const pods = core(namespace, 'pods');
    expect(await wire.post(pods, { metadata: { name: 'orphan', labels }, spec: pod() }), 201);
    const set = expect(await wire.post(apps(namespace, 'replicasets'), workload('r', { replicas: 1 })), 201);
    await eventually(async () => {
      const owners = (await get(wire, `${pods}/orphan`)).metadata.ownerReferences;
      assert.deepEqual(owners.map((o) => [o.uid, o.controller]), [[set.metadata.uid, true]]);
    });
    expect(await wire.patch(`${pods}/orphan`, { metadata: { labels: { app: 'other' } } }, STRATEGIC), 200);
    await eventually(async () => assert.equal((await get(wire, `${pods}/orphan`)).metadata.ownerReferences, undefined));
    await eventually(async () => assert.equal((await get(wire, `${pods}?labelSelector=app%3Dcontrol`)).items.length, 1));
  },

  // What a quota refuses is said in a condition, and taken back when there is room.
  async 'replication-fails'(wire, namespace) {
    expect(await wire.post(core(namespace, 'resourcequotas'), { metadata: { name: 'q' }, spec: { hard: { pods: '2' } } }), 201);
    await eventually(async () => assert.equal((await get(wire, core(namespace, 'resourcequotas/q'))).status.hard?.pods, '2'));
    const all = core(namespace, 'replicationcontrollers');
    expect(await wire.post(all, { metadata: { name: 'rc' }, spec: { replicas: 3, selector: labels, template: template(labels) } }), 201);
    await eventually(async () => assert.equal(condition(await get(wire, `${all}/rc`), 'ReplicaFailure').status, 'True'));
    await update(wire, `${all}/rc`, (o) => (o.spec.replicas = 2));
    await eventually(async () => assert.equal(condition(await get(wire, `${all}/rc`), 'ReplicaFailure'), undefined));
    await eventually(async () => assert.equal((await get(wire, `${all}/rc`)).status.replicas, 2));
  },

  async 'quota-counts'(wire, namespace) {
    const all = core(namespace, 'resourcequotas');
    await eventually(async () => get(wire, core(namespace, 'configmaps/kube-root-ca.crt'))); // counted too
    expect(await wire.post(all, { metadata: { name: 'q' }, spec: { hard: { configmaps: '3', 'count/replicasets.apps': '5', services: '10', 'services.nodeports': '1', pods: '5', 'requests.cpu': '1' } } }), 201);
    const used = (name, n) => eventually(async () => assert.equal((await get(wire, `${all}/q`)).status.used?.[name], n));
    const before = Number((await eventually(async () => {
      const counted = (await get(wire, `${all}/q`)).status.used?.configmaps;
      assert.ok(counted);
      return counted;
    })));
    expect(await wire.post(core(namespace, 'configmaps'), { metadata: { name: 'm' } }), 201);
    await used('configmaps', String(before + 1));
    expect(await wire.del(core(namespace, 'configmaps/m')), 200);
    await used('configmaps', String(before));
    expect(await wire.post(core(namespace, 'services'), { metadata: { name: 's' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } }), 201);
    await used('services.nodeports', '1');
    const second = await wire.post(core(namespace, 'services'), { metadata: { name: 't' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } });
    assert.equal(expect(second, 403).reason, 'Forbidden');
    expect(await wire.del(core(namespace, 'services/s')), 200);
    await used('services.nodeports', '0');
  },

  async 'job-runs'(wire, namespace) {
    const all = batch(namespace, 'jobs');
    const job = (name, more = {}) => ({ metadata: { name, labels }, spec: { parallelism: 2, completions: 4, template: template(labels, { restartPolicy: 'Never' }), ...more } });
    expect(await wire.post(all, job('j', { suspend: true })), 201);
    await eventually(async () => assert.equal(condition(await get(wire, `${all}/j`), 'Suspended').status, 'True'));
    await update(wire, `${all}/j`, (o) => (o.spec.suspend = false));
    const done = await eventually(async () => {
      const o = await get(wire, `${all}/j`);
      assert.equal(condition(o, 'Complete')?.status, 'True');
      return o;
    });
    assert.equal(done.status.succeeded, 4);
    assert.equal(condition(done, 'SuccessCriteriaMet').status, 'True');
    assert.ok(done.status.startTime && done.status.completionTime);
    expect(await wire.call('DELETE', `${all}?labelSelector=app%3Dcontrol`, { propagationPolicy: 'Background' }), 200);
    await eventually(async () => assert.equal((await get(wire, core(namespace, 'pods'))).items.length, 0));
  },

  // Pods of a job that runs: taken on again when they lost their owner, let go and replaced when they match no longer.
  async 'job-adopts'(wire, namespace) {
    const pods = core(namespace, 'pods');
    const running = { ...template(labels, { restartPolicy: 'Never' }) };
    running.spec.containers[0].command = ['sleep', '1000000'];
    const made = expect(await wire.post(batch(namespace, 'jobs'), { metadata: { name: 'j' }, spec: { parallelism: 2, completions: 2, template: running } }), 201);
    const mine = `${pods}?labelSelector=job-name%3Dj`;
    const two = () =>
      eventually(async () => {
        const list = (await get(wire, mine)).items;
        assert.deepEqual(list.map((o) => o.status.phase), ['Running', 'Running']);
        assert.ok(list.every((o) => o.metadata.ownerReferences?.[0].uid === made.metadata.uid));
        return list;
      });
    const [first] = await two();
    const one = `${pods}/${first.metadata.name}`;
    await update(wire, one, (o) => delete o.metadata.ownerReferences);
    await two();
    await update(wire, one, (o) => delete o.metadata.labels);
    await eventually(async () => assert.equal((await get(wire, one)).metadata.ownerReferences, undefined));
    const now = await two();
    assert.ok(now.every((o) => o.metadata.uid !== first.metadata.uid));
    expect(await wire.call('DELETE', `${batch(namespace, 'jobs')}/j`, { propagationPolicy: 'Foreground' }), 200);
    await eventually(async () => assert.equal((await get(wire, mine)).items.length, 0));
  },

  // A service gets its endpoints in both forms, even where nothing matches; both go with it.
  async 'endpoints'(wire, namespace) {
    const services = core(namespace, 'services');
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Ds`;
    expect(await wire.post(services, { metadata: { name: 's' }, spec: { selector: labels, ports: [{ name: 'example', port: 80 }] } }), 201);
    await eventually(async () => {
      assert.deepEqual((await get(wire, core(namespace, 'endpoints/s'))).subsets ?? [], []);
      const list = (await get(wire, slices)).items;
      assert.equal(list.length, 1);
      assert.equal(list[0].metadata.labels['endpointslice.kubernetes.io/managed-by'], 'endpointslice-controller.k8s.io');
      assert.equal(list[0].metadata.ownerReferences[0].kind, 'Service');
    });
    expect(await wire.post(core(namespace, 'pods'), { metadata: { name: 'p', labels }, spec: pod('c', { ports: [{ containerPort: 8080 }] }) }), 201);
    const ip = await eventually(async () => {
      const read = (await get(wire, core(namespace, 'pods/p'))).status.podIP;
      assert.ok(read);
      return read;
    });
    await eventually(async () => {
      const [subset] = (await get(wire, core(namespace, 'endpoints/s'))).subsets;
      assert.deepEqual([subset.addresses.map((a) => [a.ip, a.targetRef.name]), subset.ports.map((p) => p.port)], [[[ip, 'p']], [80]]);
      const [slice] = (await get(wire, slices)).items;
      assert.deepEqual(slice.endpoints.map((e) => [e.addresses, e.conditions.ready, e.conditions.serving, e.targetRef.name]), [[[ip], true, true, 'p']]);
    });
    expect(await wire.del(`${services}/s`), 200);
    await eventually(async () => {
      assert.equal((await wire.get(core(namespace, 'endpoints/s'))).code, 404);
      assert.equal((await get(wire, slices)).items.length, 0);
    });
  },

  // Endpoints that somebody writes for a service without a selector are there as slices too.
  async 'endpoints-mirrored'(wire, namespace) {
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Ds`;
    const all = core(namespace, 'endpoints');
    const subsets = (ip) => [{ addresses: [{ ip }], ports: [{ port: 80 }] }];
    expect(await wire.post(core(namespace, 'services'), { metadata: { name: 's' }, spec: { ports: [{ name: 'example', port: 80 }] } }), 201);
    expect(await wire.post(all, { metadata: { name: 's' }, subsets: subsets('10.1.2.3') }), 201);
    const mirrored = (ip) =>
      eventually(async () => {
        const list = (await get(wire, slices)).items;
        assert.equal(list.length, 1);
        assert.equal(list[0].metadata.labels['endpointslice.kubernetes.io/managed-by'], 'endpointslicemirroring-controller.k8s.io');
        assert.deepEqual([list[0].ports.map((p) => p.port), list[0].endpoints.map((e) => e.addresses)], [[80], [[ip]]]);
      });
    await mirrored('10.1.2.3');
    expect(await wire.put(`${all}/s`, { metadata: { name: 's' }, subsets: subsets('10.2.3.4') }), 200);
    await mirrored('10.2.3.4');
    expect(await wire.del(`${all}/s`), 200);
    await eventually(async () => assert.equal((await get(wire, slices)).items.length, 0));
  },

  async 'budget-observes'(wire, namespace) {
    const all = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    const pods = core(namespace, 'pods');
    expect(await wire.post(all, { metadata: { name: 'b' }, spec: { minAvailable: 3, selector: { matchLabels: labels } } }), 201);
    expect(await wire.post(apps(namespace, 'replicasets'), workload('r', { replicas: 3 })), 201);
    const now = (allowed) =>
      eventually(async () => {
        const o = await get(wire, `${all}/b`);
        assert.deepEqual([o.status.currentHealthy, o.status.disruptionsAllowed, o.status.observedGeneration], [3, allowed, o.metadata.generation]);
      });
    await now(0);
    const evict = async () => {
      const name = (await get(wire, pods)).items.find((o) => !o.metadata.deletionTimestamp).metadata.name;
      return wire.post(`${pods}/${name}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } });
    };
    assert.equal(expect(await evict(), 429).details.causes[0].reason, 'DisruptionBudget');
    await update(wire, `${all}/b`, (o) => (o.spec.minAvailable = 2));
    await now(1);
    expect(await evict(), 201);
    const patch = { spec: { minAvailable: null, maxUnavailable: 0 } };
    expect(await wire.patch(`${all}/b`, patch), 200);
    await now(0);
    expect(await evict(), 429);
    expect(await wire.del(`${all}/b`), 200);
    expect(await evict(), 201);
  },

  async 'statefulset-runs'(wire, namespace) {
    const one = `${apps(namespace, 'statefulsets')}/s`;
    expect(await wire.post(apps(namespace, 'statefulsets'), workload('s', { serviceName: 'x', replicas: 2 })), 201);
    const ready = (n) =>
      eventually(async () => {
        const o = await get(wire, one);
        assert.deepEqual([o.status.readyReplicas, o.status.updatedReplicas, o.status.currentRevision === o.status.updateRevision], [n, n, true]);
        return o;
      });
    const first = await ready(2);
    const names = (await get(wire, core(namespace, 'pods'))).items.map((o) => o.metadata.name).sort();
    assert.deepEqual(names, ['s-0', 's-1']);
    expect(await wire.patch(one, { spec: { template: { spec: { containers: [{ name: 'c', image: 'registry.example/j:2' }] } } } }, STRATEGIC), 200);
    const second = await eventually(async () => {
      const o = await ready(2);
      assert.notEqual(o.status.updateRevision, first.status.updateRevision);
      return o;
    });
    // Going back to what was gives the revision that was.
    expect(await wire.patch(one, { spec: { template: { spec: { containers: [{ name: 'c', image: 'registry.example/i:1' }] } } } }, STRATEGIC), 200);
    await eventually(async () => assert.equal((await ready(2)).status.updateRevision, first.status.updateRevision));
    assert.notEqual(second.status.updateRevision, first.status.updateRevision);
    // Pods that have failed come again under their names.
    const was = await get(wire, core(namespace, 'pods/s-0'));
    expect(await wire.patch(core(namespace, 'pods/s-0/status'), { status: { phase: 'Failed' } }), 200);
    await eventually(async () => assert.notEqual((await get(wire, core(namespace, 'pods/s-0'))).metadata.uid, was.metadata.uid));
  },

  async 'cronjob-suspended'(wire, namespace) {
    const all = batch(namespace, 'cronjobs');
    const spec = { schedule: '*/1 * * * ?', suspend: true, jobTemplate: { spec: { template: template(undefined, { restartPolicy: 'OnFailure' }) } } };
    expect(await wire.post(all, { metadata: { name: 'c' }, spec }), 201);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal((await get(wire, batch(namespace, 'jobs'))).items.length, 0);
    assert.equal((await get(wire, `${all}/c`)).status.active, undefined);
  },

  // Every namespace has the root certificate; taken away or changed it comes back.
  async 'root-certificate'(wire, namespace) {
    const one = core(namespace, 'configmaps/kube-root-ca.crt');
    const was = await eventually(async () => get(wire, one));
    expect(await wire.del(one), 200);
    await eventually(async () => assert.equal((await get(wire, one)).data['ca.crt'], was.data['ca.crt']));
    await update(wire, one, (o) => (o.data = { 'ca.crt': '' }));
    await eventually(async () => assert.equal((await get(wire, one)).data['ca.crt'], was.data['ca.crt']));
  },
};
