// Custom resources: validation of fields, defaults, rules, selectable fields, what is published of them.
import assert from 'node:assert/strict';
import { APPLY, eventually, expect, JSON_PATCH, MERGE, refused } from './wire.mjs';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const PROTO_OPENAPI = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
let number = 0;

// A definition, established and served; `versions`: {name: schema}. Its objects are at `all(version, namespace)`.
async function define(wire, versions, more = {}) {
  const plural = `noxu${number++}s`;
  const group = 'checks.example.com';
  const name = `${plural}.${group}`;
  const names = { plural, singular: plural.slice(0, -1), kind: `Noxu${number}`, listKind: `Noxu${number}List` };
  const spec = {
    group,
    names,
    scope: more.scope ?? 'Cluster',
    versions: Object.entries(versions).map(([version, schema], i) => ({ name: version, served: true, storage: i === 0, schema: { openAPIV3Schema: schema }, ...more.version })),
  };
  expect(await wire.post(CRDS, { metadata: { name }, spec }), 201);
  const d = { name, group, plural, kind: names.kind, one: `${CRDS}/${name}` };
  d.all = (version, namespace) => `/apis/${group}/${version}${namespace ? `/namespaces/${namespace}` : ''}/${plural}`;
  await eventually(async () => {
    const conditions = expect(await wire.get(d.one), 200).status.conditions;
    assert.equal(conditions.find((c) => c.type === 'Established').status, 'True');
    expect(await wire.get(d.all(Object.keys(versions)[0])), 200);
  });
  d.object = (version, objectName, rest) => ({ apiVersion: `${group}/${version}`, kind: d.kind, metadata: { name: objectName }, ...rest });
  return d;
}
const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const strings = (...names) => Object.fromEntries(names.map((n) => [n, { type: 'string' }]));
const object = (properties, more = {}) => ({ type: 'object', properties, ...more });
const port = object({ containerPort: { type: 'integer', format: 'int32' }, hostPort: { type: 'integer', format: 'int32' }, ...strings('hostIP', 'name', 'protocol') }, { required: ['containerPort', 'protocol'] });
const cron = (more = {}, around = {}) =>
  object({
    spec: object(
      {
        foo: { type: 'string' },
        cronSpec: { type: 'string', pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$' },
        ports: { type: 'array', 'x-kubernetes-list-map-keys': ['containerPort', 'protocol'], 'x-kubernetes-list-type': 'map', items: port },
        ...more,
      },
      around
    ),
  });
const yaml = (d, metadata, spec, head = '') => `
apiVersion: ${d.group}/v1beta1
kind: ${d.kind}
metadata:
  name: mytest${metadata}
${head}spec:
${spec}  cronSpec: "* * * * */5"
  ports:
  - name: x
    containerPort: 80
    protocol: TCP`;
const applyStrictly = (wire, d, text) =>
  wire.patch(`${d.all('v1beta1')}/mytest?fieldManager=field_validation_mgr&fieldValidation=Strict`, text, APPLY);

const deployment = (metadata, spec) => `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "my-dep", ${metadata}"labels": {"app": "nginx"}},
  "spec": {${spec}"selector": {"matchLabels": {"app": "nginx"}}, "template": {"metadata": {"labels": {"app": "nginx"}},
  "spec": {"containers": [{"name": "nginx", "image": "nginx:latest"}]}}}}`;

async function swagger(wire) {
  return expect(await wire.get('/openapi/v2', { Accept: '*/*' }), 200);
}
const definitionName = (d, version) => `com.example.checks.${version}.${d.kind}`;

export const checks = {
  async 'fields/typed'(wire, namespace) {
    const all = `/apis/apps/v1/namespaces/${namespace}/deployments?fieldManager=field_validation_mgr`;
    const bad = deployment('', '"unknownField": "foo", "replicas": 2, "replicas": 3, ');
    refused(await wire.post(`${all}&fieldValidation=Strict`, bad, { 'Content-Type': undefined }), 400, 'BadRequest', /strict decoding error: unknown field "spec\.unknownField", duplicate field "spec\.replicas"/);
    refused(await wire.post(`${all}&fieldValidation=Strict`, deployment('"unknownMeta": "foo", ', '')), 400, 'BadRequest', /strict decoding error: unknown field "metadata\.unknownMeta"/);
    const warned = await wire.post(`${all}&fieldValidation=Warn`, bad);
    assert.equal(expect(warned, 201).spec.replicas, 3);
    assert.match(warned.headers.warning, /unknown field \\?"spec\.unknownField\\?".*duplicate field \\?"spec\.replicas\\?"/);
    expect(await wire.del(`/apis/apps/v1/namespaces/${namespace}/deployments/my-dep`, { propagationPolicy: 'Background' }), 200);
    const ignored = await wire.post(`${all}&fieldValidation=Ignore`, bad);
    expect(ignored, 201);
    assert.equal(ignored.headers.warning, undefined);
    refused(await wire.post(`${all}&fieldValidation=Nothing`, bad), 422, 'Invalid');
  },

  async 'fields/custom'(wire) {
    const d = await define(wire, { v1beta1: cron(), v1: cron() });
    expect(await applyStrictly(wire, d, yaml(d, '', '  foo: foo1\n')), 201);
    const more = await applyStrictly(wire, d, yaml(d, '', '  foo: foo1\n', 'unknownField: unknown\n'));
    assert.match(JSON.stringify(more.body), /\.unknownField: field not declared in schema/);
    assert.notEqual(more.code, 200);
    const wrong = await wire.post(`${d.all('v1')}?fieldValidation=Strict`, d.object('v1', 'other', { spec: { foo: 'f', extra: 1 } }));
    refused(wrong, 400, 'BadRequest', /strict decoding error: unknown field "spec\.extra"/);
    refused(await wire.post(d.all('v1'), d.object('v1', 'other', { spec: { cronSpec: 'not so' } })), 422, 'Invalid', /spec\.cronSpec: Invalid value: "not so": spec\.cronSpec in body should match/);
    expect(await wire.del(d.one, {}), 200);
  },

  async 'fields/custom-without-schema'(wire) {
    const d = await define(wire, { v1beta1: open, v1: open });
    const made = expect(await applyStrictly(wire, d, yaml(d, '', '  unknown: uk1\n')), 201);
    assert.equal(made.spec.unknown, 'uk1');
    assert.deepEqual(made.metadata.managedFields.map((f) => [f.manager, f.operation]), [['field_validation_mgr', 'Apply']]);
    expect(await wire.del(d.one, {}), 200);
  },

  async 'fields/custom-metadata'(wire, namespace) {
    const template = object({ metadata: object(strings('name')), spec: { type: 'object' } }, { 'x-kubernetes-embedded-resource': true });
    const schema = cron({ template }, { 'x-kubernetes-preserve-unknown-fields': true });
    const d = await define(wire, { v1beta1: schema });
    const inner = `  template:\n    apiversion: foo/v1\n    kind: Sub\n    metadata:\n        unknownSubMeta: unknown\n        name: subobject\n        namespace: ${namespace}\n  foo: foo1\n`;
    const answer = await applyStrictly(wire, d, yaml(d, '\n  unknownMeta: unknown', inner));
    assert.match(JSON.stringify(answer.body), /\.spec\.template\.metadata\.unknownSubMeta: field not declared in schema|\.metadata\.unknownMeta: field not declared in schema/);
    assert.ok(answer.code >= 400);
    const posted = d.object('v1beta1', 'mytest', { spec: { template: { apiVersion: 'foo/v1', kind: 'Sub', metadata: { name: 'n', unknownSubMeta: 'u' } } } });
    posted.metadata.unknownMeta = 'u';
    refused(await wire.post(`${d.all('v1beta1')}?fieldValidation=Strict`, posted), 400, 'BadRequest', /unknown field "metadata\.unknownMeta", unknown field "spec\.template\.metadata\.unknownSubMeta"/);
    expect(await wire.del(d.one, {}), 200);
  },

  async 'fields/custom-twice'(wire) {
    const d = await define(wire, { v1beta1: cron({}, { 'x-kubernetes-preserve-unknown-fields': true }) });
    const answer = await applyStrictly(wire, d, yaml(d, '', '  unknown: uk1\n  foo: foo1\n  foo: foo2\n'));
    assert.match(JSON.stringify(answer.body), /line 9: key \\+"foo\\+" already set in map/);
    const twice = JSON.stringify(d.object('v1beta1', 'mytest', { spec: { foo: 'a' } })).replace('"foo":"a"', '"foo":"a","foo":"b"');
    refused(await wire.post(`${d.all('v1beta1')}?fieldValidation=Strict`, twice), 400, 'BadRequest', /duplicate field "spec\.foo"/);
    expect(await wire.del(d.one, {}), 200);
  },

  async 'watch-of-objects'(wire) {
    const d = await define(wire, { v1beta1: open });
    const w = wire.watch(`${d.all('v1beta1')}?fieldSelector=metadata.name%3Dname1&timeoutSeconds=600`);
    const all = wire.watch(`${d.all('v1beta1')}?resourceVersion=${expect(await wire.get(d.all('v1beta1')), 200).metadata.resourceVersion}`);
    for (const name of ['name1', 'name2']) expect(await wire.post(d.all('v1beta1'), d.object('v1beta1', name, { content: { key: 'value' } })), 201);
    for (const name of ['name1', 'name2']) expect(await wire.patch(`${d.all('v1beta1')}/${name}`, { dummy: 'test' }, MERGE), 200);
    for (const name of ['name1', 'name2']) expect(await wire.del(`${d.all('v1beta1')}/${name}`, {}), 200);
    await all.until((e) => e.type === 'DELETED' && e.object.metadata.name === 'name2', 'the end');
    await w.until((e) => e.type === 'DELETED', 'the end of the first');
    assert.deepEqual(all.events.map((e) => `${e.type} ${e.object.metadata.name}`), ['ADDED name1', 'ADDED name2', 'MODIFIED name1', 'MODIFIED name2', 'DELETED name1', 'DELETED name2']);
    assert.ok(w.events.every((e) => e.object.metadata.name === 'name1'));
    [w, all].forEach((x) => x.stop());
    expect(await wire.del(d.one, {}), 200);
  },

  async 'status'(wire) {
    const d = await define(wire, { v1: open });
    const status = `${d.one}/status`;
    const read = expect(await wire.get(status), 200);
    assert.deepEqual(read, expect(await wire.get(d.one), 200));
    read.status.conditions.push({ message: 'updated' }); // a Go client sends empty strings for the others
    read.status.conditions.at(-1).type = read.status.conditions.at(-1).status = '';
    const updated = expect(await wire.put(status, read), 200);
    assert.ok(updated.status.conditions.some((c) => c.message === 'updated'));
    const patched = expect(await wire.patch(status, [{ op: 'add', path: '/status/conditions', value: [{ message: 'patched' }] }], JSON_PATCH), 200);
    assert.ok(patched.status.conditions.some((c) => c.message === 'patched'));
    expect(await wire.del(d.one, {}), 200);
    await eventually(async () => refused(await wire.get(d.one), 404, 'NotFound'));
    await eventually(async () => expect(await wire.get(d.all('v1')), 404));
  },

  async 'defaults'(wire) {
    const schema = (a, b) => object({ a: { type: 'string', ...a }, b: { type: 'string', ...b } });
    const d = await define(wire, { v1: schema({}, {}) });
    const set = (a, b) => wire.patch(d.one, [{ op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema', value: schema(a, b) }], JSON_PATCH);
    const read = (name) => wire.get(`${d.all('v1')}/${name}`);
    expect(await wire.post(d.all('v1'), d.object('v1', 'before')), 201);
    expect(await set({ default: 'A' }, {}), 200);
    await eventually(async () => assert.equal(expect(await read('before'), 200).a, 'A'));
    assert.equal(expect(await wire.post(d.all('v1'), d.object('v1', 'between')), 201).a, 'A');
    expect(await set({}, { default: 'B' }), 200);
    await eventually(async () => assert.equal(expect(await read('between'), 200).b, 'B'));
    assert.equal(expect(await read('between'), 200).a, 'A');
    assert.equal(expect(await read('before'), 200).a, undefined);
    expect(await wire.del(d.one, {}), 200);
  },

  async 'list-and-collection'(wire) {
    const names = [];
    for (let i = 0; i < 4; i++) names.push((await define(wire, { v1: open })).name);
    for (const name of names.slice(1)) expect(await wire.patch(`${CRDS}/${name}`, { metadata: { labels: { 'list-of': 'these' } } }, MERGE), 200);
    const selected = `${CRDS}?labelSelector=list-of%3Dthese`;
    assert.deepEqual(expect(await wire.get(selected), 200).items.map((o) => o.metadata.name), names.slice(1).sort());
    expect(await wire.del(selected, {}), 200);
    await eventually(async () => assert.deepEqual(expect(await wire.get(selected), 200).items, []));
    expect(await wire.get(`${CRDS}/${names[0]}`), 200);
    expect(await wire.del(`${CRDS}/${names[0]}`, {}), 200);
  },

  async 'discovered'(wire) {
    const d = await define(wire, { v1: open, v2: open });
    const asked = { Accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
    const listed = async () => {
      const group = expect(await wire.get('/apis', asked), 200).items.find((g) => g.metadata.name === d.group);
      return (group?.versions ?? []).filter((v) => v.resources.some((r) => r.resource === d.plural)).map((v) => v.version);
    };
    await eventually(async () => assert.deepEqual(await listed(), ['v2', 'v1']));
    expect(await wire.del(d.one, {}), 200);
    await eventually(async () => assert.deepEqual(await listed(), []));
  },

  async 'published'(wire) {
    const foo = (properties) => object({ spec: { ...object(properties), description: 'Specification of Foo' } }, { description: 'Foo CRD for Testing' });
    const d = await define(wire, { v2: foo(strings('a')), v3: foo(strings('b')) });
    await eventually(async () => {
      const found = (await swagger(wire)).definitions;
      const v3 = found[definitionName(d, 'v3')];
      assert.deepEqual(v3.properties.spec, { description: 'Specification of Foo', type: 'object', properties: strings('b') });
      assert.equal(v3.description, 'Foo CRD for Testing');
      assert.deepEqual(v3['x-kubernetes-group-version-kind'], [{ group: d.group, kind: d.kind, version: 'v3' }]);
      assert.deepEqual(Object.keys(v3.properties).sort(), ['apiVersion', 'kind', 'metadata', 'spec']);
    });
    expect(await wire.patch(d.one, [{ op: 'test', path: '/spec/versions/1/name', value: 'v3' }, { op: 'replace', path: '/spec/versions/1/name', value: 'v4' }], JSON_PATCH), 200);
    await eventually(async () => {
      const found = (await swagger(wire)).definitions;
      assert.deepEqual(['v2', 'v3', 'v4'].map((v) => definitionName(d, v) in found), [true, false, true]);
    });
    const crd = expect(await wire.get(d.one), 200);
    crd.spec.versions[1].served = false;
    expect(await wire.put(d.one, crd), 200);
    await eventually(async () => assert.equal(definitionName(d, 'v4') in (await swagger(wire)).definitions, false));
    await eventually(async () => {
      const etag = (await wire.get('/openapi/v2')).headers.etag; // others define kinds meanwhile
      assert.equal((await wire.get('/openapi/v2', { 'If-None-Match': etag })).code, 304);
    });
    const proto = await wire.get('/openapi/v2', { Accept: PROTO_OPENAPI });
    assert.ok(proto.bytes.includes(definitionName(d, 'v2')));
    const root = expect(await wire.get('/openapi/v3'), 200).paths;
    const own = expect(await wire.get(root[`apis/${d.group}/v2`].serverRelativeURL), 200);
    assert.ok(own.components.schemas[definitionName(d, 'v2')]);
    expect(await wire.del(d.one, {}), 200);
    await eventually(async () => assert.equal(definitionName(d, 'v2') in (await swagger(wire)).definitions, false));
  },

  async 'selectable'(wire, namespace) {
    const schema = object(strings('host', 'port'));
    const d = await define(wire, { v1: schema }, { scope: 'Namespaced', version: { selectableFields: [{ jsonPath: '.host' }, { jsonPath: '.port' }] } });
    const all = d.all('v1', namespace);
    const by = (selector) => `${all}?fieldSelector=${encodeURIComponent(selector)}`;
    const from = expect(await wire.get(all), 200).metadata.resourceVersion;
    const w = wire.watch(`${by('host=one.example.com,port=80')}&resourceVersion=${from}`);
    for (const [name, host, port] of [['a', 'one.example.com', '80'], ['b', 'one.example.com', '443'], ['c', 'two.example.com', '80']])
      expect(await wire.post(all, d.object('v1', name, { host, port })), 201);
    const names = async (selector) => expect(await wire.get(by(selector)), 200).items.map((o) => o.metadata.name);
    assert.deepEqual(await names('host=one.example.com'), ['a', 'b']);
    assert.deepEqual(await names('host=one.example.com,port=80'), ['a']);
    assert.deepEqual(await names('host!=one.example.com'), ['c']);
    expect(await wire.patch(`${all}/b`, { port: '80' }, MERGE), 200);
    await w.until((e) => e.type === 'ADDED' && e.object.metadata.name === 'b', 'what has come into the selection');
    expect(await wire.patch(`${all}/a`, { host: 'two.example.com' }, MERGE), 200);
    await w.until((e) => e.type === 'DELETED' && e.object.metadata.name === 'a', 'what has left the selection');
    expect(await wire.del(by('host=two.example.com'), {}), 200);
    assert.deepEqual(await names('port=80'), ['b']);
    w.stop();
    refused(await wire.get(by('spec.other=x')), 400, 'BadRequest', /field label not supported: spec\.other/);
    expect(await wire.del(d.one, {}), 200);
  },

  async 'rules'(wire) {
    const rule = (text, more = {}) => ({ 'x-kubernetes-validations': [{ rule: text, ...more }] });
    const number = (more = {}) => ({ type: 'integer', ...more });
    const d = await define(wire, {
      v1: object({ spec: object({ x: number({ default: 0 }), y: number({ default: 0 }), z: { type: 'string', maxLength: 20, ...rule('self == oldSelf', { message: 'fixed' }) } }, rule('self.x + self.y > 0', { message: 'their sum must be positive' })) }),
    });
    const all = d.all('v1');
    expect(await wire.post(all, d.object('v1', 'good', { spec: { x: 1, y: 1, z: 'a' } })), 201);
    refused(await wire.post(all, d.object('v1', 'bad', { spec: { x: 0, y: 0 } })), 422, 'Invalid', /spec: Invalid value: "object": their sum must be positive/);
    refused(await wire.patch(`${all}/good`, { spec: { z: 'b' } }, MERGE), 422, 'Invalid', /spec\.z: Invalid value: "string": fixed/);
    const bad = { spec: { group: 'checks.example.com', scope: 'Cluster', names: { plural: 'nones', kind: 'None' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: object({ spec: object({ x: number() }, rule('self.none > 0')) }) } }] } };
    refused(await wire.post(CRDS, { metadata: { name: 'nones.checks.example.com' }, ...bad }), 422, 'Invalid', /compilation failed: .*undefined field 'none'/s);
    expect(await wire.del(d.one, {}), 200);
  },
};
