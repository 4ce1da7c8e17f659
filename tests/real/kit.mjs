// What the checks of the running programs share: processes, requests, and an estate of replicas, clusters and agents.
// Every wait is bounded; every process is ended by its own handle; a program that dies takes nothing with it.
import { spawn, execFileSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import path from "node:path";

export const WAIT_MS = 60000; // generous: machines are shared
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export const now = () => performance.now();

export async function until(what, look, limit = WAIT_MS) {
  const end = now() + limit;
  for (;;) {
    const value = await Promise.resolve().then(look).catch(() => undefined);
    if (value) return value;
    if (now() > end) throw new Error(`waited ${limit / 1000} s for ${what} in vain`);
    await sleep(30);
  }
}

// The value below which so many of a hundred lie.
export function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p / 100))] : NaN;
}

// ---- what is said ----

export class Table {
  constructor(name, json) {
    Object.assign(this, { name, json, passed: 0, failed: 0 });
  }
  head(title) {
    if (!this.json) console.log(`\n${title}\n${"check".padEnd(66)} ${"expected".padEnd(22)} ${"seen".padEnd(22)} figure`);
  }
  check(what, holds, expected, seen, figure = "") {
    if (holds) this.passed++;
    else this.failed++;
    const text = `${holds ? "ok  " : "FAIL"} ${what.padEnd(61)} ${String(expected).padEnd(22)} ${String(seen).padEnd(22)} ${figure}`;
    if (!this.json) console.log(text.trimEnd());
    else if (!holds) console.error(text.trimEnd());
    return holds;
  }
  // One of the figures that ./dev bench would print.
  figure(name, value, unit) {
    if (this.json) console.log(JSON.stringify({ bench: `${this.name}.${name}`, value, unit }));
  }
  note(text) {
    if (this.json) console.error(text);
    else console.log(text);
  }
  finish() {
    (this.json ? console.error : console.log)(`${this.passed} passed, ${this.failed} failed`);
    return this.failed ? 1 : 0;
  }
}

// ---- processes ----

export const running = new Set();

export function start(folder, name, program, words, env = {}) {
  const log = fs.openSync(path.join(folder, `${name}.log`), "a");
  const child = spawn(program, words, { stdio: ["ignore", "pipe", log], env: { ...process.env, ...env } });
  fs.closeSync(log);
  const p = { child, pid: child.pid, name, out: "", code: undefined, log: path.join(folder, `${name}.log`) };
  running.add(p);
  child.stdout.on("data", (d) => (p.out += d));
  p.ended = new Promise((done) => child.on("close", (code, signal) => {
    running.delete(p);
    p.code = code ?? signal;
    done(p.code);
  }));
  return p;
}

// The line "WORD VALUE" of its standard output.
export async function told(p, word) {
  const line = new RegExp(`^${word} (\\S+)$`, "m");
  await until(`"${word}" of ${p.name}`, () => line.test(p.out) || p.code !== undefined);
  const found = line.exec(p.out);
  if (!found) throw new Error(`${p.name} ended (${p.code}): ${fs.readFileSync(p.log, "utf8").slice(-600)}`);
  return found[1];
}

export async function end(p, signal = "SIGTERM") {
  if (p.code !== undefined) return p.code;
  p.child.kill("SIGCONT");
  p.child.kill(signal);
  return Promise.race([p.ended, sleep(WAIT_MS).then(() => "late")]);
}

export function endAll() {
  for (const p of running) {
    p.child.kill("SIGCONT");
    p.child.kill("SIGKILL");
  }
}

// Resident memory in KiB that is its own, and open descriptors.
export function usage(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, "utf8");
  return { kib: Number(/^RssAnon:\s+(\d+)/m.exec(status)[1]), descriptors: fs.readdirSync(`/proc/${pid}/fd`).length };
}

// Sanitizers keep what was freed, and shadow what was not: memory says little then.
export const sanitized = (program) => fs.readFileSync(program).includes("__asan_init");

const given = new Set();
export async function freePort() {
  for (;;) {
    const port = 10000 + crypto.randomInt(20000); // below what the kernel gives out by itself
    if (given.has(port)) continue;
    given.add(port);
    const free = await new Promise((done) => {
      const s = net.createServer().on("error", () => done(false)).listen(port, "127.0.0.1", () => s.close(() => done(true)));
    });
    if (free) return port;
  }
}

// ---- requests ----

export function ask(url, options = {}, body) {
  return new Promise((done, fail) => {
    const client = url.startsWith("https") ? https : http;
    const { limit = 30000, ...rest } = options;
    let over; // of the whole: a socket's own time-out forgets time that passes while bytes trickle
    const finish = (act) => (value) => {
      clearTimeout(over);
      act(value);
    };
    const r = client.request(url, { rejectUnauthorized: false, agent: false, ...rest }, (answer) => {
      let text = "";
      answer.on("data", (d) => (text += d));
      answer.on("end", finish(() => done({ status: answer.statusCode, headers: answer.headers, text })));
      answer.on("error", finish(fail));
    });
    over = setTimeout(() => r.destroy(new Error("time-out")), limit);
    r.on("error", finish(fail));
    r.end(body);
  });
}

// The administrator of a kubeconfig that our programs write.
export function admin(file) {
  const text = fs.readFileSync(file, "utf8");
  const data = (key) => Buffer.from(new RegExp(`${key}: (\\S+)`).exec(text)[1], "base64");
  const url = /server: (\S+)/.exec(text)[1];
  const who = { ca: data("certificate-authority-data"), cert: data("client-certificate-data"),
                key: data("client-key-data"), rejectUnauthorized: true, agent: new https.Agent({ keepAlive: true }) };
  const api = (method, at, object, type = "application/json") => ask(url + at,
    { ...who, method, headers: { "Content-Type": type } }, object && JSON.stringify(object));
  return Object.assign(api, { url, who });
}

export async function good(promise) {
  const answer = await promise;
  if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text.slice(0, 300)}`);
  return answer.text ? JSON.parse(answer.text) : undefined;
}

// A watch: calls `on` with each event; `ended` with the reason. Gives what ends it.
export function watch(url, options, on, ended) {
  let text = "", over = false;
  const stop = (why) => {
    if (over) return;
    over = true;
    r.destroy();
    ended(why);
  };
  const r = https.request(url, { rejectUnauthorized: false, agent: false, ...options }, (answer) => {
    if (answer.statusCode !== 200) return stop(`status ${answer.statusCode}`);
    answer.setEncoding("utf8");
    answer.on("data", (d) => {
      text += d;
      for (let at; !over && (at = text.indexOf("\n")) >= 0; text = text.slice(at + 1)) on(JSON.parse(text.slice(0, at)));
    });
    answer.on("end", () => stop("end"));
    answer.on("error", (e) => stop(e.message));
    answer.on("aborted", () => stop("aborted"));
  });
  r.on("error", (e) => stop(e.message));
  r.end();
  return () => stop("stopped");
}

// ---- a balancer: what stands before the replicas, as a Service does ----

// Connections go round robin to replicas that answer /readyz; one that refuses is passed over.
export class Balancer {
  constructor() {
    this.targets = []; // { port, up }
    this.open = new Set();
    this.turn = 0;
    this.doors = [];
    this.server = net.createServer({ allowHalfOpen: true }, (s) => this.take(s));
    this.server.on("error", () => {});
  }
  async listen() {
    this.port = await freePort();
    await new Promise((done, fail) => this.server.on("error", fail).listen(this.port, "127.0.0.1", 1024, done));
    this.url = `https://127.0.0.1:${this.port}`;
    this.looking = setInterval(() => this.targets.forEach((t) => this.look(t)), 500);
  }
  // A further port that leads to the same: what one agent uses can then be cut alone.
  async door() {
    const port = await freePort(), server = net.createServer({ allowHalfOpen: true }, (s) => this.take(s));
    await new Promise((done, fail) => server.on("error", fail).listen(port, "127.0.0.1", done));
    this.doors.push(server);
    return port;
  }
  look(t) {
    ask(`https://127.0.0.1:${t.port}/readyz`, { limit: 2000 }).then((a) => (t.up = a.status === 200), () => (t.up = false));
  }
  set(ports) {
    this.targets = ports.map((port) => this.targets.find((t) => t.port === port) ?? { port, up: true });
  }
  take(client) {
    const up = this.targets.filter((t) => t.up), all = up.length ? up : this.targets;
    client.on("error", () => {});
    this.dial(client, all.length ? [...all.slice(this.turn++ % all.length), ...all].slice(0, all.length) : []);
  }
  dial(client, [first, ...others]) {
    if (!first) return client.destroy();
    const upstream = net.connect({ port: first.port, host: "127.0.0.1", allowHalfOpen: true });
    let up = false;
    upstream.on("connect", () => {
      up = true;
      this.open.add(client);
      client.pipe(upstream);
      upstream.pipe(client);
    });
    upstream.on("error", () => (up ? client.resetAndDestroy() : (first.up = false, this.dial(client, others))));
    client.on("close", () => {
      this.open.delete(client);
      upstream.destroy();
    });
    upstream.on("close", () => up && client.destroy());
  }
  close() {
    clearInterval(this.looking);
    for (const server of [this.server, ...this.doors]) server.close();
    for (const s of this.open) s.destroy();
  }
}

// ---- the estate ----

const RBAC = "/apis/rbac.authorization.k8s.io/v1", MANAGEMENT = "/apis/management.cattle.io/v3";
const clusterRole = (name, rules) => ({ metadata: { name }, rules });
const binding = (name, role, subject) => ({ metadata: { name }, subjects: [subject],
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role } });
const userSubject = (name) => ({ apiGroup: "rbac.authorization.k8s.io", kind: "User", name });

// programs: { paddock, sim, kubectl }; folder: for logs and files.
export class Estate {
  constructor(programs, folder, options = {}) {
    Object.assign(this, { ...programs, folder, options: { words: [], agentWords: [], env: {}, metrics: false, ...options } });
    this.replicas = []; // { port, p }
    this.clusters = [];
  }
  file(name) { return path.join(this.folder, name); }
  async apiserver(name, words = []) {
    const p = start(this.folder, name, this.sim, ["apiserver", "--kubeconfig-out", this.file(`${name}.kc`), ...words]);
    await told(p, "ready");
    return { p, api: admin(this.file(`${name}.kc`)), kubeconfig: this.file(`${name}.kc`) };
  }
  async open(replicas) {
    this.local = await this.apiserver("local");
    this.balancer = new Balancer();
    await this.balancer.listen();
    this.url = this.balancer.url;
    for (let i = 0; i < replicas; i++) this.replicas.push({ index: i, port: await freePort() });
    this.balancer.set(this.replicas.map((r) => r.port));
    await Promise.all(this.replicas.map((r) => this.startReplica(r)));
    await Promise.all(this.replicas.map((r) => this.untilReady(r)));
    this.ca = (await ask(`${this.url}/cacerts`)).text;
  }
  async startReplica(r) {
    const peers = this.replicas.filter((other) => other !== r).flatMap((other) => ["--peer", `https://127.0.0.1:${other.port}`]);
    if (this.options.metrics) r.metrics ??= await freePort();
    r.p = start(this.folder, `server-${r.index}`, this.paddock,
                ["server", "--kubeconfig", this.local.kubeconfig, "--listen", `127.0.0.1:${r.port}`, "--server-url", this.url, ...peers,
                 ...(r.metrics ? ["--metrics-listen", `127.0.0.1:${r.metrics}`] : []), ...this.options.words], this.options.env);
    r.url = await told(r.p, "ready");
  }
  untilReady(r) {
    return until(`readyz of replica ${r.index}`, async () => (await ask(`${r.url}/readyz`)).status === 200);
  }
  lease() {
    return good(this.local.api("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/cattle-controllers"));
  }
  async leader() {
    const { spec } = await this.lease();
    return this.replicas.find((r) => spec.holderIdentity && spec.holderIdentity.endsWith(`:${r.port}`));
  }
  // Taken in as the quick start does it: the Cluster, its token, the manifest applied by kubectl.
  async join(id, agents = 1, apiWords = []) {
    const c = { id, agents: [], ...(await this.apiserver(id, apiWords)) };
    c.api = admin(c.kubeconfig);
    await good(this.local.api("POST", `${MANAGEMENT}/clusters`,
      { apiVersion: "management.cattle.io/v3", kind: "Cluster", metadata: { name: id }, spec: { displayName: id, imported: true } }));
    c.token = await until(`registration token of ${id}`, async () => (await good(this.local.api("GET",
      `${MANAGEMENT}/namespaces/${id}/clusterregistrationtokens/default-token`))).status?.token);
    const manifest = await ask(`${this.url}/v3/import/${c.token}_${id}.yaml`);
    if (manifest.status !== 200) throw new Error(`no manifest of ${id}: ${manifest.status}`);
    fs.writeFileSync(this.file(`${id}.yaml`), manifest.text);
    execFileSync(this.kubectl, ["--kubeconfig", c.kubeconfig, "apply", "-f", this.file(`${id}.yaml`)],
                 { stdio: "pipe", timeout: WAIT_MS, env: { ...process.env, HOME: this.folder } });
    for (let i = 0; i < agents; i++) await this.openAgent(c, i);
    this.clusters.push(c);
    await until(`${id} to be Active`, () => this.isActive(c));
    return c;
  }
  // With doors each has a port of the balancer to itself.
  async openAgent(c, i) {
    c.doors ??= [];
    if (this.options.doors) c.doors[i] = await this.balancer.door();
    return this.startAgent(c, i);
  }
  // What was written of one replica's metrics, by name.
  async metric(r, name) {
    const { text } = await ask(`http://127.0.0.1:${r.metrics}/metrics`);
    return Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1]);
  }
  startAgent(c, i) {
    const server = c.doors?.[i] ? `https://127.0.0.1:${c.doors[i]}` : this.url;
    const pin = crypto.createHash("sha256").update(this.ca).digest("hex");
    c.agents[i] = start(this.folder, `agent-${c.id}-${i}`, this.paddock,
                        ["agent", "cluster", "--kubeconfig", c.kubeconfig, ...this.options.agentWords],
                        { CATTLE_SERVER: server, CATTLE_TOKEN: c.token, CATTLE_CA_CHECKSUM: pin, ...this.options.env });
    return c.agents[i];
  }
  async isActive(c) {
    const cluster = await good(this.local.api("GET", `${MANAGEMENT}/clusters/${c.id}`));
    const is = (type) => cluster.status?.conditions?.some((x) => x.type === type && x.status === "True");
    return is("Connected") && is("Ready");
  }
  // A service account of the local cluster that may use `may` and is `role` in `clusters`; its token.
  async user(name, may, clusters = [], role = "cluster-admin") {
    const { api } = this.local;
    await good(api("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name } }));
    if (may.length) {
      await good(api("POST", `${RBAC}/clusterroles`, clusterRole(`sees-${name}`,
        [{ apiGroups: ["management.cattle.io"], resources: ["clusters"], resourceNames: may, verbs: ["get"] }])));
      await good(api("POST", `${RBAC}/clusterrolebindings`, binding(`sees-${name}`, `sees-${name}`,
        { kind: "ServiceAccount", name, namespace: "default" })));
    }
    for (const c of clusters)
      await good(c.api("POST", `${RBAC}/clusterrolebindings`, binding(name, role,
        userSubject(`local:system:serviceaccount:default:${name}`))));
    return this.tokenOf(name);
  }
  async tokenOf(name) {
    const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 7200 } };
    return (await good(this.local.api("POST", `/api/v1/namespaces/default/serviceaccounts/${name}/token`, request))).status.token;
  }
  at(c, rest) { return `${this.url}/k8s/clusters/${c.id}${rest}`; }
  close() {
    this.balancer?.close();
    endAll();
  }
}

// Runs `checks` with a table; whatever happens no process is left.
export async function main(name, argv, checks) {
  const words = argv.filter((w) => !w.startsWith("--")), flags = argv.filter((w) => w.startsWith("--"));
  const [paddock, sim, kubectl, folder] = words;
  const table = new Table(name, flags.includes("--json"));
  const flag = (key, otherwise) => {
    const found = flags.find((f) => f === `--${key}` || f.startsWith(`--${key}=`));
    return found === undefined ? otherwise : found.includes("=") ? found.slice(found.indexOf("=") + 1) : true;
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {
    endAll();
    process.exit(130);
  });
  process.on("exit", endAll);
  try {
    await checks(table, { paddock, sim, kubectl }, folder, flag);
  } catch (error) {
    table.check("nothing unexpected", false, "no error", error.message.slice(0, 200));
    console.error(error.stack);
  }
  const code = table.finish();
  endAll();
  process.exit(code);
}
