// Services, endpoints, addresses and what routes to them: each check stands for what a conformance test asks of the API.
import assert from 'node:assert/strict';
import { apiLife, discovered, Seen, statusLife, update } from './seen.mjs';
import { expect, refused, STRATEGIC } from './wire.mjs';

const core = (namespace, resource) => `/api/v1/namespaces/${namespace}/${resource}`;
const networking = (resource, namespace) => `/apis/networking.k8s.io/v1/${namespace ? `namespaces/${namespace}/` : ''}${resource}`;
const service = (name, spec = {}, labels = { service: 'static' }) => ({ metadata: { name, labels }, spec: { ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 80 }], ...spec } });

export const checks = {
  async 'service-status'(wire, namespace) {
    const all = core(namespace, 'services');
    const seen = await new Seen(wire, all, 'service=static').begin();
    const made = expect(await wire.post(all, service('s', { type: 'LoadBalancer', loadBalancerClass: 'example.com/internal-vip' })), 201);
    assert.deepEqual(made.status, { loadBalancer: {} });
    await seen.event('ADDED', (o) => o.metadata.name === 's');
    expect(await wire.get(seen.one('s', '/status')), 200);
    const body = { metadata: { annotations: { patchedstatus: 'true' } }, status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } } };
    const patched = expect(await wire.patch(seen.one('s', '/status'), body), 200);
    assert.equal(patched.metadata.annotations.patchedstatus, 'true');
    assert.deepEqual(patched.status.loadBalancer.ingress, [{ ip: '203.0.113.1', ipMode: 'VIP' }]);
    // Conditions whose time is nobody's business, as Go writes a time that was never set.
    const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set', lastTransitionTime: null };
    const set = await update(wire, seen.one('s'), (o) => (o.status.conditions = [condition]), '/status');
    assert.equal(set.status.conditions[0].lastTransitionTime, null);
    assert.equal(set.status.loadBalancer.ingress.length, 1);
    await seen.event('MODIFIED', (o) => o.status.conditions?.[0].type === 'StatusUpdate');
    const label = { metadata: { labels: { service: 'static', more: 'patched' } } };
    assert.equal(expect(await wire.patch(seen.one('s'), label, STRATEGIC), 200).metadata.labels.more, 'patched');
    await seen.event('MODIFIED', (o) => o.metadata.labels.more === 'patched');
    expect(await wire.del(seen.one('s')), 200);
    await seen.event('DELETED', (o) => o.metadata.name === 's');
  },

  async 'service-status-refused'(wire, namespace) {
    const all = core(namespace, 'services');
    expect(await wire.post(all, service('s')), 201);
    expect(await wire.post(all, service('l', { type: 'LoadBalancer' })), 201);
    const at = (ingress) => ({ status: { loadBalancer: { ingress: [ingress] } } });
    refused(await wire.patch(`${all}/s/status`, at({ ip: '203.0.113.1' })), 422, 'Invalid', /status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'/);
    refused(await wire.patch(`${all}/l/status`, at({ ip: 'x' })), 422, 'Invalid', /status.loadBalancer.ingress\[0\].ip: Invalid value: "x": must be a valid IP address/);
    refused(await wire.patch(`${all}/l/status`, at({ hostname: '1.2.3.4' })), 422, 'Invalid', /must be a DNS name, not an IP address/);
    refused(await wire.patch(`${all}/l/status`, at({ hostname: 'a.b', ipMode: 'VIP' })), 422, 'Invalid', /ipMode: Forbidden: may not be specified when `ip` is not set/);
    refused(await wire.patch(`${all}/l/status`, at({ ip: '203.0.113.1', ipMode: 'No' })), 422, 'Invalid', /ipMode: Unsupported value: "No": supported values: "Proxy", "VIP"/);
  },

  async 'service-collection'(wire, namespace) {
    const all = core(namespace, 'services');
    const seen = new Seen(wire, all, 'collection in (one,two)');
    for (const [name, collection] of [['a', 'one'], ['b', 'two'], ['c', 'three']]) expect(await wire.post(all, service(name, {}, { collection })), 201);
    assert.equal((await seen.list()).length, 2);
    await seen.clear();
    assert.deepEqual(expect(await wire.get(all), 200).items.map((o) => o.metadata.name), ['c']);
  },

  async 'service-kubernetes'(wire) {
    const found = expect(await wire.get('/api/v1/services'), 200).items.find((o) => o.metadata.namespace === 'default' && o.metadata.name === 'kubernetes');
    assert.deepEqual([found.spec.ports[0].name, found.spec.ports[0].port, found.spec.type], ['https', 443, 'ClusterIP']);
    const endpoints = expect(await wire.get('/api/v1/namespaces/default/endpoints/kubernetes'), 200);
    const addresses = endpoints.subsets.flatMap((s) => s.addresses.map((a) => a.ip));
    assert.ok(addresses.length > 0);
    const slices = expect(await wire.get('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes'), 200).items;
    assert.equal(slices.length, 1);
    assert.deepEqual(slices[0].endpoints.flatMap((e) => e.addresses), addresses);
    assert.equal(slices[0].ports[0].name, 'https');
    assert.equal(slices[0].ports[0].port, endpoints.subsets[0].ports[0].port);
  },

  // From each type to each other: addresses and ports come and go, and are free again.
  async 'service-types'(wire, namespace) {
    const all = core(namespace, 'services');
    const external = { type: 'ExternalName', externalName: 'foo.example.com', ports: undefined };
    const plain = (o) => {
      for (const member of ['externalName', 'clusterIP', 'clusterIPs']) delete o.spec[member];
    };
    expect(await wire.post(all, service('s', external)), 201);
    const one = `${all}/s`;
    let now = await update(wire, one, (o) => {
      plain(o);
      o.spec.type = 'ClusterIP';
      o.spec.ports = [{ port: 80, name: 'http', protocol: 'TCP' }];
    });
    assert.match(now.spec.clusterIP, /^\d/);
    assert.deepEqual(now.spec.clusterIPs, [now.spec.clusterIP]);
    now = await update(wire, one, (o) => {
      o.spec.type = 'ExternalName';
      o.spec.externalName = 'foo.example.com';
      o.spec.clusterIP = '';
      delete o.spec.clusterIPs;
    });
    assert.deepEqual([now.spec.clusterIP, now.spec.clusterIPs, now.spec.ipFamilies], [undefined, undefined, undefined]);
    now = await update(wire, one, (o) => {
      plain(o);
      o.spec.type = 'NodePort';
      o.spec.ports = [{ port: 80, name: 'http', protocol: 'TCP' }];
    });
    assert.ok(now.spec.ports[0].nodePort >= 30000);
    assert.equal(now.spec.externalTrafficPolicy, 'Cluster');
    const port = now.spec.ports[0].nodePort;
    refused(await wire.post(all, service('t', { type: 'NodePort', ports: [{ port: 1, nodePort: port }] })), 422, 'Invalid', /provided port is already allocated/);
    now = await update(wire, one, (o) => {
      o.spec.type = 'ExternalName';
      o.spec.externalName = 'foo.example.com';
      delete o.spec.clusterIP;
      delete o.spec.clusterIPs;
    });
    assert.deepEqual([now.spec.clusterIP, now.spec.externalTrafficPolicy, now.spec.ports[0].nodePort], [undefined, undefined, undefined]);
    expect(await wire.post(all, service('t', { type: 'NodePort', ports: [{ port: 1, nodePort: port }] })), 201);
  },

  async 'service-affinity'(wire, namespace) {
    const all = core(namespace, 'services');
    const made = expect(await wire.post(all, service('s', { sessionAffinity: 'ClientIP' })), 201);
    assert.equal(made.spec.sessionAffinityConfig.clientIP.timeoutSeconds, 10800);
    const none = await update(wire, `${all}/s`, (o) => (o.spec.sessionAffinity = 'None'));
    assert.equal(none.spec.sessionAffinityConfig, undefined);
    const again = await update(wire, `${all}/s`, (o) => (o.spec.sessionAffinity = 'ClientIP'));
    assert.equal(again.spec.sessionAffinityConfig.clientIP.timeoutSeconds, 10800);
  },

  async 'endpoints-life'(wire, namespace) {
    const all = core(namespace, 'endpoints');
    const seen = await new Seen(wire, all, 'static=true').begin();
    const subset = (ip, port) => ({ addresses: [{ ip }], ports: [{ name: 'http', port, protocol: 'TCP' }] });
    expect(await wire.post(all, { metadata: { name: 'e', labels: { static: 'true' } }, subsets: [subset('10.0.0.24', 80)] }), 201);
    await seen.event('ADDED', (o) => o.metadata.name === 'e');
    assert.equal(expect(await wire.get('/api/v1/endpoints?labelSelector=static%3Dtrue'), 200).items.filter((o) => o.metadata.namespace === namespace).length, 1);
    await update(wire, seen.one('e'), (o) => (o.metadata.labels.more = 'updated'));
    await seen.event('MODIFIED', (o) => o.metadata.labels.more === 'updated');
    const patch = { metadata: { labels: { more: 'patched' } }, subsets: [subset('10.0.0.25', 8080)] };
    const patched = expect(await wire.patch(seen.one('e'), patch, STRATEGIC), 200);
    assert.deepEqual(patched.subsets, patch.subsets);
    await seen.event('MODIFIED', (o) => o.metadata.labels.more === 'patched');
    expect(await wire.del(`${all}?${seen.query}`), 200);
    await seen.event('DELETED', (o) => o.metadata.name === 'e');
  },

  async 'slices-life'(wire, namespace) {
    await discovered(wire, 'discovery.k8s.io', 'v1', ['endpointslices']);
    const all = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    const make = (letter) => ({ metadata: { name: `s-${letter}`, labels: { special: 'slice' } }, addressType: 'IPv4', endpoints: [{ addresses: ['1.2.3.4', '5.6.7.8'] }] });
    await apiLife(wire, all, make, 'special=slice');
  },

  async 'ingress-life'(wire, namespace) {
    await discovered(wire, 'networking.k8s.io', 'v1', ['ingresses', 'ingresses/status', 'ingressclasses']);
    const all = networking('ingresses', namespace);
    const backend = { service: { name: 'default-backend', port: { name: '', number: 8080 } } };
    const paths = [{ path: '/', pathType: 'ImplementationSpecific', backend: { service: { name: 'test-backend', port: { number: 8080 } } } }];
    const make = (letter) => ({ metadata: { generateName: undefined, name: `i-${letter}`, labels: { special: 'ingress' } }, spec: { defaultBackend: backend, rules: [{ host: 'foo.bar.com', http: { paths } }] }, status: { loadBalancer: {} } });
    const made = expect(await wire.post(all, make('z')), 201);
    const body = { metadata: { annotations: { patchedstatus: 'true' } }, status: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } } };
    const patched = expect(await wire.patch(`${all}/i-z/status`, body), 200);
    assert.deepEqual(patched.status.loadBalancer.ingress, [{ ip: '169.1.1.1' }]);
    assert.equal(patched.metadata.annotations.patchedstatus, 'true');
    const set = await update(wire, `${all}/i-z`, (o) => (o.status.loadBalancer.ingress = [{ ip: '169.1.1.2' }]), '/status');
    assert.equal(set.status.loadBalancer.ingress[0].ip, '169.1.1.2');
    assert.equal(expect(await wire.get(`${all}/i-z/status`), 200).metadata.uid, made.metadata.uid);
    refused(await wire.patch(`${all}/i-z/status`, { status: { loadBalancer: { ingress: [{ ip: 'x' }] } } }), 422, 'Invalid', /status.loadBalancer.ingress\[0\].ip/);
    expect(await wire.del(`${all}/i-z`), 200);
    await apiLife(wire, all, make, 'special=ingress');
  },

  async 'ingressclass-life'(wire, namespace) {
    const make = (letter) => ({ metadata: { name: `${namespace}-${letter}`, labels: { special: namespace } }, spec: { controller: 'example.com/controller' } });
    await apiLife(wire, networking('ingressclasses'), make, `special=${namespace}`);
  },

  async 'addresses-life'(wire, namespace) {
    await discovered(wire, 'networking.k8s.io', 'v1', ['ipaddresses', 'servicecidrs', 'servicecidrs/status']);
    const all = networking('ipaddresses');
    const make = (name, type) => ({ metadata: { name, labels: { type } }, spec: { parentRef: { group: 'mygroup', resource: 'myresources', namespace: 'foo', name: 'bar' } } });
    const mine = `${namespace}-b`;
    const linked = `${namespace}-l`;
    expect(await wire.post(all, make('255.255.255.255', mine)), 201);
    expect(await wire.post(all, make('fe80::42:1dff:fe84:f9e2', linked)), 201);
    const one = `${all}/255.255.255.255`;
    expect(await wire.patch(one, { metadata: { annotations: { patched: 'true' } } }), 200);
    await update(wire, one, (o) => (o.metadata.annotations.updated = 'true'));
    assert.equal(expect(await wire.get(`${all}?labelSelector=type%3D${mine}`), 200).items.length, 1);
    expect(await wire.del(one), 200);
    expect(await wire.del(`${all}?labelSelector=type%3D${linked}`), 200);
    assert.deepEqual(expect(await wire.get(`${all}?labelSelector=type%3D${linked}`), 200).items, []);
    refused(await wire.post(all, make('FE80::42', mine)), 422, 'Invalid');
  },

  async 'servicecidr-default'(wire) {
    const one = networking('servicecidrs') + '/kubernetes';
    const was = expect(await wire.get(one), 200);
    assert.ok(was.spec.cidrs.length > 0);
    const ready = was.status.conditions.find((c) => c.type === 'Ready');
    assert.equal(ready.status, 'True');
    assert.equal(expect(await wire.patch(one, { metadata: { annotations: { patched: 'true' } } }), 200).metadata.annotations.patched, 'true');
    assert.equal((await update(wire, one, (o) => (o.metadata.annotations.updated = 'true'))).metadata.annotations.updated, 'true');
    assert.ok(expect(await wire.get(networking('servicecidrs')), 200).items.length > 0);
    refused(await wire.patch(one, { spec: { cidrs: ['10.99.0.0/16'] } }), 422, 'Invalid');
  },

  async 'policy-life'(wire, namespace) {
    const all = networking('networkpolicies', namespace);
    const make = (letter) => ({ metadata: { name: `p-${letter}`, labels: { special: 'policy' } }, spec: { podSelector: { matchLabels: { pod: 'x' } }, ingress: [{ from: [{ namespaceSelector: { matchLabels: { ns: 'y' } } }] }] } });
    await apiLife(wire, all, make, 'special=policy');
  },
};

// With controllers beside them: what is nobody's is left alone.
export const full = { 'endpoints-life': checks['endpoints-life'], 'service-types': checks['service-types'], 'slices-life': checks['slices-life'] };
