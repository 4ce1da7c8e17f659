// The checks of soak.sh. A minute is a round: twenty faults within twenty seconds, all of them over at thirty; then what is
// promised must come: from RECOVERED_S on nobody may fail any more. Seeded: the same faults in the same order.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { Estate, good, main, now, running, sanitized, sleep, until, usage } from "./kit.mjs";
import { Reader, Watcher, Writer } from "./users.mjs";

const ROUND_S = 60, FAULTS = 20, FAULTS_S = 20, MENDED_S = 28;
const RECOVERED_S = MENDED_S + 25; // policy tunnel.dead_after (15 s), a ping, and the way back
const REPLICAS = 3, CLUSTERS = 3, AGENTS = 2;
const IDLE_S = 60, WARM_S = 20;
const MORE = 1.05, MORE_KIB = 2048, MORE_DESCRIPTORS = 4;
const TRIM_SIGNAL = 39; // SIGRTMIN + 5 of glibc: trim.c
const STEP_MS = 5000; // what a step of a user may take when all is well

// ---- chance ----

function random(seed) { // mulberry32
  let a = seed >>> 0;
  const draw = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let x = Math.imul(a ^ (a >>> 15), a | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
  return { below: (n) => Math.floor(draw() * n), between: (a, b) => a + draw() * (b - a), of: (list) => list[Math.floor(draw() * list.length)] };
}

// ---- faults: each on one process, and over at its end ----

// A chain for each cut: several may be open.
let cuts = 0;
function cut(...ports) {
  const name = `cut${cuts++}`;
  const rules = ports.flatMap((p) => [`add rule inet ${name} in tcp dport ${p} drop;`, `add rule inet ${name} in tcp sport ${p} drop;`]);
  execFileSync("nft", [`add table inet ${name}; add chain inet ${name} in { type filter hook input priority 0; }; ${rules.join(" ")}`]);
  return () => execFileSync("nft", ["delete", "table", "inet", name]);
}

const kinds = {
  async kill(target) {
    target.p().child.kill("SIGKILL");
    await target.p().ended;
    return target.start;
  },
  async stop(target) {
    const p = target.p();
    p.child.kill("SIGSTOP");
    return () => void p.child.kill("SIGCONT");
  },
  async cut(target) { return cut(target.port); },
  // Whatever is connected there, and only that: resets on both sides.
  async reset(target) {
    execFileSync("ss", ["-K", "dport", "=", `:${target.port}`], { stdio: "ignore" });
    return () => undefined;
  },
};

const targets = (e) => [
  ...e.replicas.map((r) => ({ name: `server ${r.index}`, port: r.port, p: () => r.p, start: () => e.startReplica(r) })),
  ...e.clusters.flatMap((c) => c.agents.map((_, i) => ({ name: `agent ${c.id} ${i}`, port: c.doors[i], p: () => c.agents[i],
                                                         start: async () => void e.startAgent(c, i) }))),
];

// One fault after the other, on whom nothing is wrong with at that moment; one replica is always left alone.
async function faults(e, chance, log, began) {
  const all = targets(e), busy = new Set(), mends = [];
  for (let i = 0; i < FAULTS; i++) {
    const spared = [...busy].filter((x) => x.name.startsWith("server")).length >= REPLICAS - 1;
    const target = chance.of(all.filter((x) => !busy.has(x) && !(spared && x.name.startsWith("server"))));
    const kind = chance.of(Object.keys(kinds)), lasts = kind === "kill" ? chance.between(0, 2000) : chance.between(500, 15000);
    const next = chance.between(0.5, 1.5) * FAULTS_S * 1000 / FAULTS;
    busy.add(target);
    const mend = await kinds[kind](target), over = Math.min(now() + lasts, began + MENDED_S * 1000);
    log.push(`${kind} ${target.name} ${((over - now()) / 1000).toFixed(1)} s`);
    mends.push(sleep(over - now()).then(mend).then(() => busy.delete(target)));
    await sleep(Math.max(0, Math.min(next, began + FAULTS_S * 1000 - now())));
  }
  await Promise.all(mends);
}

// ---- what must hold ----

async function oneLeader(e) {
  const values = await Promise.all(e.replicas.map((r) => e.metric(r, "paddock_leader")));
  return values.filter((v) => v === 1).length === 1;
}

// Steps that began when all should be well and did not end so.
const broken = (users, from, to) => users.flatMap((u) => u.diary.filter((d) => d.begun >= from && d.begun < to && (!d.ok || d.ended - d.begun > STEP_MS))
  .map((d) => `${u.name} ${u.where}: ${d.why || `${((d.ended - d.begun) / 1000).toFixed(1)} s`}`));

async function round(t, e, users, chance, n) {
  const began = now(), log = [];
  await faults(e, chance, log, began);
  await sleep(Math.max(0, began + RECOVERED_S * 1000 - now()));
  const quiet = now();
  await sleep(Math.max(STEP_MS, began + ROUND_S * 1000 - now()));
  const wrong = broken(users, quiet, now()), failed = users.flatMap((u) => u.failures(began)).length;
  const stuck = users.filter((u) => u.current.ended === undefined && now() - u.current.begun > STEP_MS).map((u) => `${u.name} ${u.where} is stuck`);
  t.check(`round ${n}: ${log.length} faults; ${failed} steps failed; then nobody fails`, wrong.length + stuck.length === 0, 0, wrong.length + stuck.length,
          [...wrong, ...stuck].slice(0, 2).join("; ").slice(0, 200));
  if (wrong.length + stuck.length) t.note(`      ${log.join(", ")}`);
  return log.length;
}

// ---- memory and descriptors ----

function processes(e) {
  return [...e.replicas.map((r) => [`server ${r.index}`, r.p]), ...e.clusters.flatMap((c) => c.agents.map((p, i) => [`agent ${c.id} ${i}`, p]))];
}

async function atRest(e, trims, seconds) {
  await sleep(seconds * 1000);
  if (trims) for (const [, p] of processes(e)) process.kill(p.pid, TRIM_SIGNAL);
  await sleep(1000);
  return new Map(processes(e).map(([name, p]) => [name, { ...usage(p.pid), pid: p.pid }]));
}

function compare(t, base, rest, trims) {
  for (const [name, after] of rest) {
    const before = base.get(name), limit = Math.round(before.kib * MORE + MORE_KIB), same = before.pid === after.pid ? "the same process" : "a later process";
    t.check(`${name}: memory`, after.kib <= limit, `<= ${limit} KiB`, `${after.kib} KiB`, `${before.kib} KiB before, ${same}${trims ? ", trimmed" : ""}`);
    t.check(`${name}: descriptors`, after.descriptors <= before.descriptors + MORE_DESCRIPTORS, `<= ${before.descriptors + MORE_DESCRIPTORS}`, after.descriptors);
    t.figure(`soak.${name.replace(/[^a-z0-9]+/g, "_")}.memory`, after.kib, "KiB");
  }
}

// ---- all of it ----

function work(e, token) {
  const users = [];
  for (const c of e.clusters) {
    const write = new Writer(e.at(c, ""), token, "n", 250);
    users.push(...[write, new Reader(e.at(c, ""), token), new Watcher(e.at(c, ""), token, write)].map((u) => Object.assign(u, { where: c.id, cluster: c })));
  }
  return users;
}

async function leave(t, users) {
  for (const u of users.filter((u) => u instanceof Watcher)) {
    u.writer.over = true;
    await u.writer.done;
    const all = await until("the watch to see all", () => u.seen.length >= u.writer.written).then(() => true, () => false);
    t.check(`${u.where}: the watch saw each once, in order, over ${u.cuts} cuts`, all && u.wrong.length === 0, u.writer.written, u.seen.length, u.wrong[0] ?? "");
    const lost = await u.writer.lost(u.cluster.api);
    t.check(`${u.where}: what was written is there`, lost.length === 0, "none lost", `${lost.length} lost of ${u.writer.written}`, lost[0] ?? "");
  }
  await Promise.all(users.map((u) => u.stop()));
}

await main("soak", process.argv.slice(2), async (t, programs, folder, flag) => {
  const minutes = Number(flag("minutes", 10)), seed = Number(flag("seed", 1)), shim = flag("trim", "");
  const trims = shim !== "" && !sanitized(programs.paddock);
  const e = new Estate(programs, folder, { metrics: true, doors: true, env: trims ? { LD_PRELOAD: shim } : {} });
  await e.open(REPLICAS);
  for (let i = 0; i < CLUSTERS; i++) await e.join(`c-${i}`, AGENTS);
  const token = await e.user("me", e.clusters.map((c) => c.id), e.clusters);
  t.head(`${REPLICAS} replicas, ${CLUSTERS} clusters of ${AGENTS} agents; ${minutes} minutes, ${FAULTS} faults each, seed ${seed}`);
  for (const u of [work(e, token)]) { // warm: what is made once is made
    await sleep(WARM_S * 1000);
    await Promise.all(u.map((x) => x.stop()));
  }
  for (const c of e.clusters) await good(c.api("DELETE", "/api/v1/namespaces/default/configmaps?labelSelector=by=n"));
  const base = await atRest(e, trims, WARM_S);
  const users = work(e, token), chance = random(seed);
  await until("all users at work", () => users.every((u) => u.recovered(0)));
  let events = 0;
  for (let n = 1; n <= minutes; n++) events += await round(t, e, users, chance, n);
  t.note(`      ${events} faults; load of the machine ${os.loadavg()[0].toFixed(1)}`);
  for (const c of e.clusters) {
    const active = await until(`${c.id} to be Active`, () => e.isActive(c)).then(() => true, () => false);
    t.check(`${c.id} is Active`, active, true, active);
  }
  const led = await until("one leader", () => oneLeader(e)).then(() => true, () => false);
  t.check("one replica leads", led, 1, led ? 1 : "not one");
  await leave(t, users);
  compare(t, base, await atRest(e, trims, IDLE_S), trims);
  const expected = 1 + CLUSTERS + REPLICAS + CLUSTERS * AGENTS;
  t.check("no process is missing or left over", running.size === expected, expected, running.size);
  const broke = fs.readdirSync(folder).filter((f) => f.endsWith(".log") && /BUG|Sanitizer|assert/.test(fs.readFileSync(`${folder}/${f}`, "utf8")));
  t.check("no log tells of a bug", broke.length === 0, "none", broke.join(" ") || "none");
  e.close();
});
