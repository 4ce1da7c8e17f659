// Goal: with --datastore sqlite:FILE nothing that was acknowledged is lost by kill -9, and nothing else half-appears.
// Method: in each round writers create, update and delete ConfigMaps, each its own keys, one request at a time, until the
// server is killed at a random moment; the next server must hold for each key what was acknowledged last, or what the one
// request that had no answer would have made of it: whole, and nothing else. Revisions never come twice: the next server
// goes on behind every revision that was seen, and tells who resumes from one that it is too old.
// usage: node datastore.mjs SIM WORK ROUNDS      PADDOCK_SEED repeats the choices of a run (not its timing)
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';

const [, , sim, work, roundsText] = process.argv;
const rounds = Number(roundsText);
const WRITERS = 32;
const KEYS = 4; // of each writer
const folder = path.join(work, 'datastore');
const seed = Number(process.env.PADDOCK_SEED ?? Date.now() % 1000000);

let state = seed;
function random(n) {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) % n;
}

const problems = [];
function expect(held, what) {
  if (!held && problems.length < 20) problems.push(what);
}

// ---- the server ----
function credentials(kubeconfig) {
  const text = fs.readFileSync(kubeconfig, 'utf8');
  const part = (name) => Buffer.from(text.match(new RegExp(`${name}: (\\S+)`))[1], 'base64');
  return {
    ca: part('certificate-authority-data'),
    cert: part('client-certificate-data'),
    key: part('client-key-data'),
    server: text.match(/server: (\S+)/)[1],
  };
}

let running;
process.on('exit', () => running?.kill('SIGKILL'));

async function start() {
  const kubeconfig = path.join(folder, 'kubeconfig');
  const child = spawn(
    sim,
    ['apiserver', '--bare', '--datastore', `sqlite:${path.join(folder, 'data')}`, '--kubeconfig-out', kubeconfig],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  running = child;
  const ended = new Promise((resolve) => child.on('exit', resolve));
  await new Promise((resolve, reject) => {
    child.stdout.on('data', (text) => /^ready /m.test(text) && resolve());
    ended.then(() => reject(new Error('the server ends at its start')));
  });
  const own = credentials(kubeconfig);
  return { child, ended, ...own, agent: new https.Agent({ keepAlive: true, ca: own.ca, cert: own.cert, key: own.key }) };
}

// null: no answer.
function call(server, method, target, body) {
  return new Promise((resolve) => {
    const text = body && JSON.stringify(body);
    const headers = text ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) } : {};
    const request = https.request(server.server + target, { method, agent: server.agent, headers }, (answer) => {
      let all = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece) => (all += piece));
      answer.on('end', () => resolve(answer.complete ? { status: answer.statusCode, body: JSON.parse(all) } : null));
      answer.on('error', () => resolve(null));
      answer.on('aborted', () => resolve(null));
    });
    request.on('error', () => resolve(null));
    request.end(text);
  });
}

// ---- writers ----
const base = '/api/v1/namespaces/default/configmaps';
const kept = new Map(); // name -> value that was acknowledged last; absent: no such object
const open = new Map(); // name -> value of the request without an answer; null: its deletion
let acknowledged = 0;
let unanswered = 0;
let revision = 0; // the greatest that was seen
let next = 1;

function object(name, value) {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { value: String(value) } },
    data: { value: String(value), filler: `${value}.`.repeat(40 + (value % 200)) },
  };
}

async function write(server, name) {
  const there = kept.has(name);
  const value = there && random(4) === 0 ? null : next++;
  open.set(name, value);
  const answer = value === null
    ? await call(server, 'DELETE', `${base}/${name}`)
    : there
      ? await call(server, 'PUT', `${base}/${name}`, object(name, value))
      : await call(server, 'POST', base, object(name, value));
  if (!answer) {
    unanswered++;
    return false;
  }
  open.delete(name);
  expect(answer.status < 300, `${name}: a write was answered with ${answer.status}: ${answer.body.message}`);
  acknowledged++;
  if (value === null) kept.delete(name);
  else kept.set(name, value);
  revision = Math.max(revision, Number(answer.body.metadata?.resourceVersion ?? 0));
  return true;
}

async function writer(server, number) {
  while (await write(server, `w${number}-${random(KEYS)}`));
}

// ---- what is left ----
function isWhole(o) {
  const made = object(o.metadata.name, Number(o.data.value));
  return o.data.filler === made.data.filler && o.metadata.labels.value === o.data.value;
}

async function check(server, round) {
  const list = await call(server, 'GET', base);
  const there = new Map(list.body.items.map((o) => [o.metadata.name, o]));
  expect(Number(list.body.metadata.resourceVersion) >= revision, `round ${round}: the revision went back`);
  for (const name of new Set([...kept.keys(), ...open.keys(), ...there.keys()])) {
    const found = there.get(name);
    const value = found ? Number(found.data.value) : null;
    const wanted = [kept.get(name) ?? null, ...(open.has(name) ? [open.get(name)] : [])];
    expect(!found || isWhole(found), `round ${round}: ${name} is not whole`);
    expect(wanted.includes(value), `round ${round}: ${name} is ${value} instead of ${wanted.join(' or ')}`);
    if (value === null) kept.delete(name);
    else kept.set(name, value);
  }
  open.clear();
  if (revision === 0) return; // nothing was acknowledged yet
  const resumed = await call(server, 'GET', `${base}?watch=1&timeoutSeconds=1&resourceVersion=${revision}`);
  expect(resumed?.body?.object?.code === 410, `round ${round}: a watch goes on from a revision of before`);
}

async function second() { // the file is the first server's
  const child = spawn(sim, ['apiserver', '--datastore', `sqlite:${path.join(folder, 'data')}`], { stdio: 'ignore' });
  const code = await new Promise((resolve) => child.on('exit', resolve));
  expect(code === 3, `a second server on the same file ends with ${code}`);
}

fs.rmSync(folder, { recursive: true, force: true });
fs.mkdirSync(folder, { recursive: true });
for (let round = 0; round <= rounds; round++) {
  const server = await start();
  await check(server, round);
  if (round === rounds) {
    await second();
    server.agent.destroy();
    server.child.kill('SIGTERM');
    expect((await server.ended) === 0, 'the last server does not end in order');
    break;
  }
  const writers = Array.from({ length: WRITERS }, (_, i) => writer(server, i));
  const least = round % 4 === 0 ? 0 : 1; // mostly behind the first write of the round, however slow the machine is
  const before = acknowledged;
  let over = false;
  void Promise.all(writers).then(() => (over = true));
  while (!over && acknowledged < before + least) await new Promise((resolve) => setTimeout(resolve, 10));
  setTimeout(() => server.child.kill('SIGKILL'), 50 + random(250));
  await server.ended;
  server.agent.destroy();
  await Promise.all(writers);
}
expect(acknowledged > 0, `no write was acknowledged between ${rounds} kills: nothing was shown`);
for (const problem of problems) console.log(`FAIL ${problem}`);
console.log(`seed ${seed}: ${rounds} kills, ${acknowledged} writes acknowledged, ${unanswered} without an answer`);
console.log(`${problems.length === 0 ? 1 : 0} passed, ${problems.length === 0 ? 0 : 1} failed`);
process.exit(problems.length === 0 ? 0 : 1);
