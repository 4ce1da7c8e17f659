// A `paddock-sim apiserver` for the conformance jobs: started on a free port of the loopback interface, ended with
// SIGTERM. Ending it tells whether it went in order: exit status 0 and nothing on standard error.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const READY_MS = 120000;

export async function startServer(sim, work, name, args = []) {
  const kubeconfig = path.join(work, `${name}.kubeconfig`);
  const stderr = path.join(work, `${name}.stderr`);
  const child = spawn(sim, ['apiserver', '--kubeconfig-out', kubeconfig, ...args], {
    stdio: ['ignore', 'pipe', fs.openSync(stderr, 'w')],
  });
  process.on('exit', () => child.kill('SIGKILL')); // never left behind
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
  const url = await new Promise((resolve, reject) => {
    let text = '';
    const late = setTimeout(() => reject(new Error(`${name}: not ready after ${READY_MS} ms`)), READY_MS);
    child.stdout.on('data', (piece) => {
      text += piece;
      const ready = text.match(/^ready (https:\/\/\S+)$/m);
      if (ready) {
        clearTimeout(late);
        resolve(ready[1]);
      }
    });
    ended.then((how) => reject(new Error(`${name}: ended with ${how} at its start:\n${fs.readFileSync(stderr, 'utf8')}`)));
  });
  return {
    url,
    kubeconfig,
    pid: child.pid,
    // What is wrong about the end; empty: nothing.
    async stop() {
      child.kill('SIGTERM');
      const how = await ended;
      const said = fs.readFileSync(stderr, 'utf8');
      return `${how === 0 ? '' : `${name}: ended with ${how}\n`}${said}`;
    },
  };
}

// A list of names with reasons: "NAME  REASON" or, after a line "# REASON", "NAME". Blank lines separate.
export function readList(file) {
  const names = new Map();
  let reason = '';
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const text = line.trim();
    if (text.startsWith('#')) reason = text.slice(1).trim();
    else if (text) names.set(text.split(/\s+/)[0], text.split(/\s+/).slice(1).join(' ') || reason);
  }
  return names;
}
