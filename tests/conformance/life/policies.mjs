// ValidatingAdmissionPolicies at work, and the limits of namespaces that need no controller.
import assert from 'node:assert/strict';
import { eventually, expect, MERGE, refused, STRATEGIC } from './wire.mjs';

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const template = { metadata: { labels: { app: 'nginx' } }, spec: { containers: [{ name: 'nginx', image: 'nginx:latest' }] } };
const workload = (name, replicas) => ({ metadata: { name, labels: { app: 'nginx' } }, spec: { replicas, selector: { matchLabels: { app: 'nginx' } }, template } });

// A policy bound to one namespace by a label, over deployments.
async function bind(wire, namespace, spec) {
  const label = { matchLabels: { [namespace]: 'true' } };
  expect(await wire.patch(`/api/v1/namespaces/${namespace}`, { metadata: { labels: label.matchLabels } }, STRATEGIC), 200);
  const policyName = `${namespace}.policy.example.com`;
  const resourceRules = [{ operations: ['CREATE', 'UPDATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }];
  expect(await wire.post(`${ADMISSION}/validatingadmissionpolicies`, { metadata: { name: policyName }, spec: { matchConstraints: { namespaceSelector: label, resourceRules }, ...spec } }), 201);
  const binding = { policyName, matchResources: { namespaceSelector: label }, validationActions: ['Deny'] };
  expect(await wire.post(`${ADMISSION}/validatingadmissionpolicybindings`, { metadata: { name: `${namespace}.binding.example.com` }, spec: binding }), 201);
  const apps = `/apis/apps/v1/namespaces/${namespace}`;
  await eventually(async () => {
    const answer = await wire.post(`${apps}/deployments?dryRun=All`, workload('marker', 1));
    refused(answer, 422, 'Invalid');
  });
  return apps;
}

export const checks = {
  async 'policies/denies'(wire, namespace) {
    const apps = await bind(wire, namespace, {
      validations: [
        { expression: 'object.spec.replicas > 1', messageExpression: "'wants replicas > 1, got ' + object.spec.replicas" },
        { expression: `namespaceObject.metadata.name == '${namespace}'`, message: 'Internal error! Other namespace should not be allowed.' },
      ],
    });
    expect(await wire.post(`${apps}/deployments`, workload('replicated', 2)), 201);
    expect(await wire.post(`${apps}/replicasets`, workload('non-replicated', 1)), 201);
    const status = refused(await wire.post(`${apps}/deployments`, workload('single', 1)), 422, 'Invalid', /ValidatingAdmissionPolicy '.*\.policy\.example\.com' with binding '.*\.binding\.example\.com' denied request/);
    assert.match(status.message, /^deployments\.apps "single" is forbidden/);
    refused(await wire.patch(`${apps}/deployments/replicated`, { spec: { replicas: 1 } }, MERGE), 422, 'Invalid');
    expect(await wire.patch(`${apps}/deployments/replicated/scale`, { spec: { replicas: 1 } }, MERGE), 200);
  },

  async 'policies/variables'(wire, namespace) {
    const apps = await bind(wire, namespace, {
      variables: [{ name: 'replicas', expression: 'object.spec.replicas' }, { name: 'oddReplicas', expression: 'variables.replicas % 2 == 1' }],
      validations: [{ expression: 'variables.replicas > 1' }, { expression: 'variables.oddReplicas' }],
    });
    expect(await wire.post(`${apps}/deployments`, workload('three', 3)), 201);
    refused(await wire.post(`${apps}/deployments`, workload('four', 4)), 422, 'Invalid', /failed expression: variables\.oddReplicas/);
    expect(await wire.post(`${apps}/replicasets`, workload('one', 1)), 201);
  },

  async 'policies/refused'(wire) {
    const of = (expression) => ({ metadata: { name: 'wrong.example.com' }, spec: { matchConstraints: { resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] }, validations: [{ expression }] } });
    refused(await wire.post(`${ADMISSION}/validatingadmissionpolicies`, of('object.spec.')), 422, 'Invalid', /spec\.validations\[0\]\.expression: Invalid value: "object\.spec\.": compilation failed/);
    refused(await wire.post(`${ADMISSION}/validatingadmissionpolicies`, of('1 + 1')), 422, 'Invalid', /must evaluate to bool/);
  },

  async 'quotas/life'(wire, namespace) {
    const all = `/api/v1/namespaces/${namespace}/resourcequotas`;
    const name = 'e2e-quota';
    const label = { 'e2e-rq-label': namespace };
    expect(await wire.post(all, { metadata: { name, labels: label }, spec: { hard: { cpu: '1', memory: '500Mi' } } }), 201);
    assert.deepEqual(expect(await wire.get(`${all}/${name}`), 200).spec.hard, { cpu: '1', memory: '500Mi' });
    const selected = `?labelSelector=e2e-rq-label%3D${namespace}`;
    assert.equal(expect(await wire.get(`/api/v1/resourcequotas${selected}`), 200).items.length, 1);
    const patched = expect(await wire.patch(`${all}/${name}`, { metadata: { labels: { [name]: 'patched' } }, spec: { hard: { memory: '750Mi' } } }, STRATEGIC), 200);
    assert.deepEqual([patched.metadata.labels[name], patched.spec.hard], ['patched', { cpu: '1', memory: '750Mi' }]);
    // a client that never read it sends it whole, without a revision
    const replaced = expect(await wire.put(`${all}/${name}`, { metadata: { name, labels: label }, spec: { hard: { cpu: '2', memory: '1Gi' } } }), 200);
    assert.deepEqual(replaced.spec.hard, { cpu: '2', memory: '1Gi' });
    const w = wire.watch(`${all}${selected}&resourceVersion=${replaced.metadata.resourceVersion}`);
    replaced.status = { hard: { cpu: '500m', memory: '500Mi' } };
    expect(await wire.put(`${all}/${name}/status`, replaced), 200);
    await w.until((e) => e.object.status.hard?.cpu === '500m', 'the status');
    const status = expect(await wire.patch(`${all}/${name}/status`, { spec: { hard: { cpu: '9' } }, status: { hard: { cpu: '1', memory: '1Gi' } } }, STRATEGIC), 200);
    assert.deepEqual([status.status.hard, status.spec.hard], [{ cpu: '1', memory: '1Gi' }, { cpu: '2', memory: '1Gi' }]);
    assert.deepEqual(expect(await wire.get(`${all}/${name}/status`), 200).spec.hard, { cpu: '2', memory: '1Gi' });
    w.stop();
    expect(await wire.del(`${all}${selected}`, {}), 200);
    refused(await wire.get(`${all}/${name}`), 404, 'NotFound');
  },
};
