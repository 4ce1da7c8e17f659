// Who is who and who may what: reviews, accounts and their tokens, requests for certificates.
import assert from 'node:assert/strict';
import { eventually, expect, MERGE, refused, STRATEGIC } from './wire.mjs';
import { REQUEST_PEM } from './kinds.mjs';

const TOKEN_MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const REVIEWS = '/apis/authorization.k8s.io/v1';
// Self-signed, nobody's: P-256, CN=life.
const CERTIFICATE_PEM = `-----BEGIN CERTIFICATE-----
MIIBczCCARmgAwIBAgIUDNi0Oct9inCt3eGv6XKQz1A4BxAwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEbGlmZTAeFw0yNjExMjIxNTEwMDdaFw0zNjExMTkxNTEwMDda
MA8xDTALBgNVBAMMBGxpZmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASitrpz
VnrS4m5dwAbdHBOr91SJuybaf0o/6NkYA79Ym0YZthdkKjoLSctCyG6+O0JREItH
wS6A1/gHP8L1c8dgo1MwUTAdBgNVHQ4EFgQUQK4Xs7c/IhkzyYb/3sOjuYEBvPIw
HwYDVR0jBBgwFoAUQK4Xs7c/IhkzyYb/3sOjuYEBvPIwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNIADBFAiEA0FSRcIije1q6D22Z+TovPCzIcwfeBJiUCaOm
V6lL4CUCICIFzuT6lKBUNjGOIHUJW0HPsK/mWk25s0Ck8NOE2RRb
-----END CERTIFICATE-----
`;
const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

export const checks = {
  async 'reviews/self'(wire) {
    const jane = {
      'Impersonate-User': 'jane-doe',
      'Impersonate-Uid': 'uniq-id',
      'Impersonate-Group': ['system:authenticated', 'developers'],
      'Impersonate-Extra-known-languages': ['python', 'javascript'],
    };
    const review = expect(await wire.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, jane), 201);
    assert.equal(review.kind, 'SelfSubjectReview');
    assert.deepEqual(review.status.userInfo, {
      username: 'jane-doe',
      uid: 'uniq-id',
      groups: ['system:authenticated', 'developers'],
      extra: { 'known-languages': ['python', 'javascript'] },
    });
    const own = expect(await wire.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {}), 201);
    assert.ok(own.status.userInfo.groups.includes('system:authenticated'));
  },

  async 'reviews/of-an-account'(wire, namespace) {
    const account = expect(await wire.post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'e2e' } }), 201);
    const user = `system:serviceaccount:${namespace}:e2e`;
    const groups = ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${namespace}`];
    const spec = { resourceAttributes: { verb: 'list', resource: 'configmaps', namespace, version: 'v1' }, user, groups, uid: account.metadata.uid };
    const list = () => wire.get( `/api/v1/namespaces/${namespace}/configmaps`, { 'Impersonate-User': user, 'Impersonate-Uid': account.metadata.uid, 'Impersonate-Group': groups });
    const asked = async () => [
      expect(await wire.post(`${REVIEWS}/subjectaccessreviews`, { spec }), 201).status.allowed,
      expect(await wire.post(`${REVIEWS}/namespaces/${namespace}/localsubjectaccessreviews`, { metadata: { namespace }, spec }), 201).status.allowed,
      (await list()).code === 200,
    ];
    assert.deepEqual(await asked(), [false, false, false]);
    refused(await list(), 403, 'Forbidden', /cannot list resource "configmaps" in API group ""/);
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }];
    expect(await wire.post(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`, { metadata: { name: 'e2e' }, rules }), 201);
    const binding = { metadata: { name: 'e2e' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'e2e' }, subjects: [{ kind: 'ServiceAccount', name: 'e2e', namespace }] };
    expect(await wire.post(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`, binding), 201);
    await eventually(async () => assert.deepEqual(await asked(), [true, true, true]));
  },

  async 'accounts/life'(wire, namespace) {
    const all = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    const label = 'test-serviceaccount-static%3Dtrue';
    const made = expect(await wire.post(all, { metadata: { name: 'life', labels: { 'test-serviceaccount-static': 'true' } } }), 201);
    assert.equal(expect(await wire.get(`${all}/life`), 200).metadata.uid, made.metadata.uid);
    const w = wire.watch(`${all}?labelSelector=${label}&timeoutSeconds=600`);
    await w.until((e) => e.type === 'ADDED', 'what is there');
    expect(await wire.patch(`${all}/life`, { metadata: { creationTimestamp: null }, automountServiceAccountToken: false }, STRATEGIC), 200);
    await w.until((e) => e.type === 'MODIFIED', 'the patch');
    const found = expect(await wire.get(`/api/v1/serviceaccounts?labelSelector=${label}`), 200).items;
    assert.deepEqual(found.map((o) => [o.metadata.namespace, o.metadata.name, o.automountServiceAccountToken]), [[namespace, 'life', false]]);
    expect(await wire.put(`${all}/life`, { ...found[0], apiVersion: 'v1', kind: 'ServiceAccount', automountServiceAccountToken: true }), 200);
    assert.equal(expect(await wire.get(`${all}/life`), 200).automountServiceAccountToken, true);
    expect(await wire.del(all, {}), 200);
    await w.until((e) => e.type === 'DELETED', 'the end');
    w.stop();
  },

  async 'accounts/automount'(wire, namespace) {
    const wanted = { mount: true, nomount: false };
    for (const [name, automountServiceAccountToken] of Object.entries({ ...wanted, unsaid: undefined }))
      expect(await wire.post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name }, automountServiceAccountToken }), 201);
    for (const [account, byAccount] of Object.entries({ ...wanted, unsaid: true }))
      for (const byPod of [undefined, true, false]) {
        const spec = { containers: [{ name: 'c', image: 'i' }], serviceAccountName: account, restartPolicy: 'Never', automountServiceAccountToken: byPod };
        const pod = expect(await wire.post(`/api/v1/namespaces/${namespace}/pods`, { metadata: { generateName: 'pod-' }, spec }), 201);
        const mounts = pod.spec.containers[0].volumeMounts ?? [];
        assert.equal(mounts.some((m) => m.mountPath === TOKEN_MOUNT), byPod ?? byAccount, `${account} ${byPod}`);
        if (mounts.length) assert.ok(pod.spec.volumes.some((v) => v.projected.sources.some((s) => s.serviceAccountToken)));
      }
  },

  async 'accounts/tokens'(wire, namespace) {
    const one = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
    const asked = expect(await wire.post(`${one}/token`, { spec: { audiences: ['oidc-discovery-test'], expirationSeconds: 600 } }), 201);
    assert.equal(asked.kind, 'TokenRequest');
    const said = claims(asked.status.token);
    assert.deepEqual([said.aud, said.sub, said.exp - said.iat], [['oidc-discovery-test'], `system:serviceaccount:${namespace}:default`, 600]);
    assert.equal(said['kubernetes.io'].serviceaccount.name, 'default');
    const plain = expect(await wire.post(`${one}/token`, {}), 201).status.token; // as controllers ask for their own
    const bearer = { Authorization: `Bearer ${plain}` };
    const configuration = expect(await wire.get('/.well-known/openid-configuration', bearer), 200);
    assert.equal(configuration.issuer, claims(plain).iss);
    assert.match(configuration.jwks_uri, /\/openid\/v1\/jwks$/);
    const keys = await wire.get('/openid/v1/jwks', bearer);
    assert.equal(keys.headers['content-type'], 'application/jwk-set+json');
    const kid = JSON.parse(Buffer.from(plain.split('.')[0], 'base64url')).kid;
    assert.ok(expect(keys, 200).keys.some((k) => k.kid === kid));
    const review = expect(await wire.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: plain } }), 201);
    assert.equal(review.status.authenticated, true);
    assert.equal(review.status.user.username, `system:serviceaccount:${namespace}:default`);
    const other = expect(await wire.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: asked.status.token } }), 201);
    assert.equal(other.status.authenticated ?? false, false);
  },

  async 'certificates/life'(wire) {
    const all = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
    const signerName = 'example.com/checks';
    const selected = `${all}?fieldSelector=${encodeURIComponent(`spec.signerName=${signerName}`)}`;
    const object = { metadata: { generateName: 'check-csr-' }, spec: { request: Buffer.from(REQUEST_PEM).toString('base64'), signerName, expirationSeconds: 3600, usages: ['digital signature', 'key encipherment', 'server auth'] } };
    const made = [];
    for (let i = 0; i < 3; i++) made.push(expect(await wire.post(all, object), 201));
    const one = `${all}/${made[2].metadata.name}`;
    assert.ok(made[2].spec.username);
    const list = expect(await wire.get(selected), 200);
    assert.equal(list.items.length, 3);
    const w = wire.watch(`${selected}&resourceVersion=${list.metadata.resourceVersion}`);
    expect(await wire.patch(one, { metadata: { annotations: { patched: 'true' } } }, MERGE), 200);
    await w.until((e) => e.type === 'MODIFIED' && e.object.metadata.annotations?.patched, 'the patch');
    w.stop();
    for (const part of ['approval', 'status']) assert.equal(expect(await wire.get(`${one}/${part}`), 200).metadata.uid, made[2].metadata.uid);
    const condition = (type) => ({ type, status: 'True', reason: 'check' });
    const approval = expect(await wire.patch(`${one}/approval`, { metadata: { annotations: { patchedapproval: 'true' } }, status: { conditions: [condition('ApprovalPatch')] } }, MERGE), 200);
    assert.deepEqual([approval.status.conditions.map((c) => c.type), approval.metadata.annotations.patchedapproval], [['ApprovalPatch'], 'true']);
    approval.status.conditions.push({ ...condition('Approved'), message: 'set by a check' });
    const approved = expect(await wire.put(`${one}/approval`, approval), 200);
    assert.deepEqual(approved.status.conditions.map((c) => c.type), ['ApprovalPatch', 'Approved']);
    approved.status.conditions.push(condition('StatusUpdate'));
    const updated = expect(await wire.put(`${one}/status`, approved), 200);
    assert.ok(updated.status.conditions.some((c) => c.type === 'StatusUpdate'));
    const certificate = Buffer.from(CERTIFICATE_PEM).toString('base64');
    const signed = expect(await wire.patch(`${one}/status`, { metadata: { annotations: { patchedstatus: 'true' } }, status: { certificate } }, MERGE), 200);
    assert.deepEqual([signed.status.certificate, signed.metadata.annotations.patchedstatus], [certificate, 'true']);
    refused(await wire.put(`${one}/approval`, { ...signed, status: { conditions: [] } }), 422, 'Invalid');
    expect(await wire.del(one, {}), 200);
    refused(await wire.get(one), 404, 'NotFound');
    assert.equal(expect(await wire.get(selected), 200).items.length, 2);
    expect(await wire.del(selected, {}), 200);
    assert.deepEqual(expect(await wire.get(selected), 200).items, []);
  },
};

export const full = {
  async 'root-certificate'(wire, namespace) {
    const one = `/api/v1/namespaces/${namespace}/configmaps/kube-root-ca.crt`;
    const there = () => eventually(async () => assert.match(expect(await wire.get(one), 200).data['ca.crt'], /BEGIN CERTIFICATE/));
    await there();
    expect(await wire.del(one, { gracePeriodSeconds: 0 }), 200);
    await there();
    expect(await wire.put(one, { metadata: { name: 'kube-root-ca.crt' }, data: { 'ca.crt': '' } }), 200);
    await there();
  },

  async 'default-account'(wire, namespace) {
    const one = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
    const first = await eventually(async () => expect(await wire.get(one), 200));
    expect(await wire.del(one, {}), 200);
    await eventually(async () => assert.notEqual(expect(await wire.get(one), 200).metadata.uid, first.metadata.uid));
  },
};
