// Goal: the examples of reports/ci are right: a share per machine, nothing lost, nothing twice, the whole judged by merge.
// Method: their own commands are run by sh, with paddock-sim on the path and a scenario that fails for some seeds; the merged
// report has to have the runs and results of one sweep of the whole.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const [, , sim, modules, given, work, kubectl] = process.argv;
const ci = join(resolve(given), 'reports/ci');
const YAML = createRequire(join(modules, 'package.json'))('yaml');
let passed = 0, failed = 0;
function check(name, good, why = '') {
  if (good) { passed++; return; }
  failed++;
  console.log(`FAIL ${name}${why ? ': ' + String(why).slice(0, 2000) : ''}`);
}

// ---- a place in which the commands find what they name ----
const bin = join(work, 'bin'), folder = (name) => { const path = join(work, name); mkdirSync(join(path, 'scenarios'), { recursive: true }); return path; };
mkdirSync(bin);
writeFileSync(join(bin, 'paddock-sim'), `#!/bin/sh\nexec '${sim}' "$@"\n`);
chmodSync(join(bin, 'paddock-sim'), 0o755);
const SCENARIO = `scenario: v1
name: small
clock: {limit: 2m}
profile: [compat, hardened]
matrix: {x: [{id: one, k: 1}, {id: two, k: 2}, {id: three, k: 3}]}
topology:
  sites: {a: {manager: {replicas: 1}}}
  clusters: {edge: {count: 1, nodes: 1, agent: {replicas: 1}}}
  dns: {records: {manager: {ttl: 30s, value: [site/a]}}}
steps:
  - {name: settle, wait: {until: "all(agent: connected)", within: 1m}}
assert:
  - {name: it, at: 1m, that: "count(agent) * \${matrix.x.k} != 2"}
`;
const environment = (more) => ({ ...process.env, PATH: `${bin}:${process.env.PATH}`, ...more });
const fewer = (script) => script.replace(/1\.\.(400|1000)/, '1..24');
const run = (script, cwd, more = {}) => spawnSync('sh', ['-ec', fewer(script)], { cwd, env: environment(more), encoding: 'utf8' });

const runsOf = (path) => JSON.parse(readFileSync(join(path, 'report.json'), 'utf8')).scenarios
  .map((r) => [r.profile, r.case, r.seed, r.result, r.traceHash].join(' ')).sort().join('\n');
const place = folder('whole');
writeFileSync(join(place, 'scenarios/small.yaml'), SCENARIO);
const whole = run('paddock-sim sweep scenarios --seeds 1..24 --out out', place);
check('the small scenario fails for some seeds', whole.status === 1, whole.stdout + whole.stderr);
const all = runsOf(join(place, 'out'));
function compare(name, merge, reports) {
  check(`${name}: merge judges the whole`, merge.status === 1, merge.stdout + merge.stderr);
  check(`${name}: one sweep of the whole found the same`, existsSync(join(reports, 'report.json')) && runsOf(reports) === all);
}
function begin(name) {
  const path = folder(name);
  writeFileSync(join(path, 'scenarios/small.yaml'), SCENARIO);
  return path;
}
// Every command of an example has to be one that paddock-sim knows, with options that it knows.
const script = (steps) => steps.map((s) => s.run).filter(Boolean);

// ---- Kubernetes ----
async function kubernetes() {
  const config = join(work, 'kubeconfig');
  const server = spawn(sim, ['apiserver', '--kubeconfig-out', config], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((ready) => server.stdout.on('data', (text) => String(text).includes('ready') && ready()));
  const kube = (...args) => execFileSync(kubectl, ['--kubeconfig', config, ...args], { encoding: 'utf8' });
  try {
    const said = kube('apply', '--validate=true', '-f', join(ci, 'kubernetes-job.yaml'));
    check('kubectl applies the manifest', /job.batch\/paddock-sweep created/.test(said) && /job.batch\/paddock-merge created/.test(said), said);
    const wanted = YAML.parseAllDocuments(readFileSync(join(ci, 'kubernetes-job.yaml'), 'utf8')).map((d) => d.toJS()).find((o) => o.metadata.name === 'paddock-sweep').spec.completions;
    let pods = [];
    for (let i = 0; i < 100 && pods.length < wanted; i++) {
      pods = JSON.parse(kube('get', 'pods', '-l', 'app=paddock-sweep', '-o', 'json')).items;
      if (pods.length < wanted) await new Promise((again) => setTimeout(again, 200));
    }
    check('the Job makes a pod for each share', pods.length === wanted, pods.length);
    check('the merging Job waits', JSON.parse(kube('get', 'pods', '-l', 'app=paddock-merge', '-o', 'json')).items.length === 0);
    const cwd = begin('kubernetes'), reports = join(cwd, 'reports');
    mkdirSync(reports);
    const valueOf = (pod, e) => e.valueFrom ? pod.metadata.annotations['batch.kubernetes.io/job-completion-index'] : e.value;
    for (const pod of pods) {
      const c = pod.spec.containers[0];
      const env = Object.fromEntries(c.env.map((e) => [e.name, valueOf(pod, e)]));
      check('a pod knows its index', env.JOB_COMPLETION_INDEX !== undefined);
      check('a pod knows how many there are', env.SHARDS === String(wanted));
      const r = spawnSync(c.command[0], [...c.command.slice(1), ...c.args], { cwd, env: environment({ ...env, SEEDS: '1..24', SCENARIOS: join(cwd, 'scenarios'), REPORTS: reports }), encoding: 'utf8' });
      check(`share ${env.JOB_COMPLETION_INDEX} ends well`, r.status === 0, r.stdout + r.stderr);
    }
    kube('patch', 'job', 'paddock-merge', '-p', '{"spec":{"suspend":false}}');
    let merging = [];
    for (let i = 0; i < 100 && !merging.length; i++) {
      merging = JSON.parse(kube('get', 'pods', '-l', 'app=paddock-merge', '-o', 'json')).items;
      if (!merging.length) await new Promise((again) => setTimeout(again, 200));
    }
    check('the merging Job runs when it is told to', merging.length === 1);
    const c = merging[0].spec.containers[0];
    const merge = spawnSync(c.command[0], [...c.command.slice(1), ...c.args], { cwd, env: environment({ REPORTS: reports }), encoding: 'utf8' });
    // the scenario has another path here, which is part of a run's name: only the results are compared
    compare('Kubernetes', merge, join(reports, 'merged'));
  } finally {
    server.kill('SIGTERM');
  }
}
await kubernetes();

// ---- GitHub Actions ----
{
  const file = YAML.parse(readFileSync(join(ci, 'github-actions.yaml'), 'utf8'));
  const cwd = begin('github'), { once, sweep, merge } = file.jobs;
  check('GitHub: the jobs are there', Boolean(once && sweep && merge) && merge.needs === 'sweep' && file.on.schedule);
  check('GitHub: one run of each', run(script(once.steps)[0], cwd).status === 1);
  for (const shard of sweep.strategy.matrix.shard) {
    const SHARD = sweep.env.SHARD.replace(/\$\{\{ matrix.shard \}\}/, shard);
    const r = run(script(sweep.steps)[0].replace('--out out', `--out shards/shard-${shard}`), cwd, { SHARD });
    check(`GitHub: share ${SHARD} ends well`, r.status === 0, r.stdout + r.stderr);
  }
  compare('GitHub', run(script(merge.steps)[0], cwd), join(cwd, 'merged'));
}

// ---- GitLab ----
{
  const file = YAML.parse(readFileSync(join(ci, 'gitlab-ci.yaml'), 'utf8'));
  const cwd = begin('gitlab');
  check('GitLab: the stages are there', file.stages.includes(file.sweep.stage) && file.stages.includes(file.merge.stage));
  check('GitLab: one run of each', run(file.once.script[0], cwd).status === 1);
  for (let i = 1; i <= file.sweep.parallel; i++) {
    const r = run(file.sweep.script[0], cwd, { CI_NODE_INDEX: String(i), CI_NODE_TOTAL: String(file.sweep.parallel) });
    check(`GitLab: share ${i} ends well`, r.status === 0 || file.sweep.allow_failure.exit_codes.includes(r.status), r.stdout + r.stderr);
  }
  compare('GitLab', run(file.merge.script[0], cwd), join(cwd, 'merged'));
}

// ---- Jenkins: no parser of its language is at hand; its shell steps are run ----
{
  const text = readFileSync(join(ci, 'Jenkinsfile'), 'utf8'), cwd = begin('jenkins');
  const braces = (c) => text.split(c).length;
  check('Jenkins: braces close', braces('{') === braces('}'));
  const share = /sh '''([^]*?)'''/.exec(text)[1], merge = /sh '(paddock-sim merge[^']*)'/.exec(text)[1];
  for (const [, shard] of /values ([^\n]*)/.exec(text)[1].matchAll(/'(\d+)'/g)) {
    const r = run(share, cwd, { SHARD: shard });
    check(`Jenkins: share ${shard} ends well`, r.status === 0, r.stdout + r.stderr);
  }
  compare('Jenkins', run(merge, cwd), join(cwd, 'merged'));
}

const line = `ci: ${passed} passed, ${failed} failed`;
writeFileSync(`${work}.summary`, line + '\n');
console.log(line);
process.exit(failed ? 1 : 0);
