// Raw HTTPS for checks: one request, a watch, and what answers must say. No client library is between check and server.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';

// No check waits for a time but for a condition; these end what will never come, on a machine ten times slower than most.
const REQUEST_MS = 60000;
export const PATIENCE_MS = 60000;
export const MERGE = 'application/merge-patch+json';
export const STRATEGIC = 'application/strategic-merge-patch+json';
export const JSON_PATCH = 'application/json-patch+json';
export const APPLY = 'application/apply-patch+yaml';
export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

// The first cluster and user of a kubeconfig as the server writes it.
export class Wire {
  constructor(kubeconfig) {
    const text = fs.readFileSync(kubeconfig, 'utf8');
    const field = (name) => text.match(new RegExp(`${name}: (\\S+)`))[1];
    const pem = (name) => Buffer.from(field(name), 'base64');
    this.url = new URL(field('server'));
    this.tls = {
      ca: pem('certificate-authority-data'),
      cert: pem('client-certificate-data'),
      key: pem('client-key-data'),
    };
    this.agent = new https.Agent({ keepAlive: true, maxSockets: 64, ...this.tls });
  }

  // {code, headers, bytes, body}; body: the JSON, or the text of what is none.
  call(method, where, body, headers = {}) {
    const bytes = body === undefined || Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
    const type = bytes === undefined || 'Content-Type' in headers ? {} : { 'Content-Type': 'application/json' };
    const length = bytes === undefined ? {} : { 'Content-Length': Buffer.byteLength(bytes) };
    return new Promise((resolve, reject) => {
      const request = https.request(
        new URL(where, this.url),
        { method, agent: this.agent, headers: said({ Accept: 'application/json', ...type, ...length, ...headers }) },
        (response) => {
          const pieces = [];
          response.on('data', (piece) => pieces.push(piece));
          response.on('error', reject);
          response.on('end', () => resolve(answer(response, Buffer.concat(pieces))));
        }
      );
      request.setTimeout(REQUEST_MS, () => request.destroy(new Error(`${method} ${where}: no answer`)));
      request.on('error', reject);
      request.end(bytes);
    });
  }

  get = (where, headers) => this.call('GET', where, undefined, headers);
  post = (where, body, headers) => this.call('POST', where, body, headers);
  put = (where, body, headers) => this.call('PUT', where, body, headers);
  patch = (where, body, type = MERGE) => this.call('PATCH', where, body, { 'Content-Type': type });
  del = (where, body) => this.call('DELETE', where, body);

  // A running watch: `events` grows; `until(test)` gives the first event for which test holds.
  watch(where) {
    const events = [];
    const waiting = new Set();
    const watch = { events, ended: false, code: 0 };
    const wake = () => waiting.forEach((look) => look());
    const url = new URL(where, this.url);
    url.searchParams.set('watch', 'true');
    const request = https.request(url, { agent: false, ...this.tls, headers: { Accept: 'application/json' } }, (response) => {
      let text = '';
      watch.code = response.statusCode;
      response.setEncoding('utf8');
      response.on('data', (piece) => {
        const lines = (text + piece).split('\n');
        text = lines.pop();
        for (const line of lines) if (line) events.push(JSON.parse(line));
        wake();
      });
      response.on('close', () => {
        watch.ended = true;
        wake();
      });
    });
    request.on('error', () => {
      watch.ended = true;
      wake();
    });
    request.end();
    watch.stop = () => request.destroy();
    watch.until = (test, what, ms = PATIENCE_MS) =>
      new Promise((resolve, reject) => {
        const seen = () => events.map((e) => `${e.type} ${e.object?.metadata?.name ?? ''}`).join(', ');
        const late = setTimeout(() => finish(new Error(`${what}: not seen; seen: ${seen()}`)), ms);
        const finish = (e, found) => {
          clearTimeout(late);
          waiting.delete(look);
          if (e) reject(e);
          else resolve(found);
        };
        const look = () => {
          const found = events.find(test);
          if (found) finish(null, found);
          else if (watch.ended) finish(new Error(`${what}: the watch ended (${watch.code}); seen: ${seen()}`));
        };
        waiting.add(look);
        look();
      });
    return watch;
  }
}

// A header that is undefined is not sent.
const said = (headers) => Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));

function answer(response, bytes) {
  let body = bytes.toString();
  try {
    body = JSON.parse(body);
  } catch {
    // a text, YAML or protobuf: whoever asked for it knows
  }
  return { code: response.statusCode, headers: response.headers, bytes, body };
}

// The body of an answer that must have this status.
export function expect(result, code, what = '') {
  const said = typeof result.body === 'string' ? result.body : (result.body.message ?? JSON.stringify(result.body));
  assert.equal(result.code, code, `${what} ${said}`.slice(0, 400));
  return result.body;
}

// The Status of a refusal.
export function refused(result, code, reason, message) {
  const status = expect(result, code);
  assert.equal(status.kind, 'Status');
  assert.equal(status.apiVersion, 'v1');
  assert.equal(status.status, 'Failure');
  assert.equal(status.code, code);
  assert.equal(status.reason, reason);
  if (message) assert.match(status.message, message);
  return status;
}

export async function eventually(call, ms = PATIENCE_MS) {
  const end = Date.now() + ms;
  for (;;) {
    try {
      return await call();
    } catch (e) {
      if (Date.now() > end) throw e;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
