// The checks of server.sh, one after the other. Every wait is bounded; every process is ended by its own handle.
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import path from "node:path";
import tls from "node:tls";

const [paddock, sim, folder] = process.argv.slice(2);
const WAIT_MS = 20000;
const running = new Set();
let passed = 0, failed = 0;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function check(what, holds, detail = "") {
  if (holds) passed++;
  else failed++;
  console.log(`${holds ? "ok  " : "FAIL"} ${what}${holds || detail === "" ? "" : `: ${detail}`}`);
}

async function until(what, look) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const value = await look().catch(() => undefined);
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited for ${what} in vain`);
    await sleep(30);
  }
}

// ---- processes ----

function start(program, words, env = {}) {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  const p = { child, out: "", err: "", code: undefined };
  running.add(p);
  child.stdout.on("data", (d) => (p.out += d));
  child.stderr.on("data", (d) => (p.err += d));
  p.ended = new Promise((done) => child.on("close", (code, signal) => {
    running.delete(p);
    p.code = code ?? signal;
    fs.appendFileSync(path.join(folder, "log"), `--- ${words.join(" ")}\n${p.out}${p.err}`);
    done(p.code);
  }));
  return p;
}

async function ready(p) {
  const line = await until("ready", async () => {
    if (p.code !== undefined) throw new Error("ended");
    return /^ready (\S+)$/m.exec(p.out) || p.code !== undefined;
  }).catch(() => null);
  const found = /^ready (\S+)$/m.exec(p.out);
  if (!line || !found) throw new Error(`not ready (${p.code}): ${p.err}`);
  p.url = found[1];
  return p;
}

const server = (words, env) => ready(start(paddock, ["server", "--listen", "127.0.0.1:0", ...words], env));

async function end(p, signal) {
  p.child.kill(signal);
  const late = sleep(WAIT_MS).then(() => "late");
  return Promise.race([p.ended, late]);
}

const freePort = () => new Promise((done) => {
  const s = net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = s.address();
    s.close(() => done(port));
  });
});

// ---- requests ----

function ask(url, options = {}, body) {
  return new Promise((done, fail) => {
    const client = url.startsWith("https") ? https : http;
    const r = client.request(url, { rejectUnauthorized: false, agent: false, timeout: 5000, ...options }, (answer) => {
      let text = "";
      answer.on("data", (d) => (text += d));
      answer.on("end", () => done({ status: answer.statusCode, headers: answer.headers, text }));
    });
    r.on("timeout", () => r.destroy(new Error("time-out")));
    r.on("error", fail);
    r.end(body);
  });
}

// The administrator of a kubeconfig that our programs write.
function admin(file) {
  const text = fs.readFileSync(file, "utf8");
  const data = (key) => Buffer.from(new RegExp(`${key}: (\\S+)`).exec(text)[1], "base64");
  const url = /server: (\S+)/.exec(text)[1];
  const who = { ca: data("certificate-authority-data"), cert: data("client-certificate-data"),
                key: data("client-key-data"), rejectUnauthorized: true };
  return (method, at, object) => ask(url + at, { ...who, method, headers: { "Content-Type": "application/json" } },
                                     object && JSON.stringify(object));
}

const secret = async (api, name) => {
  const answer = await api("GET", `/api/v1/namespaces/cattle-system/secrets/${name}`);
  const { data } = JSON.parse(answer.text);
  return Object.fromEntries(Object.entries(data).map(([k, v]) => [k, Buffer.from(v, "base64").toString()]));
};

const shown = (url) => new Promise((done, fail) => {
  const { hostname, port } = new URL(url);
  const s = tls.connect({ host: hostname, port, rejectUnauthorized: false }, () => {
    done(s.getPeerCertificate().fingerprint256);
    s.destroy();
  });
  s.on("error", fail);
});

const fingerprint = async (pem) => new (await import("node:crypto")).X509Certificate(pem).fingerprint256;

// ---- the checks ----

const kubeconfig = path.join(folder, "embedded.kubeconfig");
const database = path.join(folder, "paddock.db");
const embedded = ["--embedded", "--datastore", `sqlite:${database}`, "--kubeconfig-out", kubeconfig];

async function embeddedOutlives() {
  let p = await server([...embedded, "--bootstrap-password", "first"]);
  const ca = (await ask(`${p.url}/cacerts`)).text;
  check("answers /ping, verified by its own authority",
        (await ask(`${p.url}/ping`, { ca, rejectUnauthorized: true })).text === "pong");
  await until("readyz", async () => (await ask(`${p.url}/readyz`)).status === 200);
  check("says version, cluster, address and URL",
        ["paddock ", "local cluster: embedded", "listening on 127.0.0.1", "the URL of the manager"]
          .every((text) => p.err.includes(text)), p.err);
  let api = admin(kubeconfig);
  const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept" }, data: { a: "1" } };
  check("takes an object", (await api("POST", "/api/v1/namespaces/default/configmaps", map)).status === 201);
  check("keeps the first password", (await secret(api, "bootstrap-secret")).bootstrapPassword === "first");
  const settings = JSON.parse((await api("GET", "/apis/management.cattle.io/v3/settings")).text).items;
  const value = (name) => settings.find((s) => s.metadata.name === name)?.value;
  check("publishes cacerts, internal-cacerts and server-url",
        value("cacerts") === ca && value("internal-cacerts") === ca && value("server-url") === p.url);
  check("the kubeconfig is its owner's alone", (fs.statSync(kubeconfig).mode & 0o777) === 0o600);

  for (const [signal, code] of [["SIGTERM", 0], ["SIGKILL", "SIGKILL"]]) {
    const ended = await end(p, signal);
    check(`${signal} ends it`, ended === code, `${ended} ${p.err}`);
    p = await server([...embedded, "--bootstrap-password", "second"]);
    api = admin(kubeconfig);
    check(`after ${signal} the object is there`,
          (await api("GET", "/api/v1/namespaces/default/configmaps/kept")).status === 200);
    check(`after ${signal} the authority is the same`, (await ask(`${p.url}/cacerts`)).text === ca);
    check(`after ${signal} the first password counts`,
          (await secret(api, "bootstrap-secret")).bootstrapPassword === "first");
  }
  const pair = await secret(api, "tls-rancher-internal");
  await end(p, "SIGKILL");
  return { pair, ca };
}

async function certificatesChange(first) {
  const other = await server(["--embedded", "--kubeconfig-out", path.join(folder, "other.kubeconfig")]);
  const api = admin(path.join(folder, "other.kubeconfig"));
  const second = await secret(api, "tls-rancher-internal");
  check("a password that nobody gave is made up and told",
        other.err.includes(`bootstrap password: ${(await secret(api, "bootstrap-secret")).bootstrapPassword}`));
  other.child.kill("SIGTERM");
  other.child.kill("SIGINT");
  const [cert, key, ca] = ["tls.crt", "tls.key", "ca.crt"].map((name) => path.join(folder, name));
  const write = (pair) => {
    fs.writeFileSync(key, pair["tls.key"]);
    fs.writeFileSync(cert, pair["tls.crt"]);
  };
  write(first.pair);
  fs.writeFileSync(ca, first.ca);
  const httpPort = await freePort(), metricsPort = await freePort();
  const p = await server(["--embedded", "--tls-cert", cert, "--tls-key", key, "--ca-cert", ca, "--http-listen",
                          `127.0.0.1:${httpPort}`, "--metrics-listen", `127.0.0.1:${metricsPort}`,
                          "--server-url", "https://manager.example.test"]);
  check("shows the given certificate", (await shown(p.url)) === (await fingerprint(first.pair["tls.crt"])));
  check("publishes the given authority", (await ask(`${p.url}/cacerts`)).text === first.ca);

  const plain = `http://127.0.0.1:${httpPort}`;
  const led = await ask(`${plain}/v3/clusters?limit=1`);
  check("the plain port leads to HTTPS",
        led.status === 308 && led.headers.location === `${p.url}/v3/clusters?limit=1`, led.headers.location);
  check("the plain port answers /ping", (await ask(`${plain}/ping`)).text === "pong");
  const bent = await ask(`${plain}/`, { headers: { Host: "a\"b" } });
  check("a Host that is none is not led anywhere", bent.status === 400, `${bent.status}`);
  check("metrics are served", (await ask(`http://127.0.0.1:${metricsPort}/metrics`)).text.includes("# TYPE"));

  const kept = new https.Agent({ keepAlive: true, maxSockets: 1 });
  await ask(`${p.url}/ping`, { agent: kept });
  const socket = Object.values(kept.freeSockets)[0]?.[0];
  write(second);
  const wanted = await fingerprint(second["tls.crt"]);
  await until("the second certificate", async () => (await shown(p.url)) === wanted);
  check("another certificate is shown after a change of the files", true);
  const again = await ask(`${p.url}/ping`, { agent: kept });
  check("a connection from before goes on",
        again.text === "pong" && socket && !socket.destroyed && Object.values(kept.freeSockets)[0]?.[0] === socket);
  fs.writeFileSync(cert, "nonsense");
  await until("a word about it", async () => p.err.includes("is not used, the one before stays"));
  check("a broken file is refused and the old one stays", (await shown(p.url)) === wanted);
  kept.destroy();
  p.child.kill("SIGTERM");
  await until("not ready", async () => (await ask(`${p.url}/readyz`)).status === 503);
  check("a server that drains is not ready, and says so", p.code === undefined);
  check("a second signal ends it at once", (await end(p, "SIGINT")) === 130);
  await other.ended;
}

async function replicas() {
  const file = path.join(folder, "api.kubeconfig");
  const apiserver = await ready(start(sim, ["apiserver", "--kubeconfig-out", file]));
  const api = admin(file);
  const words = (own, other) => ["server", "--kubeconfig", file, "--listen", `127.0.0.1:${own}`, "--peer",
                                 `https://127.0.0.1:${other}`, "--policy", "leader.lease=3s"];
  let pair;
  for (let i = 0; i < 5 && !pair; i++) { // a port may be taken by somebody else meanwhile
    const ports = [await freePort(), await freePort()];
    const both = [start(paddock, words(ports[0], ports[1])), start(paddock, words(ports[1], ports[0]))];
    pair = await Promise.all(both.map(ready)).catch(async (error) => {
      await Promise.all(both.map((p) => p.code === undefined && end(p, "SIGKILL")));
      if (!both.some((p) => p.code === 3)) throw error;
    });
  }
  await Promise.all(pair.map((p) => until("readyz", async () => (await ask(`${p.url}/readyz`)).status === 200)));
  check("both replicas are ready: each has a tunnel to the other", true);
  const [a, b] = await Promise.all(pair.map(async (p) => (await ask(`${p.url}/cacerts`)).text));
  check("both have the same authority", a === b && a.includes("BEGIN CERTIFICATE"));
  const lease = async () => JSON.parse((await api("GET",
    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/cattle-controllers")).text).spec;
  const isLed = async () => (await lease()).holderIdentity;
  const holder = await until("a leader", isLed);
  const leader = pair.find((p) => p.url.endsWith(holder)), follower = pair.find((p) => p !== leader);
  check("one of them leads", leader && leader.err.includes("leading as") && !follower.err.includes("leading as"));
  await end(leader, "SIGKILL");
  await until("the other one", async () => follower.url.endsWith(await isLed()));
  await until("its word", async () => follower.err.includes("leading as"));
  check("the other one leads after kill -9", true);
  check("SIGTERM ends the last one in order", (await end(follower, "SIGTERM")) === 0);
  check("it gave the lease back", (await lease()).holderIdentity === "");
  await end(apiserver, "SIGTERM");
}

// A service account's token in a file beside the kubeconfig, which is replaced.
async function tokens() {
  const file = path.join(folder, "tokens.kubeconfig"), named = path.join(folder, "named.kubeconfig");
  const apiserver = await ready(start(sim, ["apiserver", "--kubeconfig-out", file]));
  const api = admin(file), accounts = "/api/v1/namespaces/default/serviceaccounts";
  await api("POST", accounts, { metadata: { name: "manager" } });
  await api("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
    metadata: { name: "manager" }, subjects: [{ kind: "ServiceAccount", name: "manager", namespace: "default" }],
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" } });
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 3600 } };
  const token = async () => JSON.parse((await api("POST", `${accounts}/manager/token`, request)).text).status.token;
  fs.writeFileSync(path.join(folder, "token"), `${await token()}\n`);
  const text = fs.readFileSync(file, "utf8");
  fs.writeFileSync(named, `current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "${/server: (\S+)/.exec(text)[1].replace("127.0.0.1", "localhost")}",
  certificate-authority-data: ${/certificate-authority-data: (\S+)/.exec(text)[1]}}}]
users: [{name: u, user: {tokenFile: token}}]
`);
  const p = await server(["--kubeconfig", named]);
  check("a kubeconfig with a name and a token's file", (await ask(`${p.url}/ping`)).text === "pong");
  await sleep(1100); // tokens of the same second are the same
  fs.writeFileSync(path.join(folder, "token"), await token());
  await until("its word", async () => p.err.includes("its token is used from now on"));
  fs.writeFileSync(path.join(folder, "token"), "");
  await until("its word", async () => p.err.includes("it is empty"));
  check("the token is read again, and an empty file is not taken", (await ask(`${p.url}/healthz`)).status === 200);
  await Promise.all([end(p, "SIGKILL"), end(apiserver, "SIGTERM")]);
}

async function mistakes() {
  const wrong = [[["server", "--embedded", "--kubeconfig", "x"], "one or the other"],
                 [["server"], "there is no local cluster"],
                 [["server", "--kubeconfig", path.join(folder, "absent")], "No such file"],
                 [["server", "--embedded", "--tls-cert", "x"], "belong together"],
                 [["server", "--embedded", "--ca-cert", "x"], "goes with --tls-cert"],
                 [["server", "--embedded", "--datastore", "x"], "neither memory nor sqlite"],
                 [["server", "--datastore", "memory"], "goes with --embedded"],
                 [["server", "--kubeconfig-out", "x"], "goes with --embedded"],
                 [["server", "--embedded", "--server-url", "http://x"], "is not https://HOST"],
                 [["server", "--embedded", "--listen", "127.0.0.1:0", "--peer", "https://127.0.0.1:1"], "give it a port"],
                 [["server", "--embedded", "--listen", "127.0.0.1:1", "--peer", "http://127.0.0.1:1"], "--peer"],
                 [["server", "--embedded", "--listen", "x:1"], "not a numeric address"]];
  const env = { KUBERNETES_SERVICE_HOST: "" };
  const results = await Promise.all(wrong.map(([words]) => {
    const p = start(paddock, words, env);
    return p.ended.then((code) => ({ code, err: p.err }));
  }));
  wrong.forEach(([words, text], i) => check(`refused: ${words.join(" ").replace(folder, "")}`,
    results[i].code === 2 && results[i].err.includes(text), `${results[i].code} ${results[i].err}`));
}

try {
  await Promise.all([embeddedOutlives().then(certificatesChange), replicas(), tokens(), mistakes()]);
} catch (error) {
  check("nothing unexpected", false, error.stack);
} finally {
  for (const p of running) p.child.kill("SIGKILL");
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
