// Clients that take their time, and thousands that come and say nothing. The probing and the flooding are threads of their
// own: what is measured is the manager, not this program's loop.
import https from "node:https";
import net from "node:net";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { ask, good, now, percentile, sleep, until, usage } from "./kit.mjs";
import { clientHello, dial, request } from "./raw.mjs";

// Of the engine: uv_stream.h, server_internal.h, uv_listener.c.
const HANDSHAKE_S = 10, HEAD_S = 32, STALL_S = 60, HANDSHAKES_MAX = 1024;
const READER_S = 2 * STALL_S; // its progress is looked at once in STALL_S
const SLACK_S = 8; // of a busy machine
// What a user may notice of silent clients, beside what a busy machine does to everybody: p50 and p99 of a normal request
// are at most this much and so many times those of before, and each is answered. A wait for somebody else's time-out, which
// this is to catch, is ten seconds.
const P50_MS = 250, P50_TIMES = 5, P99_MS = 1000, P99_TIMES = 20;
const ANSWER_LIMIT_MS = 15000;

// ---- slow clients ----

// Until the server ends it: seconds and what it said. `act` gets the socket when it is connected; gives what undoes it.
function patience(socket, connected, act) {
  return new Promise((done) => {
    let from = now(), said = "", undo;
    const over = (why) => {
      undo?.();
      clearTimeout(late);
      socket.destroy();
      done({ s: (now() - from) / 1000, said, why });
    };
    const late = setTimeout(() => over("never"), (STALL_S + 3 * SLACK_S) * 1000);
    socket.on(connected, () => {
      from = now();
      undo = act(socket);
    });
    socket.on("data", (d) => (said += d.toString("latin1", 0, 200)));
    for (const event of ["end", "error", "close"]) socket.on(event, () => over(event));
  });
}

const trickle = (text) => (socket) => {
  let i = 0;
  const tick = setInterval(() => i < text.length && socket.write(text[i++]), 1000);
  return () => clearInterval(tick);
};
const once = (bytes) => (socket) => void socket.write(bytes);

const BULK = 30, BULK_BYTES = 900000; // more than two kernels' buffers

async function fill(c) {
  for (let i = 0; i < BULK; i++)
    await good(c.api("POST", "/api/v1/namespaces/kube-public/configmaps", { metadata: { name: `bulk-${i}` }, data: { a: "x".repeat(BULK_BYTES) } }));
}

// Asks for all of it and takes nothing. The memory that it costs the manager is looked at all the time.
async function slowReader(s) {
  await fill(s.one);
  const from = usage(s.server.pid).kib, began = now();
  let kib = 0;
  const look = setInterval(() => (kib = Math.max(kib, usage(s.server.pid).kib - from)), 50);
  const socket = dial(s.url);
  socket.on("error", () => {});
  socket.on("secureConnect", () => {
    socket.write(request("GET /k8s/clusters/c-one/api/v1/namespaces/kube-public/configmaps HTTP/1.1", [`Authorization: Bearer ${s.me}`]));
    socket.pause();
  });
  await sleep(3000); // until buffers are full: everything else goes on meanwhile
  const other = await ask(`${s.url}/k8s/clusters/c-one/version`, { headers: { Authorization: `Bearer ${s.me}` } });
  // The manager ends it; the socket here learns of that only by reading, so the metric tells.
  const open = () => s.e.metric(s.e.replicas[0], "paddock_proxy_open");
  const cut = await until("the slow reader to be cut", async () => (await open()) === 0, (READER_S + SLACK_S) * 1000).then(() => true, () => false);
  clearInterval(look);
  socket.destroy();
  return { kib, other: other.status, cut, s: (now() - began) / 1000 };
}

export function slowClients(s) {
  const { hostname: host, port } = new URL(s.url), auth = `Authorization: Bearer ${s.me}`;
  const tcp = () => net.connect(port, host);
  const post = request("POST /k8s/clusters/c-one/api/v1/namespaces/default/configmaps HTTP/1.1", [auth, "Content-Type: application/json", "Content-Length: 100"], "{");
  const cases = [
    ["TCP, and not a word", HANDSHAKE_S, () => patience(tcp(), "connect", () => undefined)],
    ["a ClientHello, and nothing more", HANDSHAKE_S, async () => patience(tcp(), "connect", once(await clientHello()))],
    ["half a ClientHello, a byte a second", HANDSHAKE_S, async () => patience(tcp(), "connect", trickle((await clientHello()).toString("latin1")))],
    ["TLS, and not a word", HEAD_S, () => patience(dial(s.url), "secureConnect", () => undefined)],
    ["half a head", HEAD_S, () => patience(dial(s.url), "secureConnect", once("GET /ping HTTP/1.1\r\nHost: a\r\nX: "))],
    ["a head, a byte a second", HEAD_S, () => patience(dial(s.url), "secureConnect", trickle(`GET /ping HTTP/1.1\r\nX: ${"a".repeat(200)}`))],
    ["a body that does not come", STALL_S, () => patience(dial(s.url), "secureConnect", once(post))],
  ].map(([what, bound, act]) => [what, bound, act()]);
  const trickling = patience(dial(s.url), "secureConnect", (socket) => (socket.write(post), trickle(" ".repeat(99))(socket)));
  const reader = slowReader(s);
  return {
    async report(t) {
      t.head("Slow clients: ended by the manager");
      for (const [what, bound, promise] of cases) {
        const seen = await promise;
        t.check(what, seen.why !== "never" && seen.s <= bound + SLACK_S && seen.s >= bound - 3, `after ${bound} s`, seen.why, `${seen.s.toFixed(1)} s`);
        t.figure(`slow.${what.replace(/[^A-Za-z]+/g, "_")}`, Number(seen.s.toFixed(1)), "s");
      }
      const seen = await reader;
      t.check("a reader who takes nothing: memory of the manager", seen.kib < 24576 * s.kibTimes, `< ${24576 * s.kibTimes} KiB`, `${seen.kib} KiB`);
      t.check("and another request goes on", seen.other === 200, 200, seen.other);
      t.check("and it is cut", seen.cut, `within ${READER_S} s`, seen.cut ? "cut" : "open", `${seen.s.toFixed(1)} s`);
      t.figure("slow.reader.server_memory", seen.kib, "KiB");
      const slow = await trickling;
      t.note(`note  a body of a byte a second: ${slow.why === "never" ? `not ended within ${slow.s.toFixed(0)} s; a body has no least rate` : `${slow.why} after ${slow.s.toFixed(1)} s`}`);
    },
  };
}

// ---- half-open connections ----

const thread = (data) => new Worker(new URL(import.meta.url), { workerData: data });
const word = (worker, text) => new Promise((done, fail) => {
  worker.once("message", done);
  worker.once("error", fail);
  if (text) worker.postMessage(text);
});

// One who asks, with connections that are kept from now on; `go` asks for a while and gives the times of each kind.
async function prober(s) {
  const worker = thread({ role: "probe", url: s.url, token: s.me });
  await word(worker);
  return { go: (ms) => word(worker, ms), end: () => worker.terminate() };
}

async function probe(s, ms) {
  const p = await prober(s), seen = await p.go(ms);
  await p.end();
  return seen;
}

const bounds = (before) => ({ p50: P50_MS + P50_TIMES * percentile(before, 50), p99: P99_MS + P99_TIMES * percentile(before, 99) });
const within = (times, failed, b) => failed === 0 && percentile(times, 50) <= b.p50 && percentile(times, 99) <= b.p99;
const said = (b) => `p50 ${b.p50.toFixed(0)} p99 ${b.p99.toFixed(0)} ms`;
const line = (times) => `p50 ${percentile(times, 50).toFixed(1)} p99 ${percentile(times, 99).toFixed(1)} ms`;

async function flood(t, s, kind, n, ms, before, first) {
  const asks = await prober(s), base = usage(s.server.pid);
  const worker = thread({ role: "flood", kind, n, url: s.url, hello: kind === "hello" ? await clientHello() : null });
  // Asked only when the flood stands: who asks one after the other counts a stall of ten seconds as one slow request, which
  // would be lost among the quick ones from before.
  const count = await word(worker), during = await asks.go(ms);
  const peak = usage(s.server.pid), held = peak.descriptors - base.descriptors;
  const each = held > 0 ? (peak.kib - first.kib) / held : 0; // what an earlier one left is used again
  t.check(`${kind}: ${n} connections`, count.connected > 0, "the manager lives", "lives", `${count.connected} connected, ${held} held by the manager`);
  for (const [what, text] of [["kept", "kept connections"], ["proxy", "requests to a cluster"], ["fresh", "new connections"]]) {
    const b = bounds(before[what]), late = during[`${what}Failed`], met = within(during[what], late, b);
    const seen = `${line(during[what])}${late ? `, ${late} not within ${ANSWER_LIMIT_MS / 1000} s` : ""}`;
    // Known, see README.md: handshakes that have begun keep their places for ten seconds, and then hundreds are signed at a
    // time. Kept connections must be answered, and as a rule as fast as ever; what is missed is told.
    const known = kind === "hello" && !met;
    const usual = late === 0 && percentile(during[what], 50) <= b.p50;
    if (known) t.note(`NOT MET ${kind}: ${text}: <= ${said(b)}, but ${seen}; before ${line(before[what])}`);
    if (!known || what !== "fresh") t.check(`${kind}: ${text} go on`, known ? usual : met, `<= ${said(b)}`, seen, `before ${line(before[what])}`);
  }
  t.check(`${kind}: memory of each half-open connection`, each < 96 * s.kibTimes, `< ${96 * s.kibTimes} KiB`, `${each.toFixed(1)} KiB`);
  for (const what of ["kept", "proxy", "fresh"]) for (const p of [50, 99]) t.figure(`half_open.${kind}.${what}.p${p}`, Number(percentile(during[what], p).toFixed(2)), "ms");
  t.figure(`half_open.${kind}.held`, held, "1");
  t.figure(`half_open.${kind}.memory`, Number(each.toFixed(1)), "KiB");
  await word(worker, "close");
  await Promise.all([worker.terminate(), asks.end()]);
  await until("the descriptors of before", () => usage(s.server.pid).descriptors <= base.descriptors + 8);
  const after = await probe(s, ms / 2);
  t.check(`${kind}: afterwards as before`, within(after.fresh, after.freshFailed, bounds(before.fresh)), `<= ${said(bounds(before.fresh))}`, line(after.fresh), `${usage(s.server.pid).kib - base.kib} KiB more than before`);
}

export async function halfOpen(t, s, n) {
  const ms = n >= 5000 ? 12000 : 4000;
  t.head(`Half-open connections: ${n}; a place is kept for ${HANDSHAKES_MAX} handshakes`);
  const before = await probe(s, ms);
  for (const [what, times] of Object.entries({ kept: before.kept, proxy: before.proxy, fresh: before.fresh }))
    for (const p of [50, 99]) t.figure(`half_open.none.${what}.p${p}`, Number(percentile(times, p).toFixed(2)), "ms");
  const first = usage(s.server.pid);
  await flood(t, s, "head", Math.min(n, 400), ms, before, first); // the kind that holds the least comes first
  await flood(t, s, "tcp", n, ms, before, first);
  await flood(t, s, "hello", n, ms, before, first);
}

// ---- the threads ----

async function asking({ url, token }) {
  const kept = () => new https.Agent({ keepAlive: true, maxSockets: 1 });
  const kinds = [["kept", "/ping", { agent: kept() }], ["fresh", "/ping", {}],
                 ["proxy", "/k8s/clusters/c-one/version", { agent: kept(), headers: { Authorization: `Bearer ${token}` } }]];
  const one = async (seen, what, at, options) => {
    const from = now();
    const answer = await ask(url + at, { limit: ANSWER_LIMIT_MS, ...options }).catch((e) => ({ status: e.message }));
    seen[what].push(now() - from);
    if (answer.status !== 200) seen[`${what}Failed`]++;
  };
  const nothing = () => ({ kept: [], fresh: [], proxy: [], keptFailed: 0, freshFailed: 0, proxyFailed: 0 });
  for (const kind of kinds) await one(nothing(), ...kind); // connections and verdicts are made
  parentPort.on("message", async (ms) => {
    const seen = nothing(), end = now() + ms;
    await Promise.all(kinds.map(async (kind) => {
      while (now() < end) {
        await one(seen, ...kind);
        await sleep(5);
      }
    }));
    parentPort.postMessage(seen);
  });
  parentPort.postMessage("ready");
}

// Those whom the manager turns away come again, AGAIN_PER_TICK at a time.
const AGAIN_PER_TICK = 25, TICK_MS = 50;

async function flooder({ kind, n, url, hello }) {
  const { hostname: host, port } = new URL(url), sockets = new Set();
  let connected = 0;
  const open = () => new Promise((done) => {
    const socket = kind === "head" ? dial(url) : net.connect(port, host);
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => (sockets.delete(socket), done()));
    socket.on(kind === "head" ? "secureConnect" : "connect", () => {
      connected++;
      if (kind === "hello") socket.write(hello);
      if (kind === "head") socket.write("GET /ping HTTP/1.1\r\nHost: a\r\nX: ");
      done();
    });
    socket.resume();
    setTimeout(done, 1000); // those that the kernel keeps waiting stay, but hold nobody up
  });
  for (let i = 0; i < n; i += 200) await Promise.all(Array.from({ length: Math.min(200, n - i) }, open));
  parentPort.postMessage({ connected });
  const again = setInterval(() => {
    for (let i = 0; i < AGAIN_PER_TICK && sockets.size < n; i++) open();
  }, TICK_MS);
  parentPort.on("message", () => {
    clearInterval(again);
    for (const socket of sockets) socket.destroy();
    parentPort.postMessage("closed");
  });
}

if (!isMainThread) await (workerData.role === "probe" ? asking : flooder)(workerData);
