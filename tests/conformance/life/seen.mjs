// What typed clients do between two steps: list, act, and look in a watch from the list's revision for what must have come.
import assert from 'node:assert/strict';
import { eventually, expect, PATIENCE_MS, refused } from './wire.mjs';

export const pod = (name = 'c', more = {}) => ({ containers: [{ name, image: 'registry.example/i:1', ...more }] });
export const template = (labels, more = {}) => ({ metadata: { labels }, spec: { ...pod(), terminationGracePeriodSeconds: 0, ...more } });

// Everything of a kind that has a label, from now on.
export class Seen {
  constructor(wire, all, label) {
    this.wire = wire;
    this.all = all;
    this.query = `labelSelector=${encodeURIComponent(label)}`;
  }

  one = (name, sub = '') => `${this.all}/${name}${sub}`;

  async begin() {
    this.from = expect(await this.wire.get(`${this.all}?${this.query}`), 200).metadata.resourceVersion;
    return this;
  }

  // Each look is a watch of its own from where it all began, as clients retry theirs.
  async event(type, test = () => true, ms = PATIENCE_MS) {
    const watch = this.wire.watch(`${this.all}?${this.query}&resourceVersion=${this.from}&allowWatchBookmarks=true&timeoutSeconds=600`);
    try {
      return (await watch.until((e) => (!type || e.type === type) && test(e.object), `${type ?? 'an event'} of ${this.all}`, ms)).object;
    } finally {
      watch.stop();
    }
  }

  list = async () => expect(await this.wire.get(`${this.all}?${this.query}`), 200).items;

  async gone(names, ms) {
    await eventually(async () => assert.deepEqual((await this.list()).map((o) => o.metadata.name), names), ms);
  }

  clear = async (names = [], ms) => {
    expect(await this.wire.del(`${this.all}?${this.query}`), 200);
    await this.gone(names, ms);
  };
}

// Read, change, write; again when somebody else was quicker.
export async function update(wire, where, change, sub = '') {
  for (let tries = 0; ; tries++) {
    const object = expect(await wire.get(where), 200);
    change(object);
    const answer = await wire.put(where + sub, object);
    if (answer.code !== 409 || tries === 20) return expect(answer, 200);
  }
}

// A status that is read, replaced and patched at its own endpoint, and seen in a watch each time.
export async function statusLife(seen, name, type = 'merge-patch+json') {
  const { wire } = seen;
  const read = expect(await wire.get(seen.one(name, '/status')), 200);
  assert.equal(read.metadata.name, name);
  const more = { type: 'StatusUpdate', status: 'True', reason: 'Checked', message: 'set by a check' };
  const set = await update(wire, seen.one(name), (o) => (o.status = { ...o.status, conditions: [...(o.status?.conditions ?? []), more] }), '/status');
  assert.ok(set.status.conditions.some((c) => c.type === 'StatusUpdate' && c.message === more.message));
  await seen.event(null, (o) => o.status?.conditions?.some((c) => c.type === 'StatusUpdate'));
  const body = { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } };
  const patched = expect(await wire.patch(seen.one(name, '/status'), body, `application/${type}`), 200);
  assert.ok(patched.status.conditions.some((c) => c.type === 'StatusPatched'));
  await seen.event(null, (o) => o.status?.conditions?.some((c) => c.type === 'StatusPatched'));
  return patched;
}

// Groups, versions and resources as the documents of discovery name them.
export async function discovered(wire, group, version, names) {
  const groups = expect(await wire.get('/apis'), 200).groups;
  assert.ok(groups.find((g) => g.name === group).versions.some((v) => v.version === version));
  assert.ok(expect(await wire.get(`/apis/${group}`), 200).versions.some((v) => v.version === version));
  const found = expect(await wire.get(`/apis/${group}/${version}`), 200).resources.map((r) => r.name);
  for (const name of names) assert.ok(found.includes(name), `${name} is not among ${found}`);
}

// The life of an API of its own: three objects, a watch from now, and every verb once.
export async function apiLife(wire, all, make, label) {
  const query = `labelSelector=${encodeURIComponent(label)}`;
  const names = ['a', 'b', 'c'].map((letter) => make(letter).metadata.name);
  const one = (i) => `${all}/${names[i]}`;
  const made = expect(await wire.post(all, make('a')), 201);
  refused(await wire.post(all, make('a')), 409, 'AlreadyExists');
  expect(await wire.post(all, make('b')), 201);
  const watch = wire.watch(`${all}?${query}&resourceVersion=${made.metadata.resourceVersion}`);
  try {
    expect(await wire.post(all, make('c')), 201);
    assert.equal(expect(await wire.get(one(0)), 200).metadata.uid, made.metadata.uid);
    const list = expect(await wire.get(`${all}?${query}`), 200);
    assert.deepEqual(list.items.map((o) => o.metadata.name).sort(), [...names].sort());
    const patched = expect(await wire.patch(one(0), { metadata: { annotations: { patched: 'true' } } }), 200);
    assert.equal(patched.metadata.annotations.patched, 'true');
    patched.metadata.annotations.updated = 'true';
    assert.equal(expect(await wire.put(one(0), patched), 200).metadata.annotations.updated, 'true');
    await watch.until((e) => e.type === 'ADDED' && e.object.metadata.name === names[2], 'what was made last');
    await watch.until((e) => e.type === 'MODIFIED' && e.object.metadata.annotations?.updated, 'the update');
    expect(await wire.del(one(0)), 200);
    await watch.until((e) => e.type === 'DELETED' && e.object.metadata.name === names[0], 'the deletion');
    refused(await wire.get(one(0)), 404, 'NotFound');
    expect(await wire.del(`${all}?${query}`), 200);
    assert.deepEqual(expect(await wire.get(`${all}?${query}`), 200).items, []);
  } finally {
    watch.stop();
  }
}
