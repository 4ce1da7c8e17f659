// Goal: what a real kube-apiserver answered, the simulated one answers.
// Method: replay the recorded cases against `paddock-sim apiserver --bare` and hold the result against the list of
// known differences (transcripts.known-failures): a case that fails and is not listed fails the job, and so does one that
// is listed and passes, so that the list only shrinks.
//
// usage: transcripts.mjs SIM CASES WORK [--update] [--only REGEX]
//   --update rewrites the list from this run; reasons of names that stay are kept.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readList, startServer } from './server.mjs';

const [sim, cases, work, ...rest] = process.argv.slice(2);
const update = rest.includes('--update');
const only = rest.includes('--only') ? rest[rest.indexOf('--only') + 1] : '';
const listFile = path.join(path.dirname(fileURLToPath(import.meta.url)), 'transcripts.known-failures');
const JOBS = 6;

function replay(kubeconfig, pattern, jobs) {
  const args = [path.join(cases, 'replay.mjs'), 'check', '--kubeconfig', kubeconfig, '--json', '--jobs', String(jobs), '--max-diffs', '3'];
  if (pattern) args.push('--only', pattern);
  // A file, not a pipe: the replayer ends as soon as it has printed.
  const out = path.join(work, 'transcripts.json');
  const child = spawn(process.execPath, [...args, path.join(cases, 'public')], { stdio: ['ignore', fs.openSync(out, 'w'), 'inherit'] });
  return new Promise((resolve, reject) =>
    child.on('close', (code) => {
      try {
        resolve(JSON.parse(fs.readFileSync(out, 'utf8')).cases.map((c) => ({ ...c, id: `${c.group}/${c.name}` })));
      } catch (e) {
        reject(new Error(`replay ended with ${code}: ${e.message}`));
      }
    })
  );
}

function pattern(results) {
  return `^(${results.map((r) => r.id.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|')})$`;
}

function say(lines, text) {
  lines.push(text);
  console.log(text);
}

const server = await startServer(sim, work, 'transcripts', ['--bare']);
let results = await replay(server.kubeconfig, only, JOBS);
const known = readList(listFile);

// On a busy machine a case may run out of time: what fails unexpectedly gets a second chance, alone.
const odd = results.filter((r) => !r.pass && !known.has(r.id));
if (odd.length > 0 && odd.length <= 20 && !update) {
  const again = new Map((await replay(server.kubeconfig, pattern(odd), 1)).map((r) => [r.id, r]));
  results = results.map((r) => again.get(r.id) ?? r);
}
const end = await server.stop();

const lines = [];
const groups = new Map();
for (const r of results) {
  const g = groups.get(r.group) ?? { passed: 0, all: 0 };
  g.all++;
  g.passed += r.pass ? 1 : 0;
  groups.set(r.group, g);
}
for (const [name, g] of [...groups].sort()) say(lines, `  ${name.padEnd(18)} ${g.passed}/${g.all}`);

let bad = 0;
for (const r of results) {
  if (!r.pass && !known.has(r.id) && !update) {
    bad++;
    const step = r.failed ?? {};
    console.log(`FAIL ${r.id}: ${step.request ?? ''} ${JSON.stringify(step.diffs ?? []).slice(0, 600)}`);
  } else if (r.pass && known.has(r.id) && !update) {
    bad++;
    console.log(`FAIL ${r.id}: passes now: take it off ${path.basename(listFile)}`);
  }
}
if (!only)
  for (const id of known.keys())
    if (!results.some((r) => r.id === id)) {
      bad++;
      console.log(`FAIL ${id}: is listed, and there is no such case`);
    }
if (end) {
  bad++;
  console.log(`FAIL the server's end: ${end}`);
}
if (update) {
  const failing = results.filter((r) => !r.pass).map((r) => r.id).sort();
  const byReason = new Map();
  for (const id of failing) {
    const reason = known.get(id) ?? `${id.split('/')[0]}: not there yet`;
    byReason.set(reason, [...(byReason.get(reason) ?? []), id]);
  }
  fs.writeFileSync(listFile, [...byReason].map(([reason, ids]) => `# ${reason}\n${ids.join('\n')}\n`).join('\n'));
  console.log(`${failing.length} names written`);
  bad = end ? 1 : 0;
}
const passed = results.filter((r) => r.pass).length;
say(lines, `transcripts: ${passed} of ${results.length} cases pass, ${known.size} known not to`);
fs.writeFileSync(path.join(work, 'transcripts.summary'), `${lines.join('\n')}\n`);
process.exit(bad ? 1 : 0);
