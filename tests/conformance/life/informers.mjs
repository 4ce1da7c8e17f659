// What the controllers of an outer control plane ask of a server without controllers: watches that begin with what is
// there, in protobuf, of whole objects and of metadata alone; leases, tokens, rights, discovery.
import assert from 'node:assert/strict';
import https from 'node:https';
import { APPLY, eventually, expect, PATIENCE_MS, PROTOBUF, refused } from './wire.mjs';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const METADATA = 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const TYPED = 'application/vnd.kubernetes.protobuf,application/json';
const STREAM = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=400&resourceVersion=';

// The first frames of a streaming watch, until one holds `end` (protobuf frames: four bytes of length, then the event).
function frames(wire, where, accept, end) {
  return new Promise((resolve, reject) => {
    const url = new URL(`${where}?watch=true&${STREAM}`, wire.url);
    const request = https.get(url, { agent: false, ...wire.tls, headers: { Accept: accept, 'Accept-Encoding': 'gzip' } }, (response) => {
      let bytes = Buffer.alloc(0);
      const type = response.headers['content-type'];
      const late = setTimeout(() => finish(new Error(`${where} ${accept}: no ${end} in ${bytes.length} bytes (${response.statusCode})`)), PATIENCE_MS);
      const finish = (e, value) => {
        clearTimeout(late);
        request.destroy();
        if (e) reject(e);
        else resolve(value);
      };
      response.on('error', () => {});
      response.on('data', (piece) => {
        bytes = Buffer.concat([bytes, piece]);
        if (response.statusCode !== 200) return finish(new Error(`${where} ${accept}: ${response.statusCode} ${bytes}`));
        const list = [];
        for (let at = 0; at + 4 <= bytes.length && at + 4 + bytes.readUInt32BE(at) <= bytes.length; at += 4 + bytes.readUInt32BE(at))
          list.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at)));
        if (list.some((f) => f.includes(end))) finish(null, { list, type });
      });
    });
    request.on('error', reject); // behind the promise's end: nobody's
  });
}

// Protobuf by hand: a field of bytes, a text, the envelope.
const none = Buffer.alloc(0);
const varint = (n) => (n < 128 ? Buffer.from([n]) : Buffer.concat([Buffer.from([(n & 127) | 128]), varint(n >> 7)]));
const field = (number, bytes) => Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
const text = (number, s) => field(number, Buffer.from(s));
const unknown = (apiVersion, kind, raw) =>
  Buffer.concat([Buffer.from('k8s\0', 'latin1'), field(1, Buffer.concat([text(1, apiVersion), text(2, kind)])), field(2, raw), text(3, ''), text(4, '')]);

async function watched(wire) {
  const found = [];
  for (const root of ['/api', '/apis'])
    for (const group of expect(await wire.get(root, { Accept: AGGREGATED }), 200).items)
      for (const version of group.versions)
        for (const resource of version.resources)
          if (resource.verbs.includes('watch') && !group.metadata?.name?.includes('example.'))
            found.push({ where: `${root}${group.metadata?.name ? `/${group.metadata.name}` : ''}/${version.version}/${resource.resource}`, kind: resource.responseKind.kind });
  return found;
}

export const checks = {
  async 'typed'(wire) {
    for (const { where, kind } of await watched(wire)) {
      const { list, type } = await frames(wire, where, 'application/vnd.kubernetes.protobuf;stream=watch,application/vnd.kubernetes.protobuf', 'k8s.io/initial-events-end');
      assert.match(type, /^application\/vnd\.kubernetes\.protobuf;stream=watch/, where);
      const last = list.at(-1);
      assert.ok(last.includes('BOOKMARK') && last.includes(kind), where);
      const page = await wire.get(`${where}?limit=500&resourceVersion=0`, { Accept: TYPED });
      assert.equal(page.code, 200, where);
      assert.equal(page.bytes.subarray(0, 4).toString('latin1'), 'k8s\0', where);
    }
  },

  async 'metadata'(wire) {
    for (const { where } of await watched(wire)) {
      const accept = 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1;stream=watch,application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
      const { list } = await frames(wire, where, accept, 'k8s.io/initial-events-end');
      assert.ok(list.at(-1).includes('PartialObjectMetadata'), where);
      const page = await wire.get(`${where}?limit=500`, { Accept: METADATA.replaceAll('PartialObjectMetadata', 'PartialObjectMetadataList') });
      assert.equal(page.code, 200, where);
      assert.ok(page.bytes.includes('PartialObjectMetadataList'), where);
    }
  },

  // Collectors and quotas look at custom resources by their metadata alone.
  async 'metadata-of-custom'(wire, namespace) {
    const group = 'informers.example.org';
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    expect(await wire.post(crds, { metadata: { name: `looks.${group}` }, spec: { group, scope: 'Namespaced', names: { plural: 'looks', kind: 'Look' }, versions: [{ name: 'v1', served: true, storage: true, schema }] } }), 201);
    const everywhere = `/apis/${group}/v1/looks`;
    const all = `/apis/${group}/v1/namespaces/${namespace}/looks`;
    await eventually(async () => expect(await wire.get(all), 200));
    for (const name of ['first-look', 'second-look']) expect(await wire.post(all, { apiVersion: `${group}/v1`, kind: 'Look', metadata: { name }, hidden: 'never-shown' }), 201);
    const { list } = await frames(wire, everywhere, 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1;stream=watch,application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', 'k8s.io/initial-events-end');
    assert.deepEqual(list.map((f) => ['ADDED', 'BOOKMARK'].find((type) => f.includes(type))), ['ADDED', 'ADDED', 'BOOKMARK']);
    assert.ok(list[0].includes('first-look') && list[1].includes('second-look'));
    assert.ok(list.every((f) => f.includes('PartialObjectMetadata') && !f.includes('never-shown')));
    const gone = await wire.call('DELETE', `${all}/first-look`, JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' }), { Accept: METADATA });
    assert.equal(gone.code, 200);
    const some = await wire.call('DELETE', all, JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' }), { Accept: METADATA });
    assert.equal(some.code, 200);
    assert.deepEqual(expect(await wire.get(all), 200).items, []);
    expect(await wire.del(`${crds}/looks.${group}`, {}), 200);
  },

  async 'control-plane/leader'(wire, namespace) {
    const all = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    refused(await wire.get(`${all}/leader`), 404, 'NotFound');
    const spec = { holderIdentity: 'a_1', leaseDurationSeconds: 15, acquireTime: '2025-01-02T03:04:05.000006Z', renewTime: '2025-01-02T03:04:05.000006Z', leaseTransitions: 0 };
    expect(await wire.post(all, { metadata: { name: 'leader' }, spec }, { Accept: PROTOBUF }), 201);
    const lease = expect(await wire.get(`${all}/leader`), 200);
    const bytes = (await wire.get(`${all}/leader`, { Accept: PROTOBUF })).bytes;
    const renewed = { ...lease, spec: { ...lease.spec, renewTime: '2025-01-02T03:04:07.000006Z' } };
    assert.equal(expect(await wire.put(`${all}/leader`, renewed), 200).spec.renewTime, '2025-01-02T03:04:07.000006Z');
    assert.equal((await wire.put(`${all}/leader`, bytes, { 'Content-Type': PROTOBUF })).code, 409, 'who comes too late learns it');
  },

  async 'control-plane/own-credentials'(wire) {
    const accounts = '/api/v1/namespaces/kube-system/serviceaccounts';
    const name = 'replicaset-controller';
    const there = await wire.get(`${accounts}/${name}`);
    if (there.code === 404) expect(await wire.post(accounts, { metadata: { name } }), 201);
    const token = expect(await wire.post(`${accounts}/${name}/token`, { spec: { audiences: [], expirationSeconds: 3600 } }), 201).status.token;
    const bearer = { Authorization: `Bearer ${token}` };
    const as = { 'Impersonate-User': `system:serviceaccount:kube-system:${name}`, 'Impersonate-Group': ['system:serviceaccounts', 'system:authenticated'] };
    await eventually(async () => expect(await wire.get('/apis/apps/v1/replicasets', as), 200));
    refused(await wire.get('/api/v1/secrets', as), 403, 'Forbidden');
    expect(await wire.get('/apis/apps/v1/replicasets?limit=1', bearer), 200);
  },

  async 'control-plane/rights'(wire) {
    // the roles that the controllers of 1.34 work with; [account, verb, group, resource, subresource]
    const needs = [
      ['namespace-controller', 'deletecollection', 'apps', 'deployments'],
      ['namespace-controller', 'update', '', 'namespaces', 'finalize'],
      ['generic-garbage-collector', 'patch', 'example.com', 'anything'],
      ['resourcequota-controller', 'update', '', 'resourcequotas', 'status'],
      ['service-cidrs-controller', 'patch', 'networking.k8s.io', 'servicecidrs', 'finalizers'],
      ['resource-claim-controller', 'update', '', 'pods', 'finalizers'],
      ['resource-claim-controller', 'create', 'resource.k8s.io', 'resourceclaims'],
      ['root-ca-cert-publisher', 'create', '', 'configmaps'],
      ['validatingadmissionpolicy-status-controller', 'update', 'admissionregistration.k8s.io', 'validatingadmissionpolicies', 'status'],
      ['clusterrole-aggregation-controller', 'escalate', 'rbac.authorization.k8s.io', 'clusterroles'],
      ['legacy-service-account-token-cleaner', 'delete', '', 'secrets'],
      ['ttl-after-finished-controller', 'delete', 'batch', 'jobs'],
      ['job-controller', 'patch', '', 'pods'],
      ['endpointslice-controller', 'create', 'discovery.k8s.io', 'endpointslices'],
      ['disruption-controller', 'get', 'apps', 'statefulsets', 'scale'],
      ['selinux-warning-controller', 'list', '', 'pods'],
      ['certificate-controller', 'sign', 'certificates.k8s.io', 'signers'],
    ];
    for (const [account, verb, group, resource, subresource] of needs) {
      const spec = { user: `system:serviceaccount:kube-system:${account}`, groups: ['system:serviceaccounts', 'system:authenticated'], resourceAttributes: { verb, group, resource, subresource } };
      if (resource === 'signers') spec.resourceAttributes.name = 'kubernetes.io/kubelet-serving';
      const review = expect(await wire.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec }), 201);
      assert.equal(review.status.allowed, true, [account, verb, resource].join(' '));
    }
    const manager = { user: 'system:kube-controller-manager', resourceAttributes: { verb: 'create', resource: 'serviceaccounts', subresource: 'token', namespace: 'kube-system' } };
    assert.equal(expect(await wire.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec: manager }), 201).status.allowed, true);
  },

  // Bodies as typed Go clients write them: empty strings and zero times are there.
  async 'control-plane/typed-bodies'(wire, namespace) {
    const metadata = (name) => field(1, Buffer.concat([text(1, name), ...[2, 3, 4, 5, 6].map((n) => text(n, '')), Buffer.from([0x38, 0]), field(8, none)]));
    const typed = { 'Content-Type': PROTOBUF, Accept: 'application/vnd.kubernetes.protobuf, */*' };
    const condition = Buffer.concat([text(1, 'Checked'), text(2, 'True'), field(4, none), text(5, 'E2E'), text(6, 'by a check')]);
    const body = Buffer.concat([metadata(namespace), field(2, text(1, 'kubernetes')), field(3, Buffer.concat([text(1, 'Active'), field(2, condition)]))]);
    const status = await wire.put(`/api/v1/namespaces/${namespace}/status`, unknown('v1', 'Namespace', body), typed);
    assert.equal(status.code, 200);
    assert.deepEqual(expect(await wire.get(`/api/v1/namespaces/${namespace}`), 200).status.conditions, [{ type: 'Checked', status: 'True', lastTransitionTime: null, reason: 'E2E', message: 'by a check' }]);
    const request = Buffer.concat([metadata(''), field(2, Buffer.from([0x20, 0x90, 0x1c])), field(3, Buffer.concat([text(1, ''), field(2, none)]))]);
    const token = await wire.post(`/api/v1/namespaces/${namespace}/serviceaccounts/default/token`, unknown('authentication.k8s.io/v1', 'TokenRequest', request), typed);
    assert.equal(token.code, 201);
    assert.ok(token.bytes.includes('TokenRequest') && token.bytes.includes('eyJ'));
    const review = Buffer.concat([metadata(''), field(2, field(2, Buffer.concat([text(1, '/'), text(2, 'get')]))), field(3, Buffer.from([0x08, 0, 0x12, 0, 0x1a, 0]))]);
    const answer = await wire.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', unknown('authorization.k8s.io/v1', 'SelfSubjectAccessReview', review), { ...typed, Accept: 'application/json' });
    assert.equal(expect(answer, 201).status.allowed, true);
    const table = await wire.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', unknown('authorization.k8s.io/v1', 'SelfSubjectAccessReview', review), { ...typed, Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    assert.equal(table.code, 406);
  },

  async 'control-plane/applied-status'(wire) {
    // controllers apply conditions and the result of checking types to statuses, by force
    const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
    const name = 'typed.checks.example.com';
    const resourceRules = [{ operations: ['CREATE'], apiGroups: ['none.example.com'], apiVersions: ['v1'], resources: ['none'] }];
    const made = expect(await wire.post(policies, { metadata: { name }, spec: { matchConstraints: { resourceRules }, validations: [{ expression: 'true' }] } }), 201);
    const apply = (where, manager, object) => wire.patch(`${where}/status?fieldManager=${manager}&force=true`, JSON.stringify(object), APPLY);
    const status = { observedGeneration: made.metadata.generation, typeChecking: {} };
    const applied = expect(await apply(`${policies}/${name}`, 'validatingadmissionpolicy-status', { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name }, status }), 200);
    assert.deepEqual(applied.status, status);
    assert.equal(applied.metadata.managedFields.find((f) => f.operation === 'Apply').subresource, 'status');
    expect(await wire.del(`${policies}/${name}`, {}), 200);
    const ranges = '/apis/networking.k8s.io/v1/servicecidrs/kubernetes';
    const condition = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready', lastTransitionTime: '2025-01-02T03:04:05Z' };
    const range = expect(await apply(ranges, 'service-cidr-controller', { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'kubernetes' }, status: { conditions: [condition] } }), 200);
    assert.deepEqual(range.status.conditions, [condition]);
  },

  async 'control-plane/delegated'(wire) {
    const map = expect(await wire.get('/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication'), 200);
    assert.ok(map.data['client-ca-file']);
    for (const path of ['/healthz', '/livez', '/readyz']) assert.equal(expect(await wire.get(path, { Accept: '*/*' }), 200), 'ok');
    const ranges = expect(await wire.get('/apis/networking.k8s.io/v1/servicecidrs/kubernetes'), 200);
    assert.equal(ranges.status.conditions.find((c) => c.type === 'Ready').status, 'True');
    const service = expect(await wire.get('/api/v1/namespaces/default/services/kubernetes'), 200);
    const address = expect(await wire.get(`/apis/networking.k8s.io/v1/ipaddresses/${service.spec.clusterIP}`), 200);
    assert.deepEqual(address.spec.parentRef, { resource: 'services', namespace: 'default', name: 'kubernetes' });
    for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) expect(await wire.get(`/api/v1/namespaces/${name}`), 200);
  },

  async 'control-plane/garbage'(wire, namespace) {
    // what a collector does to what it finds: preconditions, patches of owners and finalizers by metadata alone
    const all = `/api/v1/namespaces/${namespace}/configmaps`;
    const owner = expect(await wire.post(all, { metadata: { name: 'owner', finalizers: ['orphan'] } }), 201);
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid, blockOwnerDeletion: true };
    const child = expect(await wire.post(all, { metadata: { name: 'child', ownerReferences: [reference] } }), 201);
    const partial = { Accept: METADATA, 'Content-Type': 'application/strategic-merge-patch+json' };
    const read = await wire.get(`${all}/child`, { Accept: METADATA });
    assert.ok(read.bytes.includes('PartialObjectMetadata'));
    const patch = { metadata: { uid: child.metadata.uid, ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }] } };
    assert.equal((await wire.call('PATCH', `${all}/child`, JSON.stringify(patch), partial)).code, 200);
    assert.equal(expect(await wire.get(`${all}/child`), 200).metadata.ownerReferences, undefined);
    const wrong = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: owner.metadata.uid } };
    refused(await wire.del(`${all}/child`, wrong), 409, 'Conflict', /the UID in the precondition .* does not match the UID in record/);
    const right = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: child.metadata.uid, resourceVersion: expect(await wire.get(`${all}/child`), 200).metadata.resourceVersion }, propagationPolicy: 'Background' };
    expect(await wire.del(`${all}/child`, right), 200);
    expect(await wire.del(`${all}/owner`, {}), 200);
    const held = expect(await wire.get(`${all}/owner`), 200);
    assert.deepEqual([Boolean(held.metadata.deletionTimestamp), held.metadata.finalizers], [true, ['orphan']]);
    const off = { metadata: { resourceVersion: held.metadata.resourceVersion, finalizers: [] } };
    assert.equal((await wire.call('PATCH', `${all}/owner`, JSON.stringify(off), { 'Content-Type': 'application/merge-patch+json' })).code, 200);
    refused(await wire.get(`${all}/owner`), 404, 'NotFound');
  },
};
