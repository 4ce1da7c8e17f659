// Discovery, pages, watches, namespaces, priority levels: what conformance tests of the API machinery ask of a server.
import assert from 'node:assert/strict';
import { eventually, expect, JSON_PATCH, MERGE, PROTOBUF, refused, STRATEGIC } from './wire.mjs';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const PAGED = 60;
const template = { template: { spec: { containers: [{ name: 'test', image: 'registry.example/i:1' }] } } };

// What every server serves: group, version, resource.
const SERVED = [
  ['', 'v1', 'namespaces'],
  ['admissionregistration.k8s.io', 'v1', 'validatingwebhookconfigurations'],
  ['admissionregistration.k8s.io', 'v1', 'mutatingwebhookconfigurations'],
  ['admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies'],
  ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions'],
  ['apiregistration.k8s.io', 'v1', 'apiservices'],
  ['apps', 'v1', 'deployments'],
  ['authentication.k8s.io', 'v1', 'tokenreviews'],
  ['authentication.k8s.io', 'v1', 'selfsubjectreviews'],
  ['authorization.k8s.io', 'v1', 'selfsubjectaccessreviews'],
  ['autoscaling', 'v1', 'horizontalpodautoscalers'],
  ['autoscaling', 'v2', 'horizontalpodautoscalers'],
  ['batch', 'v1', 'jobs'],
  ['certificates.k8s.io', 'v1', 'certificatesigningrequests'],
  ['coordination.k8s.io', 'v1', 'leases'],
  ['discovery.k8s.io', 'v1', 'endpointslices'],
  ['events.k8s.io', 'v1', 'events'],
  ['flowcontrol.apiserver.k8s.io', 'v1', 'flowschemas'],
  ['flowcontrol.apiserver.k8s.io', 'v1', 'prioritylevelconfigurations'],
  ['networking.k8s.io', 'v1', 'ingresses'],
  ['node.k8s.io', 'v1', 'runtimeclasses'],
  ['policy', 'v1', 'poddisruptionbudgets'],
  ['resource.k8s.io', 'v1', 'resourceclaims'],
  ['scheduling.k8s.io', 'v1', 'priorityclasses'],
  ['storage.k8s.io', 'v1', 'csinodes'],
];
const versionPath = (group, version) => (group ? `/apis/${group}/${version}` : `/api/${version}`);

function aggregatedHas(list, [group, version, resource]) {
  const found = list.items.find((g) => (g.metadata?.name ?? '') === group);
  return found?.versions.find((v) => v.version === version)?.resources.some((r) => r.resource === resource) ?? false;
}

// One object through all that a typed client of a cluster-wide kind with a status does; `c`: {all, object, change, seen,
// condition}: `seen` takes from an object what the change sets.
async function clusterWideLife(wire, c) {
  const label = `life-of=${c.name}`;
  const selected = `${c.all}?labelSelector=${encodeURIComponent(label)}`;
  const object = { ...c.object, metadata: { generateName: `${c.name}-`, labels: { 'life-of': c.name } } };
  const made = [];
  for (let i = 0; i < 3; i++) made.push(expect(await wire.post(c.all, object), 201));
  assert.equal(new Set(made.map((o) => o.metadata.name)).size, 3);
  const one = `${c.all}/${made[2].metadata.name}`;
  assert.equal(expect(await wire.get(one), 200).metadata.uid, made[2].metadata.uid);
  const list = expect(await wire.get(selected), 200);
  assert.equal(list.items.length, 3);
  const watch = wire.watch(`${selected}&resourceVersion=${list.metadata.resourceVersion}`);
  try {
    const patched = expect(await wire.patch(one, { metadata: { annotations: { patched: 'true' } }, ...c.change[0] }, MERGE), 200);
    assert.deepEqual([patched.metadata.annotations.patched, c.seen(patched)], ['true', c.seen(c.change[0])]);
    assert.ok(BigInt(patched.metadata.resourceVersion) > BigInt(made[2].metadata.resourceVersion));
    const read = await wire.get(one, { Accept: PROTOBUF });
    assert.equal(expect(await wire.put(one, read.bytes, { 'Content-Type': PROTOBUF }), 200).metadata.uid, made[2].metadata.uid);
    const merged = structuredClone(expect(await wire.get(one), 200));
    merged.metadata.annotations.updated = 'true';
    assert.equal(expect(await wire.put(one, c.update(merged)), 200).metadata.annotations.updated, 'true');
    await watch.until((e) => e.type === 'MODIFIED' && e.object.metadata.annotations?.patched === 'true', 'the patch');
    assert.equal(watch.events[0].type, 'MODIFIED', 'only what is behind the list');
  } finally {
    watch.stop();
  }
  if (c.status) await statusLife(wire, one, made[2]);
  assert.equal(expect(await wire.del(one, {}), 200).kind, 'Status');
  refused(await wire.get(one), 404, 'NotFound');
  assert.equal(expect(await wire.get(selected), 200).items.length, 2);
  expect(await wire.del(selected, {}), 200);
  assert.deepEqual(expect(await wire.get(selected), 200).items, []);
}

async function statusLife(wire, one, made) {
  const status = expect(await wire.get(`${one}/status`), 200);
  assert.deepEqual([status.kind, status.apiVersion, status.metadata.uid], [made.kind, made.apiVersion, made.metadata.uid]);
  const patch = { status: { conditions: [{ type: 'PatchedHere', status: 'False', reason: 'check', message: '', lastTransitionTime: '2025-01-02T03:04:05Z' }] } };
  const patched = expect(await wire.patch(`${one}/status`, patch, MERGE), 200);
  assert.ok(patched.status.conditions.some((x) => x.type === 'PatchedHere'));
  patched.status.conditions.push({ ...patch.status.conditions[0], type: 'UpdatedHere' });
  const updated = expect(await wire.put(`${one}/status`, patched), 200);
  assert.ok(updated.status.conditions.some((x) => x.type === 'UpdatedHere'));
}

async function pages(wire, where, limit, see) {
  let token = '';
  for (;;) {
    const list = expect(await wire.get(`${where}?limit=${limit}${token && `&continue=${encodeURIComponent(token)}`}`), 200);
    see(list);
    token = list.metadata.continue;
    if (!token) return;
  }
}

async function watchMaps(wire, namespace) {
  const all = `/api/v1/namespaces/${namespace}/configmaps`;
  const now = expect(await wire.get(all), 200).metadata.resourceVersion;
  const watch = (values, at = now) => wire.watch(`${all}?labelSelector=${encodeURIComponent(`watched in (${values})`)}&resourceVersion=${at}&timeoutSeconds=600&allowWatchBookmarks=true`);
  const map = (name, label) => ({ metadata: { name, labels: { watched: label } } });
  const mutate = (name, value) => wire.patch(`${all}/${name}`, { data: { mutation: value } }, MERGE);
  return { all, watch, map, mutate };
}
const seen = (w) => w.events.filter((e) => e.type !== 'BOOKMARK').map((e) => `${e.type} ${e.object.metadata.name} ${e.object.data?.mutation ?? '-'}`);

export const checks = {
  async 'discovery/aggregated'(wire) {
    const lists = {};
    for (const root of ['/api', '/apis']) {
      const answer = await wire.get(root, { Accept: AGGREGATED });
      lists[root] = expect(answer, 200);
      assert.equal(lists[root].kind, 'APIGroupDiscoveryList');
      assert.match(answer.headers['content-type'], /g=apidiscovery\.k8s\.io;v=v2;as=APIGroupDiscoveryList/);
    }
    for (const one of SERVED) assert.ok(aggregatedHas(lists[one[0] ? '/apis' : '/api'], one), one.join(' '));
    // as client-go asks: the newest form it knows first, the plain one last
    const asked = await wire.get('/apis', { Accept: `${AGGREGATED},application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json` });
    assert.equal(expect(asked, 200).apiVersion, 'apidiscovery.k8s.io/v2');
    assert.match(asked.headers.etag, /^".+"$/);
    assert.equal((await wire.get('/apis', { Accept: AGGREGATED, 'If-None-Match': asked.headers.etag })).code, 304);
  },

  async 'discovery/groups'(wire) {
    const groups = expect(await wire.get('/apis'), 200).groups;
    for (const group of groups) {
      if (/\.example\.(com|org)$/.test(group.name)) continue; // those of other checks come and go
      const own = expect(await wire.get(`/apis/${group.name}`), 200);
      assert.deepEqual([own.kind, own.name, own.versions], ['APIGroup', group.name, group.versions]);
      assert.ok(own.preferredVersion.groupVersion, group.name);
      assert.ok(own.versions.some((v) => v.groupVersion === own.preferredVersion.groupVersion), group.name);
      assert.equal(own.preferredVersion.groupVersion, `${group.name}/${own.preferredVersion.version}`);
    }
    for (const [group, version, resource] of SERVED) {
      const list = expect(await wire.get(versionPath(group, version)), 200);
      assert.equal(list.kind, 'APIResourceList');
      assert.equal(list.groupVersion, group ? `${group}/${version}` : version);
      assert.ok(list.resources.some((r) => r.name === resource), resource);
      if (group) assert.ok(groups.find((g) => g.name === group).versions.some((v) => v.version === version));
    }
    const flow = expect(await wire.get('/apis/flowcontrol.apiserver.k8s.io/v1'), 200).resources.map((r) => r.name);
    for (const name of ['flowschemas/status', 'prioritylevelconfigurations/status']) assert.ok(flow.includes(name), name);
    const admission = expect(await wire.get('/apis/admissionregistration.k8s.io/v1'), 200).resources.map((r) => r.name);
    for (const name of ['validatingadmissionpolicies/status', 'validatingadmissionpolicybindings']) assert.ok(admission.includes(name), name);
  },

  async 'server-version'(wire) {
    const version = expect(await wire.get('/version'), 200);
    assert.match(version.major, /^\d+$/);
    assert.match(version.minor, /^\d+$/);
  },

  async 'table/reviews-are-none'(wire) {
    const review = { spec: { nonResourceAttributes: { path: '/', verb: 'get' } } };
    const asked = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    refused(await wire.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review, asked), 406, 'NotAcceptable');
  },

  async 'pages/whole'(wire, namespace) {
    const all = `/api/v1/namespaces/${namespace}/podtemplates`;
    const name = (i) => `template-${String(i).padStart(4, '0')}`;
    const order = Array.from({ length: PAGED }, (_, i) => i).sort((a, b) => ((a * 7) % 11) - ((b * 7) % 11));
    await Promise.all(order.map(async (i) => expect(await wire.post(all, { metadata: { name: name(i) }, ...template }), 201)));
    let found = 0;
    let at;
    await pages(wire, all, 17, (list) => {
      assert.ok(list.items.length <= 17);
      at ??= list.metadata.resourceVersion;
      assert.equal(list.metadata.resourceVersion, at);
      if (list.metadata.continue) assert.equal(list.metadata.remainingItemCount + list.items.length + found, PAGED);
      else assert.equal(list.metadata.remainingItemCount, undefined);
      for (const item of list.items) assert.equal(item.metadata.name, name(found++));
    });
    assert.equal(found, PAGED);
    assert.equal(expect(await wire.get(`${all}?limit=${PAGED + 1}`), 200).items.length, PAGED);
    // what changes meanwhile does not show in later pages
    const first = expect(await wire.get(`${all}?limit=10`), 200);
    expect(await wire.del(`${all}/${name(15)}`, {}), 200);
    expect(await wire.post(all, { metadata: { name: 'template-0010-new' }, ...template }), 201);
    const rest = expect(await wire.get(`${all}?continue=${encodeURIComponent(first.metadata.continue)}`), 200);
    assert.equal(rest.items.length, PAGED - 10);
    assert.equal(rest.items[5].metadata.name, name(15));
    refused(await wire.get(`${all}?continue=x`), 400, 'BadRequest');
  },

  async 'watch/selectors'(wire, namespace) {
    const { all, watch, map, mutate } = await watchMaps(wire, namespace);
    const [a, b, both] = [watch('a'), watch('b'), watch('a,b')];
    expect(await wire.post(all, map('of-a', 'a')), 201);
    for (const value of ['1', '2']) expect(await mutate('of-a', value), 200);
    expect(await wire.del(`${all}/of-a`, {}), 200);
    expect(await wire.post(all, map('of-b', 'b')), 201);
    expect(await wire.del(`${all}/of-b`, {}), 200);
    const life = ['ADDED of-a -', 'MODIFIED of-a 1', 'MODIFIED of-a 2', 'DELETED of-a 2'];
    await both.until((e) => e.type === 'DELETED' && e.object.metadata.name === 'of-b', 'the end of the second');
    await b.until((e) => e.type === 'DELETED', 'the end of the second');
    await a.until((e) => e.type === 'DELETED', 'the end of the first');
    assert.deepEqual(seen(a), life);
    assert.deepEqual(seen(b), ['ADDED of-b -', 'DELETED of-b -']);
    assert.deepEqual(seen(both), [...life, ...seen(b)]);
    [a, b, both].forEach((w) => w.stop());
  },

  async 'watch/label-changes'(wire, namespace) {
    const { all, watch, map, mutate } = await watchMaps(wire, namespace);
    const w = watch('kept');
    const label = (value) => wire.patch(`${all}/moves`, { metadata: { labels: { watched: value } } }, MERGE);
    expect(await wire.post(all, map('moves', 'kept')), 201);
    expect(await mutate('moves', '1'), 200);
    expect(await label('lost'), 200);
    expect(await mutate('moves', '2'), 200);
    expect(await label('kept'), 200);
    expect(await mutate('moves', '3'), 200);
    expect(await wire.del(`${all}/moves`, {}), 200);
    await w.until((e) => e.type === 'DELETED' && e.object.data.mutation === '3', 'the end');
    assert.deepEqual(seen(w), ['ADDED moves -', 'MODIFIED moves 1', 'DELETED moves 1', 'ADDED moves 2', 'MODIFIED moves 3', 'DELETED moves 3']);
    w.stop();
  },

  async 'watch/from-a-revision'(wire, namespace) {
    const { all, watch, map, mutate } = await watchMaps(wire, namespace);
    expect(await wire.post(all, map('m', 'x')), 201);
    const first = expect(await mutate('m', '1'), 200);
    expect(await mutate('m', '2'), 200);
    expect(await wire.del(`${all}/m`, {}), 200);
    const w = watch('x', first.metadata.resourceVersion);
    await w.until((e) => e.type === 'DELETED', 'the end');
    assert.deepEqual(seen(w), ['MODIFIED m 2', 'DELETED m 2']);
    const again = watch('x', w.events[0].object.metadata.resourceVersion);
    await again.until((e) => e.type === 'DELETED', 'the end');
    assert.deepEqual(seen(again), ['DELETED m 2']);
    [w, again].forEach((x) => x.stop());
  },

  async 'watch/same-order'(wire, namespace) {
    const { all, map, mutate } = await watchMaps(wire, namespace);
    const from = expect(await wire.get(all), 200).metadata.resourceVersion;
    const watches = [wire.watch(`${all}?resourceVersion=${from}`)];
    for (let i = 0; i < 30; i++) {
      expect(i % 3 === 0 ? await wire.post(all, map(`m${i}`, 'x')) : i % 3 === 1 ? await mutate(`m${i - 1}`, `${i}`) : await wire.del(`${all}/m${i - 2}`, {}), i % 3 === 0 ? 201 : 200);
      const last = watches[0].events.at(-1);
      if (last && i % 4 === 0) watches.push(wire.watch(`${all}?resourceVersion=${last.object.metadata.resourceVersion}`));
    }
    const revisions = (w) => w.events.map((e) => e.object.metadata.resourceVersion);
    for (const w of watches) await w.until((e) => e.type === 'DELETED' && e.object.metadata.name === 'm27', 'the last');
    for (const w of watches) assert.deepEqual(revisions(w), revisions(watches[0]).slice(-w.events.length));
    watches.forEach((w) => w.stop());
  },

  async 'flow/schemas'(wire) {
    const object = {
      spec: {
        matchingPrecedence: 10000,
        priorityLevelConfiguration: { name: 'global-default' },
        distinguisherMethod: { type: 'ByUser' },
        rules: [{ subjects: [{ kind: 'User', user: { name: 'nobody-here' } }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }],
      },
    };
    const precedence = (n) => ({ spec: { matchingPrecedence: n } });
    await clusterWideLife(wire, {
      name: 'flow', all: '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', object, status: true,
      change: [precedence(9999)], seen: (o) => o.spec.matchingPrecedence,
      update: (o) => ({ ...o, spec: { ...o.spec, matchingPrecedence: 9000 } }),
    });
  },

  async 'flow/levels'(wire) {
    const shares = (n) => ({ spec: { limited: { nominalConcurrencyShares: n } } });
    await clusterWideLife(wire, {
      name: 'level', all: '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations', status: true,
      object: { spec: { type: 'Limited', limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } } } },
      change: [shares(4)], seen: (o) => o.spec.limited.nominalConcurrencyShares,
      update: (o) => ({ ...o, spec: { ...o.spec, limited: { ...o.spec.limited, nominalConcurrencyShares: 6 } } }),
    });
  },

  async 'policies/policies'(wire) {
    await clusterWideLife(wire, {
      name: 'policy', all: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies', status: true,
      object: {
        spec: {
          matchConstraints: { namespaceSelector: { matchLabels: { none: 'such' } }, resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }] },
          validations: [{ expression: 'object.spec.replicas > 1', messageExpression: "'wants more than ' + string(object.spec.replicas)" }],
          failurePolicy: 'Fail',
        },
      },
      change: [{ spec: { failurePolicy: 'Ignore' } }], seen: (o) => o.spec.failurePolicy,
      update: (o) => ({ ...o, spec: { ...o.spec, variables: [{ name: 'replicas', expression: 'object.spec.replicas' }] } }),
    });
  },

  async 'policies/bindings'(wire) {
    await clusterWideLife(wire, {
      name: 'binding', all: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
      object: { spec: { policyName: 'replicalimit-policy.example.com', validationActions: ['Deny'], matchResources: { namespaceSelector: { matchLabels: { none: 'such' } } } } },
      change: [{ spec: { validationActions: ['Warn'] } }], seen: (o) => o.spec.validationActions[0],
      update: (o) => ({ ...o, spec: { ...o.spec, matchResources: { objectSelector: { matchLabels: { a: 'b' } } } } }),
    });
  },

  async 'namespaces/finalize'(wire) {
    const name = 'with-a-finalizer';
    const one = `/api/v1/namespaces/${name}`;
    const made = expect(await wire.post('/api/v1/namespaces', { metadata: { name } }), 201);
    assert.deepEqual(made.spec.finalizers, ['kubernetes']);
    assert.equal(made.metadata.labels['kubernetes.io/metadata.name'], name);
    made.spec.finalizers.push('checks.example.com/held');
    assert.deepEqual(expect(await wire.put(`${one}/finalize`, made), 200).spec.finalizers, made.spec.finalizers);
    const bytes = (await wire.get(one, { Accept: PROTOBUF })).bytes; // a typed client sends it back as it came
    assert.deepEqual(expect(await wire.put(`${one}/finalize`, bytes, { 'Content-Type': PROTOBUF }), 200).spec.finalizers, made.spec.finalizers);
    const now = expect(await wire.get(one), 200);
    now.spec.finalizers = ['kubernetes'];
    assert.deepEqual(expect(await wire.put(`${one}/finalize`, now), 200).spec.finalizers, ['kubernetes']);
    expect(await wire.patch(one, { metadata: { labels: { testLabel: 'testValue' } } }, STRATEGIC), 200);
    const patched = expect(await wire.get(one), 200);
    assert.equal(patched.metadata.labels.testLabel, 'testValue');
    patched.metadata.labels[name] = 'updated';
    assert.equal(expect(await wire.put(one, patched), 200).metadata.labels[name], 'updated');
    await wire.del(one, {});
  },

  async 'namespaces/status'(wire, namespace) {
    const status = `/api/v1/namespaces/${namespace}/status`;
    assert.equal(expect(await wire.get(status), 200).status.phase, 'Active');
    const condition = (type) => ({ type, status: 'True', reason: 'Checked', message: 'set by a check' });
    const patched = expect(await wire.patch(status, { metadata: { annotations: { 'checks.example.com/patched': 'yes' } }, status: { conditions: [condition('Patched')] } }, MERGE), 200);
    assert.equal(patched.metadata.annotations['checks.example.com/patched'], 'yes');
    assert.deepEqual(patched.status.conditions.map((c) => c.message), ['set by a check']);
    patched.status.conditions.push(condition('Updated'));
    const updated = expect(await wire.put(status, patched), 200);
    assert.deepEqual(updated.status.conditions.map((c) => c.type), ['Patched', 'Updated']);
    assert.equal(updated.status.phase, 'Active');
  },

  async 'apiservices/life'(wire) {
    const services = '/apis/apiregistration.k8s.io/v1/apiservices';
    const list = expect(await wire.get(services), 200).items.map((o) => o.metadata.name);
    for (const name of ['v1.', 'v1.apps', 'v1.batch', 'v2.autoscaling', 'v1.resource.k8s.io']) assert.ok(list.includes(name), name);
    const one = expect(await wire.get(`${services}/v1.apps`), 200);
    assert.deepEqual(one.status.conditions.map((c) => [c.type, c.status]), [['Available', 'True']]);
    const patched = expect(await wire.patch(`${services}/v1.apps`, [{ op: 'add', path: '/metadata/annotations', value: { a: 'b' } }], JSON_PATCH), 200);
    assert.equal(patched.metadata.annotations.a, 'b');
    await eventually(async () => assert.equal(expect(await wire.get(`${services}/v1.apps`), 200).metadata.uid, one.metadata.uid));
  },
};
