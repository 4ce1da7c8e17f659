// Bytes as no proper client would send them: requests over TLS of which every byte is given, the answers told apart, and
// an agent's side of the tunnel that may say anything.
import net from "node:net";
import crypto from "node:crypto";
import tls from "node:tls";

const CRLF = "\r\n";

// The answers in a connection's bytes: [{ status, headers, body }]; what does not parse is `rest`.
export function answersOf(bytes) {
  const answers = [];
  let text = bytes.toString("latin1");
  for (;;) {
    const end = text.indexOf("\r\n\r\n"), line = /^HTTP\/1\.[01] (\d{3})/.exec(text);
    if (end < 0 || !line) return { answers, rest: text };
    const headers = {};
    for (const field of text.slice(0, end).split(CRLF).slice(1)) {
      const at = field.indexOf(":");
      headers[field.slice(0, at).toLowerCase()] = field.slice(at + 1).trim();
    }
    const status = Number(line[1]);
    let from = end + 4, body = "";
    if (headers["transfer-encoding"] === "chunked") {
      for (;;) {
        const stop = text.indexOf(CRLF, from), n = parseInt(text.slice(from, stop), 16);
        if (stop < 0 || Number.isNaN(n) || text.length < stop + 2 + n + 2) return { answers, rest: text };
        body += text.slice(stop + 2, stop + 2 + n);
        from = stop + 2 + n + 2;
        if (n === 0) break;
      }
    } else if (status >= 200 && status !== 204 && status !== 304) {
      const n = Number(headers["content-length"] ?? text.length - from);
      if (text.length < from + n) return { answers, rest: text };
      body = text.slice(from, from + n);
      from += n;
    }
    answers.push({ status, headers, body });
    text = text.slice(from);
  }
}

export const dial = (url, options = {}) => {
  const { hostname, port } = new URL(url);
  return tls.connect({ host: hostname, port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"], ...options });
};

// Sends the bytes and waits for the server to end the connection (or for `limit`): { answers, rest, closed, ms }.
export function exchange(url, bytes, limit = 20000) {
  return new Promise((done) => {
    const began = performance.now(), s = dial(url), got = [];
    const over = (closed) => {
      clearTimeout(late);
      s.destroy();
      done({ ...answersOf(Buffer.concat(got)), closed, ms: performance.now() - began });
    };
    const late = setTimeout(() => over(false), limit);
    s.on("secureConnect", () => s.write(Buffer.from(bytes, "latin1")));
    s.on("data", (d) => got.push(d));
    s.on("end", () => over(true));
    s.on("error", () => over(true));
    s.on("close", () => over(true));
  });
}

// A request of lines; a Host comes first unless the lines bring or refuse one.
export const request = (line, fields = [], body = "") =>
  [line, ...(fields.some((f) => /^host/i.test(f)) || fields.includes("") ? [] : ["Host: manager"]), ...fields.filter(Boolean), "", ""]
    .join(CRLF) + body;

// ---- the agent's side of a tunnel ----

const varint = (n) => {
  let u = BigInt(n) << 1n;
  const out = [];
  do {
    out.push(Number(u & 0x7fn) | (u > 0x7fn ? 0x80 : 0));
    u >>= 7n;
  } while (u > 0n);
  return Buffer.from(out);
};
const unvarint = (b, at) => {
  let n = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = b[at++];
    n |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [Number(n >> 1n), at];
  }
};
export const TYPE = { data: 1, connect: 2, error: 3, addClient: 4 };
const message = (conn, type, payload) =>
  Buffer.concat([varint(1), varint(conn), varint(type), type <= 2 ? varint(15000) : Buffer.alloc(0), Buffer.from(payload)]);

// One WebSocket frame, masked as a client's must be.
export function frame(opcode, payload, { mask = true, length = payload.length } = {}) {
  const head = length < 126 ? Buffer.from([0x80 | opcode, length]) : Buffer.alloc(length < 65536 ? 4 : 10);
  if (length >= 126) {
    head[0] = 0x80 | opcode;
    head[1] = length < 65536 ? 126 : 127;
    if (length < 65536) head.writeUInt16BE(length, 2);
    else head.writeBigUInt64BE(BigInt(length), 2);
  }
  if (!mask) return Buffer.concat([head, payload]);
  head[1] |= 0x80;
  const key = crypto.randomBytes(4), masked = Buffer.from(payload);
  for (let i = 0; i < masked.length; i++) masked[i] ^= key[i & 3];
  return Buffer.concat([head, key, masked]);
}

// Upgrades /v3/connect with these headers. `status` is the answer's; of 101 the session is open: `frames` has what came.
export class Agent {
  static open(url, headers) {
    const a = new Agent();
    return new Promise((done, fail) => {
      const s = (a.socket = dial(url));
      let head = Buffer.alloc(0);
      a.frames = [];
      a.ended = new Promise((over) => s.on("close", () => over((a.over = true))));
      s.setTimeout(20000, () => s.destroy(new Error("no answer to an upgrade")));
      s.on("error", fail);
      s.on("secureConnect", () => s.write(request("GET /v3/connect HTTP/1.1", ["Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${crypto.randomBytes(16).toString("base64")}`, ...headers])));
      s.on("data", (d) => {
        if (a.status === 101) return a.take(d);
        head = Buffer.concat([head, d]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        a.status = Number(head.toString("latin1", 9, 12));
        a.text = head.toString("latin1", end + 4);
        s.setTimeout(0);
        a.rest = Buffer.alloc(0);
        if (a.status === 101) a.take(head.subarray(end + 4));
        done(a);
      });
    });
  }
  take(bytes) {
    this.rest = Buffer.concat([this.rest, bytes]);
    for (;;) {
      const b = this.rest;
      if (b.length < 2) return;
      let n = b[1] & 0x7f, at = 2;
      if (n === 126) [n, at] = b.length < 4 ? [Infinity, 4] : [b.readUInt16BE(2), 4];
      else if (n === 127) [n, at] = b.length < 10 ? [Infinity, 10] : [Number(b.readBigUInt64BE(2)), 10];
      if (b.length < at + n) return;
      if ((b[0] & 15) === 2) this.frames.push(this.read(b.subarray(at, at + n)));
      this.rest = b.subarray(at + n);
    }
  }
  read(b) {
    let at = 0, conn, type;
    [, at] = unvarint(b, at);
    [conn, at] = unvarint(b, at);
    [type, at] = unvarint(b, at);
    if (type <= 2) [, at] = unvarint(b, at);
    return { conn, type, text: b.subarray(at).toString("latin1") };
  }
  say(conn, type, payload) { this.socket.write(frame(2, message(conn, type, payload))); }
  ping() { this.socket.write(frame(9, Buffer.alloc(0))); }
  close() { this.socket.destroy(); }
}

// The first flight of a TLS client, to be sent by those who will say nothing more.
export function clientHello() {
  return new Promise((done) => {
    const s = net.createServer((peer) => {
      peer.on("error", () => {});
      peer.once("data", (bytes) => {
        done(bytes);
        peer.destroy();
        s.close();
      });
    }).listen(0, "127.0.0.1", () => tls.connect({ host: "127.0.0.1", port: s.address().port }).on("error", () => {}));
  });
}
