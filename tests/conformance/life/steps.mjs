// The life of an object, step by step, the same for every kind: what Kubernetes' conformance tests ask of each API, and
// what generic clients (informers, controllers, kubectl) rely on. `c` is one kind: see `describe` in ../life.mjs.
import assert from 'node:assert/strict';
import { APPLY, eventually, expect, JSON_PATCH, MERGE, PROTOBUF, refused, STRATEGIC } from './wire.mjs';

const UID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const PARTIAL = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const PARTIALS = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const clone = (value) => structuredClone(value);

// Is every leaf of the patch in the value?
function holds(value, patch, where = '') {
  for (const [key, want] of Object.entries(patch)) {
    const have = value?.[key];
    if (Array.isArray(want)) {
      assert.ok(Array.isArray(have) && have.length >= want.length, `${where}${key} is ${JSON.stringify(have)}`);
      want.forEach((one, i) => (typeof one === 'object' ? holds(have.find((h) => same(h, one)) ?? have[i], one, `${where}${key}[${i}].`) : assert.equal(have[i], one)));
    } else if (typeof want === 'object') holds(have, want, `${where}${key}.`);
    else assert.equal(have, want, `${where}${key}`);
  }
}
const same = (a, b) => (b.type !== undefined ? a?.type === b.type : a?.name === b.name);

const canonical = (object) => {
  const copy = clone(object);
  delete copy.metadata.managedFields;
  return copy;
};

export const steps = {
  async discovery(c) {
    for (const verb of ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'])
      if (verb !== 'deletecollection' || c.resource !== 'namespaces') assert.ok(c.verbs.includes(verb), `no verb ${verb}`);
  },

  async create(c) {
    const made = expect(await c.wire.post(c.all, c.object('a')), 201);
    c.made = made;
    assert.equal(made.kind, c.kind);
    assert.equal(made.apiVersion, c.version);
    assert.match(made.metadata.uid, UID);
    assert.match(made.metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(made.metadata.resourceVersion, /^[1-9]\d*$/);
    if (c.namespaced) assert.equal(made.metadata.namespace, c.namespace);
    else assert.equal(made.metadata.namespace, undefined);
    assert.equal(made.metadata.managedFields?.[0]?.operation, 'Update');
    refused(await c.wire.post(c.all, c.object('a')), 409, 'AlreadyExists', / already exists$/);
  },

  async read(c) {
    const read = expect(await c.wire.get(c.one('a')), 200);
    if (!c.foreign) assert.deepEqual(read, c.made);
    const status = refused(await c.wire.get(c.one('none')), 404, 'NotFound', / not found$/);
    assert.equal(status.details.kind, c.resource);
  },

  async list(c) {
    expect(await c.wire.post(c.all, c.object('b')), 201);
    for (const where of c.namespaced ? [c.all, c.everywhere] : [c.all]) {
      const list = expect(await c.wire.get(`${where}?labelSelector=${c.label}`), 200);
      assert.equal(list.kind, `${c.kind}List`);
      assert.equal(list.apiVersion, c.version);
      assert.match(list.metadata.resourceVersion, /^[1-9]\d*$/);
      assert.deepEqual(list.items.map((o) => o.metadata.name).sort(), [c.name('a'), c.name('b')].sort());
      assert.equal(list.items[0].kind, undefined, 'items of lists carry no kind');
    }
    const other = expect(await c.wire.get(`${c.all}?labelSelector=${c.label}none`), 200);
    assert.deepEqual(other.items, []);
  },

  async 'list-by-name'(c) {
    const list = expect(await c.wire.get(`${c.all}?fieldSelector=metadata.name%3D${encodeURIComponent(c.name('b'))}`), 200);
    assert.deepEqual(list.items.map((o) => o.metadata.name), [c.name('b')]);
    refused(await c.wire.get(`${c.all}?fieldSelector=spec.nothing%3Dx`), 400, 'BadRequest');
  },

  async 'list-pages'(c) {
    const first = expect(await c.wire.get(`${c.all}?labelSelector=${c.label}&limit=1`), 200);
    assert.equal(first.items.length, 1);
    assert.ok(first.metadata.continue);
    const next = `${c.all}?labelSelector=${c.label}&limit=1&continue=${encodeURIComponent(first.metadata.continue)}`;
    const second = expect(await c.wire.get(next), 200);
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion, 'pages are of one revision');
    assert.equal(second.items.length, 1);
    assert.notEqual(second.items[0].metadata.name, first.items[0].metadata.name);
  },

  async 'list-revisions'(c) {
    const list = expect(await c.wire.get(`${c.all}?labelSelector=${c.label}`), 200);
    const at = list.metadata.resourceVersion;
    for (const query of ['resourceVersion=0', `resourceVersion=${at}`, `resourceVersion=${at}&resourceVersionMatch=NotOlderThan`, `resourceVersion=${at}&resourceVersionMatch=Exact`])
      assert.equal(expect(await c.wire.get(`${c.all}?labelSelector=${c.label}&${query}`), 200, query).items.length, 2, query);
    const exact = expect(await c.wire.get(`${c.all}?labelSelector=${c.label}&resourceVersion=${at}&resourceVersionMatch=Exact`), 200);
    assert.equal(exact.metadata.resourceVersion, at);
    refused(await c.wire.get(`${c.all}?resourceVersionMatch=Exact`), 422, 'Invalid');
  },

  async 'watch-start'(c) {
    const now = expect(await c.wire.get(`${c.all}?labelSelector=${c.label}`), 200).metadata.resourceVersion;
    c.watching = c.wire.watch(`${c.all}?labelSelector=${c.label}&resourceVersion=${now}&timeoutSeconds=600&allowWatchBookmarks=true`);
    const initial = c.wire.watch(`${c.all}?labelSelector=${c.label}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=600`);
    try {
      const mark = await initial.until((e) => e.type === 'BOOKMARK', 'the bookmark behind the initial events');
      assert.equal(mark.object.metadata.annotations['k8s.io/initial-events-end'], 'true');
      assert.equal(mark.object.kind, c.kind);
      assert.deepEqual(initial.events.slice(0, 2).map((e) => e.type), ['ADDED', 'ADDED']);
    } finally {
      initial.stop();
    }
    const anew = c.wire.watch(`${c.everywhere}?labelSelector=${c.label}&timeoutSeconds=600`);
    await anew.until((e) => e.type === 'ADDED' && e.object.metadata.name === c.name('b'), 'what is there at the start');
    anew.stop();
  },

  async 'patch-merge'(c) {
    const patched = expect(await c.wire.patch(c.one('a'), { metadata: { annotations: { patched: 'merge' } } }, MERGE), 200);
    assert.equal(patched.metadata.annotations.patched, 'merge');
    assert.equal(patched.metadata.uid, c.made.metadata.uid);
    await c.watching.until((e) => e.type === 'MODIFIED' && e.object.metadata.annotations?.patched === 'merge', 'the patch');
    refused(await c.wire.patch(c.one('a'), { metadata: { resourceVersion: c.made.metadata.resourceVersion, annotations: { never: '1' } } }), 409, 'Conflict');
  },

  async 'patch-strategic'(c) {
    const patched = expect(await c.wire.patch(c.one('a'), { metadata: { annotations: { patched: 'strategic' }, labels: { more: 'l' } } }, STRATEGIC), 200);
    assert.equal(patched.metadata.annotations.patched, 'strategic');
    await c.watching.until((e) => e.type === 'MODIFIED' && e.object.metadata.labels.more === 'l', 'the patch');
  },

  async 'patch-json'(c) {
    const operations = [
      { op: 'test', path: '/metadata/annotations/patched', value: 'strategic' },
      { op: 'replace', path: '/metadata/annotations/patched', value: 'json' },
    ];
    const patched = expect(await c.wire.patch(c.one('a'), operations, JSON_PATCH), 200);
    assert.equal(patched.metadata.annotations.patched, 'json');
    refused(await c.wire.patch(c.one('a'), operations, JSON_PATCH), 422, 'Invalid');
  },

  async change(c) {
    if (!c.change) return;
    const before = expect(await c.wire.get(c.one('a')), 200);
    const changed = expect(await c.wire.patch(c.one('a'), c.change, MERGE), 200);
    holds(changed, c.change);
    if (before.metadata.generation !== undefined && !c.foreign) assert.equal(changed.metadata.generation, before.metadata.generation + 1, 'generation');
  },

  async update(c) {
    const read = expect(await c.wire.get(c.one('a')), 200);
    read.metadata.annotations.updated = 'true';
    const updated = expect(await c.wire.put(c.one('a'), read), 200);
    assert.equal(updated.metadata.annotations.updated, 'true');
    assert.notEqual(updated.metadata.resourceVersion, read.metadata.resourceVersion);
    await c.watching.until((e) => e.type === 'MODIFIED' && e.object.metadata.annotations?.updated, 'the update');
    refused(await c.wire.put(c.one('a'), read), 409, 'Conflict', /the object has been modified; please apply your changes to the latest version and try again/);
  },

  async 'update-unchanged'(c) {
    const read = expect(await c.wire.get(c.one('a')), 200);
    const again = expect(await c.wire.put(c.one('a'), read), 200);
    assert.deepEqual(again, read);
  },

  async 'update-wrong'(c) {
    const read = expect(await c.wire.get(c.one('a')), 200);
    refused(await c.wire.put(c.one('b'), read), 400, 'BadRequest');
    refused(await c.wire.put(c.one('a'), { ...read, kind: 'Nothing' }), 400, 'BadRequest');
    const absent = await c.wire.put(c.one('none'), c.object('none'));
    if (c.upserts) {
      expect(absent, 201);
      expect(await c.wire.del(c.one('none')), 200);
    } else refused(absent, 404, 'NotFound');
    const uid = { ...read, metadata: { ...read.metadata, uid: '00000000-0000-4000-8000-000000000000' } };
    refused(await c.wire.put(c.one('a'), uid), 409, 'Conflict');
    if (c.namespaced) {
      const elsewhere = { ...c.object('x'), metadata: { ...c.object('x').metadata, namespace: 'elsewhere' } };
      refused(await c.wire.post(c.all, elsewhere), 400, 'BadRequest', /does not match the namespace/);
    }
  },

  async 'wrong-names'(c) {
    const bad = c.object('a');
    bad.metadata.name = 'No/Good';
    refused(await c.wire.post(c.all, bad), 422, 'Invalid');
    delete bad.metadata.name;
    refused(await c.wire.post(c.all, bad), 422, 'Invalid');
  },

  async 'wrong-methods'(c) {
    refused(await c.wire.call('PATCH', c.all, {}, { 'Content-Type': MERGE }), 405, 'MethodNotAllowed');
    refused(await c.wire.post(c.one('a'), {}), 405, 'MethodNotAllowed');
    refused(await c.wire.put(c.all, {}), 405, 'MethodNotAllowed');
  },

  async 'dry-run'(c) {
    const before = expect(await c.wire.get(c.one('a')), 200);
    const dry = expect(await c.wire.post(`${c.all}?dryRun=All`, c.object('c')), 201);
    assert.match(dry.metadata.uid, UID);
    expect(await c.wire.get(c.one('c')), 404);
    const patched = expect(await c.wire.patch(`${c.one('a')}?dryRun=All`, { metadata: { annotations: { dry: 'yes' } } }), 200);
    assert.equal(patched.metadata.annotations.dry, 'yes');
    expect(await c.wire.del(`${c.one('a')}?dryRun=All`), 200);
    const after = expect(await c.wire.get(c.one('a')), 200);
    if (!c.foreign) assert.deepEqual(after, before);
  },

  async strict(c) {
    const odd = { ...c.object('c'), nothing: 1 };
    refused(await c.wire.post(`${c.all}?fieldValidation=Strict&dryRun=All`, odd), 400, 'BadRequest', /strict decoding error: unknown field "nothing"/);
    const warned = await c.wire.post(`${c.all}?dryRun=All`, odd);
    expect(warned, 201);
    assert.match(warned.headers.warning ?? '', /299 - "unknown field \\"nothing\\""/);
    const twice = JSON.stringify(odd).replace('"nothing":1', '"metadata":{},"kind":"x"');
    refused(await c.wire.post(`${c.all}?fieldValidation=Strict&dryRun=All`, twice), 400, 'BadRequest');
    const ignored = await c.wire.post(`${c.all}?fieldValidation=Ignore&dryRun=All`, odd);
    assert.doesNotMatch(ignored.headers.warning ?? '', /unknown field/);
  },

  async status(c) {
    if (!c.subresources.includes('status')) return;
    const where = `${c.one('a')}/status`;
    expect(await c.wire.get(where), 200);
    const patch = { metadata: { annotations: { patchedstatus: 'true' } }, ...(c.status ?? {}) };
    const patched = expect(await c.wire.patch(where, patch, MERGE), 200);
    if (c.status) holds(patched, c.status);
    const read = expect(await c.wire.get(where), 200);
    const updated = expect(await c.wire.put(where, read), 200);
    if (c.status) holds(updated, c.status);
    const plain = expect(await c.wire.get(c.one('a')), 200);
    if (c.status) holds(plain, c.status);
    if (!c.status || c.opens) return;
    // The object's own endpoint cannot take the status away, and the status' endpoint cannot change the rest.
    const { status, ...rest } = plain;
    const kept = expect(await c.wire.put(c.one('a'), rest), 200);
    if (!c.foreign) assert.deepEqual(kept.status, status);
    if (c.change?.spec) {
      const before = expect(await c.wire.get(c.one('a')), 200);
      const odd = expect(await c.wire.patch(where, { spec: null }, MERGE), 200);
      assert.deepEqual(odd.spec, before.spec);
    }
  },

  async scale(c) {
    if (!c.subresources.includes('scale')) return;
    const where = `${c.one('a')}/scale`;
    const scale = expect(await c.wire.get(where), 200);
    assert.equal(scale.kind, 'Scale');
    assert.equal(scale.apiVersion, 'autoscaling/v1');
    assert.equal(scale.metadata.name, c.name('a'));
    assert.equal(scale.metadata.uid, c.made.metadata.uid);
    assert.match(scale.status.selector, /^app=a$/);
    scale.spec.replicas = 2;
    assert.equal(expect(await c.wire.put(where, scale), 200).spec.replicas, 2);
    refused(await c.wire.put(where, scale), 409, 'Conflict');
    assert.equal(expect(await c.wire.patch(where, { spec: { replicas: 4 } }, MERGE), 200).spec.replicas, 4);
    assert.equal(expect(await c.wire.patch(where, { spec: { replicas: 3 } }, STRATEGIC), 200).spec.replicas, 3);
    assert.equal(expect(await c.wire.get(c.one('a')), 200).spec.replicas, 3);
  },

  async table(c) {
    for (const where of [`${c.all}?labelSelector=${c.label}`, c.one('a')]) {
      const table = expect(await c.wire.get(where, { Accept: TABLE }), 200);
      assert.equal(table.kind, 'Table');
      assert.equal(table.apiVersion, 'meta.k8s.io/v1');
      assert.ok(table.columnDefinitions.some((d) => d.format === 'name') || c.resource === 'events', 'no column is the name');
      assert.ok(table.rows.length > 0);
      for (const row of table.rows) {
        assert.equal(row.cells.length, table.columnDefinitions.length);
        assert.equal(row.object.kind, 'PartialObjectMetadata');
      }
    }
  },

  async 'metadata-alone'(c) {
    const list = expect(await c.wire.get(`${c.all}?labelSelector=${c.label}`, { Accept: PARTIALS }), 200);
    assert.equal(list.kind, 'PartialObjectMetadataList');
    assert.equal(list.apiVersion, 'meta.k8s.io/v1');
    assert.equal(list.items.length, 2);
    const one = expect(await c.wire.get(c.one('a'), { Accept: PARTIAL }), 200);
    assert.deepEqual(Object.keys(one).sort(), ['apiVersion', 'kind', 'metadata']);
    assert.equal(one.metadata.uid, c.made.metadata.uid);
  },

  async protobuf(c) {
    const read = await c.wire.get(c.one('a'), { Accept: `${PROTOBUF},application/json` });
    assert.equal(read.code, 200);
    assert.equal(read.headers['content-type'], PROTOBUF);
    assert.equal(read.bytes.subarray(0, 4).toString('latin1'), 'k8s\0');
    const again = await c.wire.put(c.one('a'), read.bytes, { 'Content-Type': PROTOBUF });
    const before = expect(await c.wire.get(c.one('a')), 200);
    const after = expect(again, 200);
    if (!c.foreign) assert.deepEqual(after, before, 'what protobuf carries there and back stays as it is');
    const list = await c.wire.get(`${c.all}?labelSelector=${c.label}`, { Accept: PROTOBUF });
    assert.equal(list.headers['content-type'], PROTOBUF);
  },

  async yaml(c) {
    const read = await c.wire.get(c.one('a'), { Accept: 'application/yaml' });
    assert.equal(read.code, 200);
    assert.equal(read.headers['content-type'], 'application/yaml');
    const again = expect(await c.wire.put(c.one('a'), read.bytes, { 'Content-Type': 'application/yaml' }), 200);
    const now = expect(await c.wire.get(c.one('a')), 200);
    if (!c.foreign) assert.deepEqual(canonical(again), canonical(now));
  },

  async apply(c) {
    const mine = c.object('d');
    mine.metadata.annotations = { owner: 'one' };
    const where = (manager, force) => `${c.one('d')}?fieldManager=${manager}${force ? '&force=true' : ''}`;
    const made = expect(await c.wire.patch(where('one'), mine, APPLY), 201);
    const entry = made.metadata.managedFields.find((m) => m.manager === 'one');
    assert.equal(entry.operation, 'Apply');
    assert.equal(entry.apiVersion, c.version);
    assert.deepEqual(entry.fieldsV1['f:metadata']['f:annotations'], { 'f:owner': {} });
    const same = expect(await c.wire.patch(where('one'), mine, APPLY), 200);
    if (!c.foreign) assert.equal(same.metadata.resourceVersion, made.metadata.resourceVersion, 'nothing changed');
    const theirs = { apiVersion: mine.apiVersion, kind: mine.kind, metadata: { name: mine.metadata.name, annotations: { owner: 'two' } } };
    const needed = Object.fromEntries(Object.entries(mine).filter(([key]) => !['metadata'].includes(key)));
    const conflict = refused(await c.wire.patch(where('two'), { ...needed, ...theirs }, APPLY), 409, 'Conflict', /Apply failed with \d+ conflicts?/);
    assert.equal(conflict.details.causes[0].reason, 'FieldManagerConflict');
    const forced = expect(await c.wire.patch(where('two', true), { ...needed, ...theirs }, APPLY), 200);
    assert.equal(forced.metadata.annotations.owner, 'two');
  },

  async 'generate-name'(c) {
    if (c.fixed) return;
    const nameless = c.object('e');
    delete nameless.metadata.name;
    nameless.metadata.generateName = 'gen-';
    const made = expect(await c.wire.post(c.all, nameless), 201);
    assert.match(made.metadata.name, /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(await c.wire.del(`${c.all}/${made.metadata.name}`, { propagationPolicy: 'Background' }), 200);
    await c.finish('e', made.metadata.name);
  },

  async 'delete-preconditions'(c) {
    const options = (preconditions) => ({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions });
    refused(await c.wire.del(c.one('a'), options({ uid: '00000000-0000-4000-8000-000000000000' })), 409, 'Conflict');
    refused(await c.wire.del(c.one('a'), options({ resourceVersion: '1' })), 409, 'Conflict');
    refused(await c.wire.del(c.one('a'), { propagationPolicy: 'Nothing' }), 422, 'Invalid');
    expect(await c.wire.get(c.one('a')), 200);
  },

  async delete(c) {
    expect(await c.wire.patch(c.one('a'), { metadata: { finalizers: ['example.com/life'] } }), 200);
    const held = expect(await c.wire.del(c.one('a'), { propagationPolicy: 'Background' }), 200);
    assert.ok(held.metadata.deletionTimestamp);
    assert.ok(held.metadata.finalizers.includes('example.com/life'));
    await c.finish('a');
    await c.watching.until((e) => e.type === 'DELETED' && e.object.metadata.uid === c.made.metadata.uid, 'the deletion');
    refused(await c.wire.get(c.one('a')), 404, 'NotFound');
    refused(await c.wire.del(c.one('a')), 404, 'NotFound');
  },

  async 'delete-collection'(c) {
    if (c.resource === 'namespaces') {
      for (const letter of ['b', 'd']) expect(await c.wire.del(c.one(letter)), 200);
    } else expect(await c.wire.del(`${c.all}?labelSelector=${c.label}`, { propagationPolicy: 'Background' }), 200);
    for (const letter of ['b', 'd']) await c.finish(letter);
    const none = await eventually(async () => {
      const list = expect(await c.wire.get(`${c.all}?labelSelector=${c.label}`), 200);
      assert.deepEqual(list.items.map((o) => o.metadata.name), []);
      return list;
    });
    assert.ok(Array.isArray(none.items));
    await c.watching.until((e) => e.type === 'DELETED' && e.object.metadata.name === c.name('b'), 'the deletion of the others');
  },

  async 'watch-order'(c) {
    const seen = c.watching.events.filter((e) => ['ADDED', 'MODIFIED', 'DELETED'].includes(e.type));
    let last = 0n;
    for (const e of seen) {
      const at = BigInt(e.object.metadata.resourceVersion);
      assert.ok(at > last, `revision ${at} behind ${last}`);
      last = at;
      assert.equal(e.object.kind, c.kind);
      assert.equal(e.object.apiVersion, c.version);
    }
    assert.equal(c.watching.ended, false, 'the watch is still there');
    c.watching.stop();
  },
};
