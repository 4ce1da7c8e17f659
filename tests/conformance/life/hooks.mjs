// Webhooks of admission and of conversion, as a server on this machine answers them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import { APPLY, eventually, expect, MERGE, refused } from './wire.mjs';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const pem = fs.readFileSync(new URL('hooks.pem', import.meta.url), 'utf8');
const part = (name) => pem.match(new RegExp(`-----BEGIN ${name}-----[^]*?-----END ${name}-----\n`))[0];

// A server that answers reviews by path; what it was asked is kept by path too. Ended by `during`'s end.
async function serving(paths, during) {
  const asked = {};
  const server = https.createServer({ cert: part('CERTIFICATE'), key: part('PRIVATE KEY') }, (request, response) => {
    const pieces = [];
    const where = new URL(request.url, 'https://x').pathname.slice(1);
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', async () => {
      const review = JSON.parse(Buffer.concat(pieces).toString());
      (asked[where] ??= []).push({ ...review.request, timeout: new URL(request.url, 'https://x').searchParams.get('timeout') });
      const answer = await paths[where](review.request);
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid: review.request.uid, ...answer } }));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const config = (where) => ({ url: `https://127.0.0.1:${server.address().port}/${where}`, caBundle: Buffer.from(part('CERTIFICATE')).toString('base64') });
  try {
    await during(config, asked);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const patch = (...operations) => ({ allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') });

// Webhooks of one namespace; gone again behind `during`.
async function registered(wire, namespace, kind, webhooks, during) {
  const all = `${ADMISSION}/${kind.toLowerCase()}webhookconfigurations`;
  const scope = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } }, sideEffects: 'None', admissionReviewVersions: ['v1'] };
  const named = webhooks.map((w, i) => ({ name: `h${i}.${namespace}.example.com`, ...scope, ...w }));
  expect(await wire.post(all, { metadata: { name: namespace }, webhooks: named }), 201);
  try {
    await during();
  } finally {
    expect(await wire.del(`${all}/${namespace}`), 200);
  }
}
const rule = (operations, apiGroups, resources, apiVersions = ['*']) => [{ operations, apiGroups, apiVersions, resources }];

// A definition with v1 (spec.host "a:1") and v2 (spec.host, spec.port), ready to be written to.
async function define(wire, namespace, more, stored = 'v1') {
  const group = `${namespace}.example.com`;
  const version = (name, properties) => ({
    name,
    served: true,
    storage: name === stored,
    schema: { openAPIV3Schema: { type: 'object', properties: { data: { type: 'object', properties: { 'stage-0': { type: 'string' }, 'stage-1': { type: 'string' } } }, spec: { type: 'object', properties } } } },
  });
  const text = { type: 'string' };
  const spec = { group, scope: 'Namespaced', names: { plural: 'points', kind: 'Point' }, versions: [version('v1', { host: text }), version('v2', { host: text, port: text })], ...more };
  expect(await wire.post(CRDS, { metadata: { name: `points.${group}` }, spec }), 201);
  const where = (v) => `/apis/${group}/${v}/namespaces/${namespace}/points`;
  await eventually(async () => expect(await wire.get(where('v2')), 200));
  return { group, where, table: `points.${group}`, point: (v, name, body) => ({ apiVersion: `${group}/${v}`, kind: 'Point', metadata: { name }, ...body }) };
}

function convert({ objects, desiredAPIVersion }) {
  const convertedObjects = objects.map((o) => {
    const spec = { ...o.spec };
    if (desiredAPIVersion.endsWith('/v2')) [spec.host, spec.port] = o.spec.host.split(':');
    else {
      spec.host = `${o.spec.host}:${o.spec.port}`;
      delete spec.port;
    }
    return { ...o, apiVersion: desiredAPIVersion, spec };
  });
  return { result: { status: 'Success' }, convertedObjects };
}

export const checks = {
  async mutates(wire, namespace) {
    const maps = `/api/v1/namespaces/${namespace}/configmaps`;
    const stage = (n) => ({ object }) => (n === 0 || object.data['stage-0'] ? patch({ op: 'add', path: `/data/stage-${n}`, value: 'yes' }) : { allowed: true, warnings: ['too soon'] });
    await serving({ zero: stage(0), one: stage(1) }, async (config, asked) => {
      const webhooks = ['zero', 'one'].map((w) => ({ clientConfig: config(w), rules: rule(['CREATE'], [''], ['configmaps']) }));
      await registered(wire, namespace, 'Mutating', webhooks, async () => {
        const made = expect(await wire.post(`${maps}?fieldManager=me&fieldValidation=Strict`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'm-' }, data: { own: 'yes' } }), 201);
        assert.deepEqual(made.data, { own: 'yes', 'stage-0': 'yes', 'stage-1': 'yes' });
        const q = asked.zero[0];
        assert.deepEqual(q.options, { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me', fieldValidation: 'Strict' });
        assert.deepEqual([q.name, q.namespace, q.operation, q.dryRun, q.oldObject, q.timeout], [undefined, namespace, 'CREATE', false, null, '10s']);
        assert.deepEqual([q.object.metadata.uid, q.object.metadata.name, q.object.metadata.namespace], [undefined, undefined, namespace]);
        assert.ok(q.userInfo.groups.includes('system:masters'));
      });
    });
  },

  async denies(wire, namespace) {
    const maps = `/api/v1/namespaces/${namespace}/configmaps`;
    const no = () => ({ allowed: false, status: { code: 403, reason: 'Forbidden', message: 'not here' } });
    await serving({ no, bare: () => ({ allowed: false }) }, async (config, asked) => {
      expect(await wire.post(maps, { metadata: { name: 'old' }, data: {} }), 201);
      await registered(wire, namespace, 'Validating', [{ clientConfig: config('no'), rules: rule(['*'], [''], ['configmaps']) }], async () => {
        const said = /^admission webhook "h0\..*\.example\.com" denied the request: not here$/;
        refused(await wire.post(maps, { metadata: { name: 'new' } }), 403, 'Forbidden', said);
        refused(await wire.patch(`${maps}/old`, { data: { a: 'b' } }, MERGE), 403, 'Forbidden', said);
        refused(await wire.patch(`${maps}/other?fieldManager=me`, JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'other' } }), APPLY), 403, 'Forbidden', said);
        refused(await wire.del(`${maps}/old`), 403, 'Forbidden', said);
        assert.deepEqual(asked.no.map((q) => [q.operation, q.options.kind]), [['CREATE', 'CreateOptions'], ['UPDATE', 'UpdateOptions'], ['CREATE', 'CreateOptions'], ['DELETE', 'DeleteOptions']]);
      });
      await registered(wire, namespace, 'Validating', [{ clientConfig: config('bare'), rules: rule(['CREATE'], [''], ['configmaps']) }], async () => {
        const status = expect(await wire.post(maps, { metadata: { name: 'new' } }), 400);
        assert.match(status.message, /denied the request without explanation$/);
      });
    });
  },

  async 'denies-attaching'(wire, namespace) {
    const pod = `/api/v1/namespaces/${namespace}/pods/p`;
    expect(await wire.post(`/api/v1/namespaces/${namespace}/pods`, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }), 201);
    await serving({ attach: ({ name }) => ({ allowed: false, status: { message: `attaching to pod '${name}' is not allowed` } }) }, async (config, asked) => {
      await registered(wire, namespace, 'Validating', [{ clientConfig: config('attach'), rules: rule(['CONNECT'], [''], ['pods/attach']) }], async () => {
        const said = /attaching to pod 'p' is not allowed$/;
        assert.match(expect(await wire.post(`${pod}/attach?container=c&stdin=true`), 400).message, said);
        const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol': 'v5.channel.k8s.io' };
        assert.match(expect(await wire.get(`${pod}/attach?container=c`, upgrade), 400).message, said);
        assert.deepEqual(asked.attach[0].object, { kind: 'PodAttachOptions', apiVersion: 'v1', stdin: true, stdout: true, stderr: true, container: 'c' });
        assert.deepEqual([asked.attach[0].options, asked.attach[0].subResource, asked.attach[0].operation], [null, 'attach', 'CONNECT']);
        assert.ok(expect(await wire.post(`${pod}/exec?command=ls`), 400));
        assert.equal(asked.attach.length, 2);
      });
    });
  },

  async 'waits-so-long'(wire, namespace) {
    const maps = `/api/v1/namespaces/${namespace}/configmaps`;
    const never = () => new Promise(() => {});
    const slow = () => new Promise((resolve) => setTimeout(() => resolve({ allowed: true }), 1500));
    await serving({ never, slow }, async (config) => {
      const webhook = { clientConfig: config('never'), rules: rule(['CREATE'], [''], ['configmaps']), timeoutSeconds: 1 };
      await registered(wire, namespace, 'Validating', [webhook], async () => {
        const status = refused(await wire.post(maps, { metadata: { name: 'a' } }), 500, 'InternalError', /^Internal error occurred: failed calling webhook "h0\..*": failed to call webhook: Post "https:\/\/127\.0\.0\.1:\d+\/never\?timeout=1s": context deadline exceeded$/);
        assert.match(status.details.causes[0].message, /^failed calling webhook/);
      });
      await registered(wire, namespace, 'Validating', [{ ...webhook, failurePolicy: 'Ignore' }], async () => expect(await wire.post(maps, { metadata: { name: 'b' } }), 201));
      await registered(wire, namespace, 'Validating', [{ ...webhook, clientConfig: config('slow'), timeoutSeconds: 30 }], async () => expect(await wire.post(maps, { metadata: { name: 'c' } }), 201));
    });
  },

  async 'custom-objects'(wire, namespace) {
    const made = await define(wire, namespace, {});
    const stage = (n) => ({ object }) => (object.data['stage-0'] || n === 0 ? patch({ op: 'add', path: `/data/stage-${n}`, value: 'yes' }) : { allowed: true });
    await serving({ zero: stage(0), one: stage(1), two: stage(2) }, async (config, asked) => {
      const webhooks = ['zero', 'one', 'two'].map((w) => ({ clientConfig: config(w), rules: rule(['CREATE', 'UPDATE'], [made.group], ['points'], ['v1']) }));
      await registered(wire, namespace, 'Mutating', webhooks, async () => {
        const object = expect(await wire.post(made.where('v1'), made.point('v1', 'a', { data: {} })), 201);
        assert.deepEqual(object.data, { 'stage-0': 'yes', 'stage-1': 'yes' }); // stage 2 is no field of the schema
        assert.deepEqual(expect(await wire.get(`${made.where('v2')}/a`), 200).data, object.data);
        // another version is stored from now on; the webhooks want v1
        const definition = expect(await wire.get(`${CRDS}/${made.table}`), 200);
        const versions = definition.spec.versions.map((v) => ({ ...v, storage: v.name === 'v2' }));
        const status = expect(await wire.patch(`${CRDS}/${made.table}`, { spec: { versions } }), 200).status;
        assert.deepEqual(status.storedVersions, ['v1', 'v2']);
        asked.zero.length = 0;
        expect(await eventually(async () => wire.patch(`${made.where('v2')}/a`, { data: { 'stage-0': 'changed' } })), 200);
        await eventually(() => assert.ok(asked.zero.length > 0));
        assert.deepEqual([asked.zero[0].kind.version, asked.zero[0].requestKind.version, asked.zero[0].object.apiVersion], ['v1', 'v2', `${made.group}/v1`]);
      });
    });
  },

  async converts(wire, namespace) {
    await serving({ convert }, async (config, asked) => {
      const conversion = { strategy: 'Webhook', webhook: { clientConfig: config('convert'), conversionReviewVersions: ['v1'] } };
      const made = await define(wire, namespace, { conversion });
      const point = expect(await wire.post(made.where('v1'), made.point('v1', 'a', { spec: { host: 'x:1' } })), 201);
      const watch = wire.watch(made.where('v2'));
      await watch.until((e) => e.type === 'ADDED' && e.object.spec.port === '1', 'a, converted');
      const other = expect(await wire.get(`${made.where('v2')}/a`), 200);
      assert.deepEqual([other.apiVersion, other.spec, other.metadata.uid], [`${made.group}/v2`, { host: 'x', port: '1' }, point.metadata.uid]);
      assert.equal(other.metadata.resourceVersion, point.metadata.resourceVersion);
      // mixed: the second is stored as v2
      const versions = expect(await wire.get(`${CRDS}/${made.table}`), 200).spec.versions.map((v) => ({ ...v, storage: v.name === 'v2' }));
      expect(await wire.patch(`${CRDS}/${made.table}`, { spec: { versions } }), 200);
      expect(await wire.post(made.where('v1'), made.point('v1', 'b', { spec: { host: 'y:2' } })), 201);
      asked.convert.length = 0;
      for (const [version, specs] of Object.entries({ v1: [{ host: 'x:1' }, { host: 'y:2' }], v2: [{ host: 'x', port: '1' }, { host: 'y', port: '2' }] })) {
        const list = expect(await wire.get(made.where(version)), 200);
        assert.deepEqual(list.items.map((o) => o.spec), specs);
        assert.ok(list.items.every((o) => o.apiVersion === `${made.group}/${version}`));
      }
      assert.deepEqual(asked.convert.map((q) => q.objects.map((o) => o.metadata.name)), [['b'], ['a']]);
      assert.ok(asked.convert.every((q) => q.timeout === '30s'));
      const changed = expect(await wire.patch(`${made.where('v1')}/a`, { spec: { host: 'z:3' } }), 200);
      assert.deepEqual([changed.spec, changed.metadata.generation], [{ host: 'z:3' }, 2]);
      assert.deepEqual(expect(await wire.get(`${made.where('v2')}/a`), 200).spec, { host: 'z', port: '3' });
      watch.stop();
    });
    // The first may still find a kept connection that is just being closed: then it reads EOF.
    await eventually(async () => {
      const gone = expect(await wire.get(`/apis/${namespace}.example.com/v1/namespaces/${namespace}/points`), 500);
      assert.match(gone.message, /^conversion webhook for .*\.example\.com\/v2, Kind=Point.* failed: Post "https:\/\/127\.0\.0\.1:\d+\/convert\?timeout=30s": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/);
    });
  },
};
