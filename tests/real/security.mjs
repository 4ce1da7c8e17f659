// The checks of security.sh: what a manager lets in and what it turns away, asked by clients that mean no good.
// One replica, two clusters with an agent each; a user of the first cluster only, and one of neither.
import crypto from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import { Estate, ask, end, good, main, now, sanitized, sleep, until, usage } from "./kit.mjs";
import { Agent, TYPE, exchange, frame, request } from "./raw.mjs";
import { halfOpen, slowClients } from "./security_load.mjs";

const MANAGEMENT = "/apis/management.cattle.io/v3";
const KNOWN_FOR_S = 10; // engine/auth/auth.h: AUTH_KNOWN_FOR
const base64 = (text) => Buffer.from(text).toString("base64");
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const statuses = (seen) => seen.answers.map((a) => a.status).join(" ") + (seen.closed ? "" : " open");

// What all checks use: `e` the estate, `me` a token for cluster one, `nobody` one for nothing.
async function prepare(programs, folder) {
  const e = new Estate(programs, folder, { metrics: true });
  await e.open(1);
  const audit = (id) => ["--audit", e.file(`${id}.audit`)];
  const [one, two] = await Promise.all(["c-one", "c-two"].map((id) => e.join(id, 1, audit(id))));
  for (const c of [one, two])
    await good(c.api("POST", "/api/v1/namespaces/default/configmaps", { metadata: { name: "which" }, data: { cluster: c.id } }));
  const me = await e.user("me", ["c-one"], [one, two]), nobody = await e.user("nobody", [], [one]);
  const s = { e, one, two, me, nobody, url: e.replicas[0].url, server: e.replicas[0].p, kibTimes: sanitized(programs.paddock) ? 8 : 1 };
  await until("the tunnel to be used", async () => (await ask(`${s.url}/k8s/clusters/c-one/version`, { headers: bearer(me) })).status === 200);
  return s;
}

const through = (s, id, rest, headers = {}, options = {}) => ask(`${s.url}/k8s/clusters/${id}${rest}`, { headers, ...options });

// ---- who asks ----

const person = async (s, name, token, user = {}) => {
  const { api } = s.e.local;
  const kind = (kind) => ({ apiVersion: "management.cattle.io/v3", kind });
  await good(api("POST", `${MANAGEMENT}/users`, { ...kind("User"), metadata: { name: `u-${name}` }, username: name, enabled: true, ...user }));
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  await good(api("POST", `${rbac}/clusterrolebindings`, { metadata: { name: `u-${name}` },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: `u-${name}` }],
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "sees-me" } }));
  await good(api("POST", `${MANAGEMENT}/tokens`, { ...kind("Token"), metadata: { name: `token-${name}` }, userId: `u-${name}`,
    token: `secret${name}`, ttl: 0, authProvider: "local", ...token }));
  return `token-${name}:secret${name}`;
};

function forgeries(jwt) {
  const [head, body, mark] = jwt.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url"));
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const other = { ...claims, sub: "system:serviceaccount:kube-system:admin" };
  const swapped = mark.slice(0, 20) + (mark[20] === "A" ? "B" : "A") + mark.slice(21);
  const { privateKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const own = `${head}.${encode(claims)}`;
  return [["a bit of its signature changed", `${head}.${body}.${swapped}`],
          ["another subject under the old signature", `${head}.${encode(other)}.${mark}`],
          ["a later end under the old signature", `${head}.${encode({ ...claims, exp: claims.exp + 1e6 })}.${mark}`],
          ["algorithm none", `${encode({ alg: "none" })}.${body}.`],
          ["signed by a key of the attacker's", `${own}.${crypto.sign("sha256", Buffer.from(own), privateKey).toString("base64url")}`],
          ["cut short", jwt.slice(0, -10)]];
}

async function identities(t, s) {
  t.head("Who asks: GET /k8s/clusters/c-one/version");
  const status = async (what, expected, headers, id = "c-one", rest = "/version") => {
    const seen = await through(s, id, rest, headers);
    return t.check(what, seen.status === expected, expected, seen.status);
  };
  await status("no token", 401, {});
  await status("a wrong token", 401, bearer("nonsense"));
  await status("a token's name that is not there", 401, bearer("token-absent:secret"));
  await status("a scheme that is none", 401, { Authorization: "Digest username=admin" });
  await status("a token as a cookie", 401, { Cookie: `R_SESS=${s.me}` });
  await status("a token in the query", 401, {}, "c-one", `/version?token=${s.me}&access_token=${s.me}`);
  for (const [what, token] of forgeries(s.me)) await status(`a token: ${what}`, 401, bearer(token));
  await status("a user's token", 200, bearer(s.me));

  const hour = 3600000, past = new Date(Date.now() - hour).toISOString().replace(/\..*/, "Z");
  await status("a token of ours", 200, bearer(await person(s, "good", {})));
  await status("as Basic", 200, { Authorization: `Basic ${base64("token-good:secretgood")}` });
  await status("with another secret", 401, bearer("token-good:secretgooe"));
  await status("with one letter more", 401, bearer("token-good:secretgoodd"));
  await status("two colons", 401, bearer("token-good:secretgood:"));
  await status("expired by its end", 401, bearer(await person(s, "ended", { expiresAt: past })));
  await status("an end that nobody can read", 401, bearer(await person(s, "garbled", { expiresAt: "tomorrow" })));
  await status("marked expired", 401, bearer(await person(s, "marked", { expired: true })));
  await status("disabled", 401, bearer(await person(s, "disabled", { enabled: false })));
  await status("for another cluster", 401, bearer(await person(s, "elsewhere", { clusterName: "c-two" })));
  await status("of a user who is disabled", 401, bearer(await person(s, "locked", {}, { enabled: false })));
  const brief = await person(s, "brief", { ttl: 3000 });
  await until("a short token's end", async () => (await through(s, "c-one", "/version", bearer(brief))).status === 401);
  t.check("a token of 3 s stops by itself", true, 401, 401);
  await withdrawn(t, s);
  await status("Authorization twice", 400, { Authorization: [`Bearer ${s.me}`, `Bearer ${s.nobody}`] });

  t.head("Who may");
  await status("a user without rights on the cluster", 403, bearer(s.nobody));
  await status("a user of c-one at c-two", 403, bearer(s.me), "c-two");
  await status("a cluster that is not there, without rights", 403, bearer(s.nobody), "c-none");
  await status("a user with rights", 200, bearer(s.me));
  t.check("and is known there as himself", (await whoami(s)) === "local:system:serviceaccount:default:me", "local:…:me", await whoami(s));
}

async function withdrawn(t, s) {
  const token = await person(s, "taken", {});
  await through(s, "c-one", "/version", bearer(token));
  await good(s.e.local.api("DELETE", `${MANAGEMENT}/tokens/token-taken`));
  const from = now();
  await until("a withdrawn token to stop", async () => (await through(s, "c-one", "/version", bearer(token))).status === 401);
  const seconds = (now() - from) / 1000;
  t.check("a token that was taken back", seconds <= KNOWN_FOR_S + 5, `401 in ${KNOWN_FOR_S} s`, "401", `${seconds.toFixed(1)} s`);
  t.figure("withdrawn_token", Number(seconds.toFixed(2)), "s");
}

async function whoami(s, fields = [], tail) {
  const body = JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" });
  const bytes = request("POST /k8s/clusters/c-one/apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1",
    [`Authorization: Bearer ${s.me}`, "Content-Type: application/json", "Connection: close", ...fields,
     tail ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`],
    tail ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n${tail}\r\n` : body);
  const [answer] = (await exchange(s.url, bytes)).answers;
  return answer?.status === 201 ? JSON.parse(answer.body).status.userInfo.username : `status ${answer?.status}`;
}

// ---- agents and their tokens ----

const params = (what) => `X-API-Tunnel-Params: ${base64(JSON.stringify(what))}`;

// What c's own agent says of it, so that an agent of ours changes nothing about the cluster.
async function registered(s, c) {
  const { status } = await good(s.e.local.api("GET", `${MANAGEMENT}/clusters/${c.id}`));
  const secret = await good(s.e.local.api("GET", `/api/v1/namespaces/cattle-global-data/secrets/${status.serviceAccountTokenSecret.split(":").pop()}`));
  const token = Buffer.from(Object.values(secret.data)[0], "base64").toString();
  return { address: status.apiEndpoint.replace("https://", ""), caCert: status.caCert, token };
}

async function machines(t, s) {
  t.head("Agents and nodes");
  const { one, two } = s, own = await registered(s, one);
  const proxy = async (what, expected, token) => {
    const seen = await through(s, "c-one", "/version", bearer(token));
    t.check(what, seen.status === expected, expected, seen.status);
  };
  await proxy("a registration token at the proxy", 401, one.token);
  await proxy("the agent's account of the cluster at the proxy", 401, own.token);
  const connect = async (what, expected, headers) => {
    const a = await Agent.open(s.url, headers);
    a.close();
    t.check(what, a.status === expected, expected, a.status, a.status === 101 ? "" : a.text.slice(0, 48));
  };
  const key = (token) => `X-API-Tunnel-Token: ${token}`, cluster = params({ cluster: own });
  await connect("connect: no token", 401, []);
  await connect("connect: an unknown token", 400, [key("x".repeat(54)), cluster]);
  await connect("connect: a user's token", 400, [key(s.me), cluster]);
  await connect("connect: the agent's account of the cluster", 400, [key(own.token), cluster]);
  await connect("connect: a token of the other, its letters turned", 400, [key(two.token.toUpperCase()), cluster]);
  await connect("connect: as a node", 400, [key(one.token), params({ node: { requestedHostname: "n", worker: true } })]);
  await connect("connect: as node and cluster without an address", 400,
                [key(one.token), params({ node: { requestedHostname: "n" }, cluster: { token: "t", caCert: "c" } })]);
  await connect("connect: parameters that are no base64", 400, [key(one.token), "X-API-Tunnel-Params: %%%"]);
  await connect("connect: parameters that are no JSON", 400, [key(one.token), `X-API-Tunnel-Params: ${base64("{")}`]);
  await connect("connect: parameters of 60 KB", 400, [key(one.token), `X-API-Tunnel-Params: ${base64("x".repeat(45000))}`]);
  await connect("connect: as another replica", 400, [key("guess"), "X-API-Tunnel-ID: 127.0.0.1", cluster]);
  await connect("connect: a membership that is made up", 400, [key("guess"), "X-Agent-Membership: c-gone.0123", cluster]);
  await hijack(t, s, own);
}

// Of c-one's token: it gets c-one's tunnel and nothing else.
async function hijack(t, s, own) {
  const { one, two } = s;
  const asked = async () => (await through(s, "c-two", "/api/v1/namespaces/default/configmaps/which", bearer(s.both))).text;
  s.both = await s.e.user("both", ["c-one", "c-two"], [one, two]);
  const evil = await Agent.open(s.url, [`X-API-Tunnel-Token: ${one.token}`, params({ cluster: own }), "X-Agent-Instance: c-two"]);
  t.check("an agent of c-one gets a tunnel", evil.status === 101, 101, evil.status);
  const claim = () => ["c-two/1", "c-two/999", "stv-cluster-c-two/1", "local/1"].forEach((key) => evil.say(0, TYPE.addClient, key));
  const alive = setInterval(() => evil.ping(), 2000);
  claim();
  let right = 0;
  for (let i = 0; i < 20; i++) {
    const [, id] = /"cluster": *"([^"]+)"/.exec(await asked()) ?? [];
    right += id === "c-two";
  }
  t.check("it announces c-two as its own: c-two is asked", right === 20, "20 of 20", `${right} of 20`);
  await end(two.agents[0]);
  const status = async () => (await through(s, "c-two", "/version", bearer(s.both), { limit: 20000 })).status;
  await until("c-two to be away", async () => (await status()) === 503);
  claim();
  await ask(`${s.url}/ping`); // behind it on the loop: what was claimed has been read
  const away = [await status(), await status(), await status()];
  t.check("and while c-two's agent is away, nobody", away.every((x) => x === 503), 503, away.join(" "));
  const foreign = evil.frames.filter((f) => f.type === TYPE.connect && !f.text.includes(own.address)).length;
  t.check("nothing of c-two's came to it", foreign === 0, "0 connections", foreign);
  s.e.startAgent(two, 0);
  await until("c-two to be back", async () => (await status()) === 200);
  let came = 0;
  const door = net.createServer((peer) => (came++, peer.destroy())).listen(0, "127.0.0.1");
  await until("a port", () => door.address());
  evil.say(7, TYPE.connect, `tcp/127.0.0.1:${door.address().port}`);
  await until("a refusal", () => evil.over || evil.frames.some((f) => f.type === TYPE.error && f.conn === 7));
  t.check("it asks the manager to connect somewhere", came === 0, "refused", came ? "connected" : "refused");
  door.close();
  evil.say(8, TYPE.addClient, "x".repeat(4000));
  const huge = await Agent.open(s.url, [`X-API-Tunnel-Token: ${one.token}`, params({ cluster: own })]);
  const before = usage(s.server.pid).kib;
  huge.socket.write(frame(2, Buffer.alloc(1000), { length: 2 ** 40 }));
  await Promise.race([huge.ended, sleep(15000)]);
  const grown = usage(s.server.pid).kib - before;
  t.check("a frame that says it is 1 TiB", huge.over && grown < 8192 * s.kibTimes, "ended", huge.over ? "ended" : "open", `${grown} KiB`);
  const bare = await Agent.open(s.url, [`X-API-Tunnel-Token: ${one.token}`, params({ cluster: own })]);
  bare.socket.write(frame(2, Buffer.from("x"), { mask: false }));
  await Promise.race([bare.ended, sleep(15000)]);
  t.check("a frame without a mask", bare.over === true, "ended", bare.over ? "ended" : "open");
  clearInterval(alive);
  for (const a of [evil, huge, bare]) a.close();
  await until("c-one's own agent to be asked again", async () => (await through(s, "c-one", "/version", bearer(s.me))).status === 200);
  t.check("c-one's own agent is asked again when it is gone", true, 200, 200);
}

// ---- impersonation ----

async function impersonation(t, s) {
  t.head("Impersonation from outside");
  const self = "local:system:serviceaccount:default:me";
  const forms = [["Impersonate-User: admin"], ["impersonate-user: admin"], ["IMPERSONATE-USER: admin"], ["ImPeRsOnAtE-uSeR: admin"],
    ["Impersonate-Group: system:masters"], ["Impersonate-Uid: 1"], ["Impersonate-Extra-Scopes: all"], ["impersonate-extra-principalid: x"],
    ["Impersonate-Extra-%55ser: x"], ["Impersonate_User: admin"], ["Impersonate_Extra_x: y"], ["Impersonate-: x"],
    ["Impersonate-User:"], ["Impersonate-User: a", "Impersonate-User: b"], ["Impersonate-Group: a", "impersonate_group: system:masters"]];
  for (const fields of forms) {
    const seen = await whoami(s, fields);
    t.check(fields.join(", "), seen === "status 403", 403, seen.replace("status ", ""));
  }
  for (const fields of [["X-A: 1", " Impersonate-User: admin"], ["X-A: 1\r\n\tImpersonate-User: admin"], ["Impersonate-User : admin"],
                        ["Impersonate-User\t: admin"], ["X-A: 1\nImpersonate-User: admin"], ["X-A: 1\rImpersonate-User: admin"],
                        ["X-A: 1\0Impersonate-User: admin"], ["\x0bImpersonate-User: admin"]]) {
    const seen = await whoami(s, fields);
    t.check(`folded, spaced or hidden: ${JSON.stringify(fields.join("\r\n"))}`.slice(0, 61), seen === "status 400", 400, seen.replace("status ", ""));
  }
  const kept = async (what, fields, tail) => {
    const seen = await whoami(s, fields, tail);
    t.check(what, seen === self, "…:me", seen.replace("local:system:serviceaccount:default", "…"));
  };
  await kept("X-Remote-User and X_Remote-Group", ["X-Remote-User: admin", "X_Remote_Group: system:masters", "x-remote-extra-a: b"]);
  await kept("in the trailer of a body", ["Trailer: Impersonate-User"], "Impersonate-User: admin\r\nAuthorization: Bearer x\r\n");
  await kept("Connection names our own fields", ["Connection: close, Authorization, Impersonate-User, Impersonate-Group"]);
}

// ---- smuggling: exactly the answers that a reader of the standard expects, and nothing of what was hidden ----

const HIDDEN = "GET /k8s/clusters/c-one/api/v1/namespaces/smuggled HTTP/1.1\r\nHost: manager\r\n";

async function smuggling(t, s) {
  t.head("Request smuggling: the statuses of all answers on the connection");
  const hidden = `${HIDDEN}Authorization: Bearer ${s.me}\r\n\r\n`, auth = `Authorization: Bearer ${s.me}`;
  const at = "/k8s/clusters/c-one/api/v1/namespaces/default/configmaps";
  const post = (fields, body) => request(`POST ${at} HTTP/1.1`, [auth, "Content-Type: application/json", ...fields], body);
  const chunked = `0\r\n\r\n${hidden}`;
  const refused = [
    ["Content-Length and Transfer-Encoding", ["Content-Length: 4", "Transfer-Encoding: chunked"], chunked],
    ["Transfer-Encoding and Content-Length", ["Transfer-Encoding: chunked", "Content-Length: 4"], chunked],
    ["two Content-Lengths", ["Content-Length: 0", `Content-Length: ${hidden.length}`], hidden],
    ["the same Content-Length twice", ["Content-Length: 0", "Content-Length: 0"], hidden],
    ["a list of Content-Lengths", ["Content-Length: 0, 0"], hidden],
    ["Content-Length: +0", ["Content-Length: +0"], hidden], ["Content-Length: -1", ["Content-Length: -1"], hidden],
    ["Content-Length: 0x0", ["Content-Length: 0x0"], hidden], ["Content-Length: 0 0", ["Content-Length: 0 0"], hidden],
    ["Content-Length beyond 2^64", ["Content-Length: 18446744073709551616"], hidden],
    ["no Content-Length's value", ["Content-Length:"], hidden],
    ["Content-Length, blank, colon", ["Content-Length : 0"], hidden],
    ["two Transfer-Encodings", ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], chunked],
    ["chunked twice", ["Transfer-Encoding: chunked, chunked"], chunked],
    ["xchunked", ["Transfer-Encoding: xchunked"], chunked], ["identity", ["Transfer-Encoding: identity"], chunked],
    ["gzip, chunked", ["Transfer-Encoding: gzip, chunked"], chunked], ["chunked, identity", ["Transfer-Encoding: chunked, identity"], chunked],
    ["chunked in quotes", ["Transfer-Encoding: \"chunked\""], chunked], ["a vertical tab before chunked", ["Transfer-Encoding: \x0bchunked"], chunked],
    ["Transfer-Encoding, blank, colon", ["Transfer-Encoding : chunked"], chunked],
    ["Transfer-Encoding folded", ["Transfer-Encoding:", " chunked"], chunked], ["Transfer_Encoding is another header", ["Transfer_Encoding: chunked", "Content-Length: 5, 5"], chunked],
    ["a line that ends in LF", ["X: y\nTransfer-Encoding: chunked"], chunked], ["a line that ends in CR", ["X: y\rTransfer-Encoding: chunked"], chunked],
    ["a line without a colon", ["Transfer-Encoding chunked"], chunked], ["no Host", [""], ""], ["two Hosts", ["Host: a", "Host: b"], ""],
    ["a Host with a path", ["Host: a/b"], ""], ["a Host of two", ["Host: a, b"], ""],
  ];
  for (const [what, fields, body] of refused) await oneRefusal(t, s, what, post(fields, body));
  for (const [what, body] of [["chunk size beyond 2^64", `FFFFFFFFFFFFFFFF0\r\n${hidden}`], ["chunk size -1", `-1\r\n${hidden}`], ["chunk size 0x0", `0x0\r\n\r\n${hidden}`],
    ["chunk size, blank", `0 \r\n\r\n${hidden}`], ["blank, chunk size", ` 0\r\n\r\n${hidden}`], ["no chunk size", `\r\n\r\n${hidden}`], ["a chunk without its CRLF", `2\r\n{}0\r\n\r\n${hidden}`],
    ["chunk lines that end in LF", `0\n\n${hidden}`], ["a chunk extension with LF", `0;a\nb\r\n\r\n${hidden}`], ["a chunk extension with CR", `0;a\rb\r\n\r\n${hidden}`],
    ["a chunk extension of 100 KB", `0;${"a".repeat(100000)}\r\n\r\n${hidden}`], ["a trailer that ends in LF", `0\r\nA: b\n\r\n${hidden}`]])
    await oneRefusal(t, s, what, post(["Transfer-Encoding: chunked"], body));
  for (const [what, line] of [["HTTP/0.9", "GET /ping"], ["HTTP/2.0", "GET /ping HTTP/2.0"], ["HTTP/1.10", "GET /ping HTTP/1.10"], ["HTTP/1.0 chunked", "POST /ping HTTP/1.0"],
    ["two blanks", "GET  /ping HTTP/1.1"], ["a tab", "GET\t/ping HTTP/1.1"], ["a method that is none", "G@T /ping HTTP/1.1"], ["the preface of HTTP/2", "PRI * HTTP/2.0"]])
    await oneRefusal(t, s, `request line: ${what}`, request(line, what.endsWith("chunked") ? ["Transfer-Encoding: chunked"] : [], ""));
  await accepted(t, s, post, hidden);
  for (const c of [s.one, s.two]) {
    const audit = fs.readFileSync(s.e.file(`${c.id}.audit`), "utf8");
    t.check(`the audit of ${c.id} knows no hidden request`, !audit.includes("smuggled"), "none", audit.includes("smuggled") ? "seen" : "none", `${audit.split("\n").length - 1} events`);
  }
}

async function oneRefusal(t, s, what, bytes) {
  const seen = await exchange(s.url, bytes);
  const [first, ...others] = seen.answers;
  const holds = seen.closed && others.length === 0 && (first ? first.status >= 400 && first.status < 600 && first.status !== 500 : false);
  t.check(what, holds, "one 4xx or 501", statuses(seen), seen.closed ? "closed" : "");
}

// What is well-formed passes, and what stands behind a request is the next one: no more, no less.
async function accepted(t, s, post, hidden) {
  const map = (name) => JSON.stringify({ metadata: { name } });
  const last = request("GET /ping HTTP/1.1", ["Connection: close"]);
  const chunk = (text, extension = "") => `${text.length.toString(16)}${extension}\r\n${text}\r\n`;
  const expect = async (what, expected, bytes) => {
    const seen = await exchange(s.url, bytes);
    t.check(what, statuses(seen) === expected, expected, statuses(seen));
  };
  await expect("a chunk extension", "201 200", post(["Transfer-Encoding: chunked"], `${chunk(map("extended"), ";a=b;c=\"d\"")}0;x\r\n\r\n${last}`));
  await expect("cHuNkEd", "201 200", post(["Transfer-Encoding: cHuNkEd"], `${chunk(map("cased"))}0\r\n\r\n${last}`));
  await expect("a request behind a body: its own", "201 401 200", post([`Content-Length: ${map("pipelined").length}`],
    map("pipelined") + request("GET /k8s/clusters/c-one/version HTTP/1.1") + last));
  await expect("a body that looks like a request", "400 200", post([`Content-Length: ${hidden.length}`], hidden.replace("smuggled", "in-a-body") + last).replace(
    `Content-Length: ${hidden.length}`, `Content-Length: ${hidden.replace("smuggled", "in-a-body").length}`));
  await expect("three requests at once", "200 404 200", request("GET /ping HTTP/1.1") + request("GET /absent HTTP/1.1") + last);
  await expect("an upgrade that the API refuses, and a request behind it", "200 200",
    request("GET /k8s/clusters/c-one/version HTTP/1.1", [`Authorization: Bearer ${s.me}`, "Connection: Upgrade", "Upgrade: nonsense"]) + last);
  await expect("an upgrade with a body, and a request behind it", "400 200",
    post(["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 4"], `abcd${last}`));
  await expect("CONNECT", "405 200", request("CONNECT /k8s/clusters/c-one/x HTTP/1.1", [`Authorization: Bearer ${s.me}`]) + last);
}

// ---- bytes that do not belong into headers and paths ----

async function injection(t, s) {
  t.head("Header injection");
  const auth = `Authorization: Bearer ${s.me}`;
  for (const [name, byte] of [["CR", "\r"], ["LF", "\n"], ["NUL", "\0"], ["ESC", "\x1b"], ["DEL", "\x7f"]]) {
    await oneRefusal(t, s, `${name} in a name`, request("GET /k8s/clusters/c-one/version HTTP/1.1", [auth, `X${byte}A: b`]));
    await oneRefusal(t, s, `${name} in a value`, request("GET /k8s/clusters/c-one/version HTTP/1.1", [auth, `X-A: b${byte}c`]));
    await oneRefusal(t, s, `${name} in the path`, request(`GET /k8s/clusters/c-one/ver${byte}sion HTTP/1.1`, [auth]));
    await oneRefusal(t, s, `${name} in the query`, request(`GET /k8s/clusters/c-one/version?a=${byte}b HTTP/1.1`, [auth]));
    await oneRefusal(t, s, `${name} in the token`, request("GET /k8s/clusters/c-one/version HTTP/1.1", [`${auth}${byte}x`]));
  }
  const escaped = await exchange(s.url, request("GET /k8s/clusters/c-one/api?x=%0d%0aSet-Cookie:%20a=b%00 HTTP/1.1", [auth, "Connection: close"]));
  t.check("%0d%0a in the query stays what it is", statuses(escaped) === "200" && !escaped.answers[0].headers["set-cookie"], 200, statuses(escaped));
  const wide = "a b\u00e9\"<script>";
  const id = await exchange(s.url, request("GET /k8s/clusters/c-one/version HTTP/1.1", [auth, `X-Request-Id: ${wide}`, "Connection: close"]));
  t.check("X-Request-Id that is none is not handed on", id.answers.length === 1 && !JSON.stringify(id.answers[0].headers).includes("script"),
          "not echoed", JSON.stringify(id.answers[0]?.headers ?? {}).includes("script") ? "echoed" : "not echoed");
}

// ---- paths ----

async function traversal(t, s) {
  t.head("Path traversal in the cluster's id, asked by a user of c-one");
  const status = async (path, expected) => {
    const seen = await exchange(s.url, request(`GET ${path} HTTP/1.1`, [`Authorization: Bearer ${s.me}`, "Connection: close"]));
    const [first] = seen.answers;
    t.check(path.length > 61 ? `${path.slice(0, 58)}...` : path, [expected].flat().includes(first?.status) && !first.body.includes("c-two\""), expected, statuses(seen));
  };
  const k = "/k8s/clusters/", which = "/api/v1/namespaces/default/configmaps/which";
  for (const id of ["..", ".", "...", "%2e%2e", "%2E%2E", "..%2fc-two", "c-one%2f..%2fc-two", "%252e%252e", "%252e%252e%252fc-two", "c-one%00", "c-one%00.c-two", "%00", "",
                    "c-one%20", "c-one;c-two", "c-one,c-two", "c-one\\..\\c-two", "c%2Done", "C-ONE", "c_one", "-c-one", "c-one-", "c-one.", "*", "c-one@c-two", "c-one:443",
                    "%c0%ae%c0%ae", "a".repeat(64)])
    await status(`${k}${id}${which}`, 400);
  for (const rest of ["/../c-two", "/%2e%2e/c-two", "/..%2fc-two", "/%252e%252e/c-two", "/./../c-two", "//../c-two", "/..;/c-two", "/api/../../c-two", "/..\\c-two"])
    await status(`${k}c-one${rest}${which}`, [301, 400, 403, 404]);
  await status(`/k8s/../k8s/clusters/c-two${which}`, 404);
  await status(`//k8s/clusters/c-two${which}`, 404);
  await status(`/K8S/clusters/c-two${which}`, 404);
  await status(`/v3/settings/..%2f..%2fk8s/clusters/c-two${which}`, [401, 404]);
  await status("/v3/settings/../../etc/passwd", [401, 404]);
  await status("/v3/import/../../../etc/passwd.yaml", 404);
  await status("/v3/import/..%2f..%2fetc%2fpasswd_c-one.yaml", 404);
  await status("/v3/import/token_c-one%0a.yaml", 404);
  await status(`${k}c-one`, [200, 404]);
}

// ---- too much ----

async function oversized(t, s) {
  t.head("Too much");
  const auth = `Authorization: Bearer ${s.me}`;
  const status = async (what, expected, bytes) => {
    const from = usage(s.server.pid).kib, seen = await exchange(s.url, bytes);
    const grown = usage(s.server.pid).kib - from;
    t.check(what, [expected].flat().includes(seen.answers[0]?.status) && seen.answers.length === 1, [expected].flat().join("|"), statuses(seen), `${grown} KiB`);
  };
  const get = (fields, at = "/k8s/clusters/c-one/version") => request(`GET ${at} HTTP/1.1`, [auth, "Connection: close", ...fields]);
  await status("a header of 60 KB", 200, get([`X-A: ${"a".repeat(60000)}`]));
  await status("a header of 70 KB", 431, get([`X-A: ${"a".repeat(70000)}`]));
  await status("a header's name of 70 KB", 431, get([`${"a".repeat(70000)}: b`]));
  await status("10,000 headers", 431, get(Array.from({ length: 10000 }, (_, i) => `a${i}: b`)));
  await status("a URL of 70 KB", [414, 431], get([], `/k8s/clusters/c-one/${"a".repeat(70000)}`));
  await status("an id of 60 KB", 400, get([], `/k8s/clusters/${"a".repeat(60000)}/version`));
  await status("a token of 20 KB", 401, request("GET /k8s/clusters/c-one/version HTTP/1.1", [`Authorization: Bearer ${"a".repeat(20000)}`, "Connection: close"]));
  await status("a head of 1 MB that never ends", 431, `GET /ping HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(1 << 20)}`);
  const peak = await bigBody(s, auth);
  t.check("a body of 64 MiB through the proxy", peak.status === 413, 413, peak.status, `${peak.kib} KiB at most`);
  t.check("which costs the manager bounded memory", peak.kib < 16384 * s.kibTimes, `< ${16384 * s.kibTimes} KiB`, peak.kib);
  t.figure("big_body.server_memory", peak.kib, "KiB");
}

async function bigBody(s, auth) {
  const from = usage(s.server.pid).kib, bytes = 64 << 20;
  let kib = 0;
  const look = setInterval(() => (kib = Math.max(kib, usage(s.server.pid).kib - from)), 20);
  const head = request("POST /k8s/clusters/c-one/api/v1/namespaces/default/configmaps HTTP/1.1",
                       [auth, "Content-Type: application/json", `Content-Length: ${bytes}`, "Connection: close"]);
  const seen = await exchange(s.url, head + "x".repeat(bytes), 60000);
  clearInterval(look);
  return { status: seen.answers[0]?.status, kib };
}

// ---- all of it ----

await main("security", process.argv.slice(2), async (t, programs, folder, flag) => {
  const s = await prepare(programs, folder), only = flag("only", "all").split(",");
  const wanted = (name) => only.includes("all") || only.includes(name);
  const slow = wanted("slow") ? slowClients(s) : null; // takes two minutes: beside everything else
  for (const checks of [identities, machines, impersonation, smuggling, injection, traversal, oversized])
    if (wanted(checks.name)) await checks(t, s);
  if (slow) await slow.report(t);
  if (wanted("floods")) await halfOpen(t, s, flag("full", false) ? 10000 : 1500);
  t.head("Afterwards");
  t.check("the manager is the same process", s.server.code === undefined, "running", s.server.code ?? "running");
  const after = await through(s, "c-one", "/version", bearer(s.me));
  t.check("and serves", after.status === 200, 200, after.status);
  const log = fs.readFileSync(s.server.log, "utf8");
  t.check("no token is on its log", ![s.me, s.one.token, s.two.token, "secretgood"].some((x) => log.includes(x)), "none", "none");
  s.e.close();
});
