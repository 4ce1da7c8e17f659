// People at work on a cluster through the manager, all the time: each asks, writes or watches in a loop of its own and
// keeps a diary { begun, ended, ok, why } of it. From the diaries follows how long nobody could work after a fault.
import { spawn } from "node:child_process";
import { ask, good, now, sleep, watch } from "./kit.mjs";

const MAPS = "/api/v1/namespaces/default/configmaps";
const LIMIT_MS = 5000; // what a user waits for an answer

class User {
  constructor(name) { Object.assign(this, { name, diary: [], over: false }); }
  async work(one, pause) {
    while (!this.over) {
      const entry = { begun: now() };
      this.current = entry; // what is under way counts, however long it takes
      entry.why = await one().then(() => "", (e) => e.message);
      entry.ended = now();
      entry.ok = entry.why === "";
      this.diary.push(entry);
      await sleep(pause);
    }
  }
  start(...how) {
    this.done = this.work(...how);
    return this;
  }
  async stop() {
    this.over = true;
    await this.done;
  }
  failures(from = 0) { return this.diary.filter((d) => !d.ok && d.ended >= from); }
  // When what began after `from` and after the last failure first succeeded; undefined: not yet.
  recovered(from) {
    const last = Math.max(from, ...this.failures(from).map((d) => d.ended));
    return this.diary.find((d) => d.ok && d.begun >= last)?.ended;
  }
}

const expect = async (promise, ...statuses) => {
  const answer = await promise;
  if (!statuses.includes(answer.status)) throw new Error(`status ${answer.status} ${answer.text.slice(0, 160)}`);
  return answer;
};

// The real client, a process each time.
export class Kubectl extends User {
  constructor(kubectl, url, token, folder) {
    super("kubectl get pods -A");
    const words = ["--kubeconfig", "/dev/null", "--server", url, "--insecure-skip-tls-verify", "--token", token, "--request-timeout=5s",
                   "get", "pods", "-A"];
    this.start(() => new Promise((done, fail) => {
      const child = spawn(kubectl, words, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, HOME: folder } });
      let said = "";
      const late = setTimeout(() => child.kill("SIGKILL"), 3 * LIMIT_MS);
      child.stderr.on("data", (d) => (said += d));
      child.on("close", (code) => {
        clearTimeout(late);
        if (code === 0) done();
        else fail(new Error(`exit ${code}: ${said.slice(0, 200)}`));
      });
    }), 100);
  }
}

export class Reader extends User {
  constructor(url, token) {
    super("reads");
    this.start(() => expect(ask(`${url}/api/v1/namespaces`, { headers: { Authorization: `Bearer ${token}` }, limit: LIMIT_MS }), 200), 50);
  }
}

// Makes PREFIX-0, PREFIX-1, ...: what failed is tried again under the same name, as it may have been done all the same.
export class Writer extends User {
  constructor(url, token, prefix = "n", pause = 100) {
    super("writes");
    this.written = 0;
    this.prefix = prefix;
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    this.start(async () => {
      const body = JSON.stringify({ metadata: { name: `${prefix}-${this.written}`, labels: { by: prefix } } });
      await expect(ask(url + MAPS, { method: "POST", headers, limit: LIMIT_MS }, body), 201, 409);
      this.written++;
    }, pause);
  }
  // What is not there though its writer was told that it is.
  async lost(api) {
    const names = new Set((await good(api("GET", `${MAPS}?labelSelector=by=${this.prefix}`))).items.map((m) => m.metadata.name));
    return Array.from({ length: this.written }, (_, i) => `${this.prefix}-${i}`).filter((name) => !names.has(name));
  }
}

// Watches what a writer makes, for ever: goes on at the last resourceVersion whenever it is cut. An entry is the arrival of
// something that was written after the entry before.
export class Watcher extends User {
  constructor(url, token, writer) {
    super("watches");
    Object.assign(this, { seen: [], cuts: 0, wrong: [], rv: undefined, writer });
    const headers = { Authorization: `Bearer ${token}` };
    const at = `${url}${MAPS}?labelSelector=by=${writer.prefix}`;
    const again = () => {
      if (this.over) return;
      const query = this.rv === undefined ? "&watch=1&resourceVersion=0" : `&watch=1&resourceVersion=${this.rv}`;
      this.undo = watch(at + query, { headers }, (event) => this.take(event), (why) => {
        if (this.over) return;
        this.cuts++;
        this.cut = why;
        setTimeout(again, 100);
      });
    };
    again();
    this.start(async () => {
      const wanted = writer.written; // the one that comes next
      while (!this.over && this.seen.length <= wanted) await sleep(10);
    }, 0);
  }
  take(event) {
    if (event.type === "ERROR") {
      this.wrong.push(`ERROR ${event.object.code} ${event.object.message}`);
      return;
    }
    this.rv = event.object.metadata.resourceVersion;
    const expected = `${this.writer.prefix}-${this.seen.length}`;
    if (event.type !== "ADDED" || event.object.metadata.name !== expected)
      this.wrong.push(`${event.type} ${event.object.metadata.name} in place of ${expected}`);
    this.seen.push(event.object.metadata.name);
  }
  async stop() {
    this.over = true;
    this.undo?.();
    await this.done;
  }
}

// The leader's own work: a registration token gets its value.
export class LeadersWork extends User {
  constructor(e, id) {
    super("controllers work");
    const at = `/apis/management.cattle.io/v3/namespaces/${id}/clusterregistrationtokens`;
    let i = 0;
    this.start(async () => {
      const name = `probe-${i++}`;
      await expect(e.local.api("POST", at, { apiVersion: "management.cattle.io/v3", kind: "ClusterRegistrationToken", metadata: { name },
                                             spec: { clusterName: id } }), 201);
      while (!this.over && !(await good(e.local.api("GET", `${at}/${name}`))).status?.token) await sleep(50);
      await e.local.api("DELETE", `${at}/${name}`);
    }, 200);
  }
}
