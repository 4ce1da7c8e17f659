// Goal: every kind that discovery names lives as generic clients expect: see life/steps.mjs; what concerns single kinds or
// the server as a whole is by family in life/{access,apps,definitions,hooks,informers,machinery,network,nodes,policies,storage}.mjs.
// Method: raw HTTPS against `paddock-sim apiserver --bare`; kinds side by side, the steps of one kind in order. What the
// steps need to know of a kind is data (life/kinds.mjs); a kind without a row there fails, so none is forgotten. What
// needs controllers (`full` of a family, life/control.mjs, life/controllers.mjs) runs against a server that has them.
//
// usage: life.mjs SIM WORK [ONLY]        results in WORK/life.results, judged by verdict
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { checks as access, full as accounts } from './life/access.mjs';
import { checks as apps } from './life/apps.mjs';
import { full as control } from './life/control.mjs';
import { full as controllers } from './life/controllers.mjs';
import { checks as definitions } from './life/definitions.mjs';
import { checks as hooks } from './life/hooks.mjs';
import { checks as informers } from './life/informers.mjs';
import { kinds, without } from './life/kinds.mjs';
import { checks as machinery } from './life/machinery.mjs';
import { checks as network, full as services } from './life/network.mjs';
import { checks as nodes, full as pods } from './life/nodes.mjs';
import { checks as policies } from './life/policies.mjs';
import { steps } from './life/steps.mjs';
import { checks as storage, full as volumes } from './life/storage.mjs';
import { eventually, expect, Wire } from './life/wire.mjs';
import { startServer } from './server.mjs';

const [sim, work, only] = process.argv.slice(2);
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const SIDE_BY_SIDE = 8;
const wanted = new RegExp(only || '');
const results = [];

function note(name, e) {
  const why = e ? String(e.message ?? e).replace(/\s+/g, ' ').slice(0, 500) : '';
  results.push(e ? `bad life/${name} ${why}` : `ok life/${name}`);
}

// What the steps need of a kind.
function describe(wire, groupName, version, found, number) {
  const table = groupName ? `${found.resource}.${groupName}` : found.resource;
  const row = kinds[table];
  assert.ok(row, `life/kinds.mjs knows no ${table}`);
  const namespaced = found.scope === 'Namespaced';
  const base = groupName ? `/apis/${groupName}/${version}` : `/api/${version}`;
  const namespace = `life-${number}`;
  const order = (letter) => ({ none: 99 })[letter] ?? letter.charCodeAt(0) - 96;
  const c = {
    wire,
    resource: found.resource,
    kind: found.responseKind.kind,
    version: groupName ? `${groupName}/${version}` : version,
    verbs: found.verbs,
    subresources: (found.subresources ?? []).map((s) => s.subresource),
    namespaced,
    namespace,
    all: namespaced ? `${base}/namespaces/${namespace}/${found.resource}` : `${base}/${found.resource}`,
    everywhere: `${base}/${found.resource}`,
    label: `life%3D${namespace}`,
    fixed: row.name !== undefined || row.subnets,
    foreign: row.foreign,
    upserts: row.upserts,
    change: row.change,
    status: row.status,
    name: (letter) => (row.name ? row.name(order(letter)) : `life-${number}-${letter}`),
  };
  c.one = (letter) => `${c.all}/${c.name(letter)}`;
  c.object = (letter) => {
    const body = typeof row.body === 'function' ? row.body(c.name(letter), order(letter)) : row.body;
    return {
      apiVersion: c.version,
      kind: c.kind,
      ...JSON.parse(JSON.stringify(body).replaceAll('$namespace', namespace)),
      metadata: { name: c.name(letter), labels: { life: namespace } },
    };
  };
  // Ends what a deletion has only begun: takes every finalizer off.
  c.finish = (letter, name = c.name(letter)) =>
    eventually(async () => {
      const one = `${c.all}/${name}`;
      const read = await wire.get(one);
      if (read.code === 404) return;
      const object = expect(read, 200);
      assert.ok(object.metadata.deletionTimestamp, `${object.metadata.name} is not being deleted`);
      if (object.metadata.finalizers) await wire.patch(one, { metadata: { finalizers: null } });
      if (found.resource === 'namespaces') {
        const bare = expect(await wire.get(one), 200);
        expect(await wire.put(`${one}/finalize`, { ...bare, spec: { finalizers: [] } }), 200);
      }
      assert.equal((await wire.get(one)).code, 404, `${object.metadata.name} stays`);
    });
  return c;
}

async function live(c, table) {
  let needs = null; // nothing lives on without these
  for (const [name, step] of Object.entries(steps)) {
    try {
      if (needs) throw needs;
      await step(c);
      note(`${table}/${name}`);
    } catch (e) {
      note(`${table}/${name}`, e);
      if (['create', 'watch-start'].includes(name)) needs = new Error(`needs ${name}`);
    }
  }
  c.watching?.stop();
}

async function together(jobs, most) {
  const left = [...jobs];
  const work = async () => {
    for (let job = left.shift(); job; job = left.shift()) await job();
  };
  await Promise.all(Array.from({ length: most }, work));
}

const server = await startServer(sim, work, 'life', ['--bare']);
const wire = new Wire(server.kubeconfig);
const found = [];
for (const root of ['/api', '/apis']) {
  const list = expect(await wire.get(root, { Accept: AGGREGATED }), 200);
  for (const group of list.items)
    for (const version of group.versions)
      for (const resource of version.resources) found.push([group.metadata?.name ?? '', version.version, resource]);
}
const jobs = [];
found.forEach(([group, version, resource], number) => {
  const table = group ? `${resource.resource}.${version}.${group}` : resource.resource;
  if (without.has(group ? `${resource.resource}.${group}` : resource.resource)) return;
  if (!wanted.test(table)) return;
  jobs.push(async () => {
    try {
      const c = describe(wire, group, version, resource, number);
      const namespace = { metadata: { name: c.namespace } };
      expect(await wire.post('/api/v1/namespaces', namespace), 201);
      expect(await wire.post(`/api/v1/namespaces/${c.namespace}/serviceaccounts`, { metadata: { name: 'default' } }), 201);
      await live(c, table);
    } catch (e) {
      note(`${table}/begin`, e);
    }
  });
});
// Each check by name has a namespace of its own, with an account in it.
function checkJobs(on, family, checks) {
  return Object.entries(checks)
    .filter(([name]) => wanted.test(`${family}/${name}`))
    .map(([name, check]) => async () => {
      const namespace = `${family}-${name}`.replaceAll('/', '-');
      try {
        expect(await on.post('/api/v1/namespaces', { metadata: { name: namespace } }), 201);
        const account = await on.post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } });
        assert.ok([201, 409].includes(account.code)); // 409: a controller was quicker
        await check(on, namespace);
        note(`${family}/${name}`);
      } catch (e) {
        note(`${family}/${name}`, e);
      }
    });
}

for (const [family, checks] of Object.entries({ access, apps, definitions, hooks, informers, machinery, network, nodes, policies, storage })) jobs.push(...checkJobs(wire, family, checks));
await together(jobs, SIDE_BY_SIDE);
wire.agent.destroy();
const end = await server.stop();
note('server-ends-in-order', end ? new Error(end) : undefined);
const whole = await startServer(sim, work, 'life-full', ['--nodes', '2']);
const other = new Wire(whole.kubeconfig);
await together(Object.entries({ accounts, pods, services, volumes, control, controllers }).flatMap(([family, checks]) => checkJobs(other, `full-${family}`, checks)), SIDE_BY_SIDE);
other.agent.destroy();
const ended = await whole.stop();
note('full-server-ends-in-order', ended ? new Error(ended) : undefined);
fs.writeFileSync(path.join(work, 'life.results'), `${results.sort((a, b) => (a.slice(a.indexOf(' ')) < b.slice(b.indexOf(' ')) ? -1 : 1)).join('\n')}\n`);
