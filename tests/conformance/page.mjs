// Goal: the pages open from a file, load nothing, say nothing on the console; their numbers are those of the JSON beside them;
// links, filters and keys work; both colour schemes can be read; 10,000 events stay fluid.
// Method: a scenario that fails in all the ways there are is run and swept; each page is opened in headless Chromium, light and
// dark. What the page must show is computed from report.json by formatters of this file's own. Fluidity is measured in what
// the machine's speed does not change: how many elements there are, and how much longer a large page takes than a small one.
import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , sim, modules, work, chromium] = process.argv;
const { chromium: driver } = createRequire(join(modules, 'package.json'))('playwright-core');
let passed = 0, failed = 0;
function check(name, good, why = '') {
  if (good) { passed++; return; }
  failed++;
  console.log(`FAIL ${name}${why !== '' ? ': ' + String(why).slice(0, 600) : ''}`);
}
const same = (name, got, want) => check(name, isDeepStrictEqual(got, want), `${JSON.stringify(got)} instead of ${JSON.stringify(want)}`);

// ---- what is looked at ----
writeFileSync(join(work, 'trouble.yaml'), `scenario: v1
name: trouble
doc: Fails in all the ways there are.
seeds: {first: 1, count: 9}
clock: {limit: 6m}
profile: [compat, hardened]
params: {many: {type: int, default: 3}}
matrix: {strike: [{id: cut, fault: {net: partition}}, {id: reset, fault: {net: reset}}]}
topology:
  sites: {a: {manager: {replicas: 2}}}
  clusters: {edge: {count: "\${many}", nodes: 1, agent: {replicas: 1}}}
  dns: {records: {manager: {ttl: 30s, value: [site/a]}}}
steps:
  - {name: settle, wait: {until: "all(agent: connected)", within: 1m}}
  - {name: kill one, at: 2m, do: {process.kill: "manager/a[0]"}}
  - {name: never comes, at: 4m, wait: {until: "none(agent: connected)", within: 1m}}
faults:
  - {name: strike, at: 130s, for: 30s, target: "link/cluster/edge[1]/site/a", fault: "\${matrix.strike.fault}"}
  - {name: inert, at: 3m, for: 1s, target: site/a, fault: {tls: expired}}
assert:
  - {name: all stay connected, always: "all(agent: connected)", from: settle}
  - {name: enough stay connected, always: "count(agent where connected) >= 1", from: settle}
  - {name: it was seen once, sometimes: "count(agent where connected) == 2"}
measure:
  up: {hist: "agent.connected_at", show: [p50, p99, max]}
`);
const call = (...args) => spawnSync(sim, args, { cwd: work, encoding: 'utf8', maxBuffer: 1 << 28 });
call('run', 'trouble.yaml', '--out', 'run');
call('sweep', 'trouble.yaml', '--set', 'many=3,4', '--out', 'sweep');
const json = (path) => JSON.parse(readFileSync(join(work, path), 'utf8'));
const url = (path) => pathToFileURL(join(work, path)).href;

// ---- numbers and times for people, said a second time ----
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
const two = (n) => String(n).padStart(2, '0');
function clock(s, digits) {
  if (s === null) return '–';
  if (digits === undefined && s > 0 && s < 0.001) return `${Number((s * 1e6).toPrecision(4))}us`;
  const ms = Math.floor(s * 1000 + 1e-6), whole = Math.floor(ms / 1000);
  const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60;
  const front = h ? `${h}h${two(m)}m${two(whole % 60)}` : m ? `${m}m${two(whole % 60)}` : `${whole}`;
  return front + (digits || ms % 1000 ? '.' + String(ms % 1000).padStart(3, '0') : '') + 's';
}
const times = (n, word) => `${grouped(n)} ${word}${n === 1 ? '' : 's'}`;

// ---- a page ----
const browser = await driver.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
async function open(path, scheme, hash = '') {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.troubles = [];
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && page.troubles.push(m.text()));
  page.on('pageerror', (e) => page.troubles.push(String(e)));
  page.on('request', (r) => r.url().split('#')[0] === url(path) || r.url().startsWith('data:') || page.troubles.push('request ' + r.url()));
  await page.goto(url(path) + hash);
  await page.waitForSelector('footer');
  return page;
}
const close = async (page, name) => { same(`${name}: no request, no error on the console`, page.troubles, []); await page.context().close(); };
const texts = (page, selector) => page.$$eval(selector, (all) => all.map((e) => e.innerText.replace(/\s+/g, ' ').trim()));
const rowsOf = (page, selector) => page.$$eval(selector, (rows) => rows.map((r) => [...r.cells].map((c) => c.innerText.replace(/\s+/g, ' ').trim())));
const embedded = (page) => page.$eval('#data', (e) => JSON.parse(e.textContent));

// The least contrast of text against what is behind it, as WCAG 2 counts it; large text may have 3.
const unreadable = (page) => page.evaluate(() => {
  const parse = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0.5) return c; } return [255, 255, 255]; };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || ['SCRIPT', 'STYLE', 'OPTION', 'NOSCRIPT'].includes(e.tagName) || !e.checkVisibility() || e.closest('.hidden-text')) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const [a, b] = [light(parse(style.color)), light(behind(e))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) found.push(`${e.tagName}.${e.className} "${walk.currentNode.data.trim().slice(0, 30)}" ${ratio.toFixed(2)}`);
  }
  return [...new Set(found)];
});

// ---- the page of runs ----
const report = json('run/report.json');
const pageOnly = ['seedText', 'lanes', 'spans', 'timeline', 'eventsDropped'];
function withoutPage(run) {
  const rest = Object.fromEntries(Object.entries(run).filter(([k]) => !pageOnly.includes(k)));
  rest.measures = run.measures.map(({ values, ...m }) => m);
  rest.series = run.series.map((s) => ({ name: s.name, unit: s.unit, doc: s.doc, points: s.at.length, ...(s.at.length ? { min: Math.min(...s.values), max: Math.max(...s.values), last: s.values.at(-1) } : {}) }));
  return rest;
}
async function numbersOfRuns(page) {
  const data = await embedded(page);
  same('the page has the runs of the JSON', data.runs.length, report.scenarios.length);
  data.runs.forEach((run, i) => same(`run ${i + 1}: the page's data is the JSON's`, withoutPage(run), report.scenarios[i]));
  same('totals', (await texts(page, '.total b')).map((t) => Number(t.replace(/,/g, ''))), [report.passed, report.failed]);
  const rows = await rowsOf(page, '#runs tbody tr');
  const speed = (r) => r.wallSeconds > 0 ? grouped(Math.floor(r.simulatedSeconds / r.wallSeconds)) + '×' : '–';
  same('the table of runs', rows, report.scenarios.map((r) => [r.result[0].toUpperCase() + r.result.slice(1), r.case, r.profile, String(r.seed), clock(r.simulatedSeconds), clock(r.wallSeconds), speed(r), grouped(r.events), r.failures[0]?.name ?? '']));
}
async function numbersOfRun(page, run, name) {
  same(`${name}: failures`, await page.$$eval('.failure > .row', (all) => all.map((e) => [e.querySelector('b').innerText, e.querySelector('.link')?.innerText ?? null])),
    run.failures.map((f) => [f.name, f.atSeconds === null ? null : clock(f.atSeconds)]));
  same(`${name}: what was expected and seen`, await page.$$eval('.failure dl', (all) => all.map((e) => [...e.querySelectorAll('dd')].map((d) => d.innerText.replace(/\s+/g, ' ').trim()).at(-1))),
    run.failures.map((f) => (f.seen || f.text).replace(/\s+/g, ' ').trim()));
  same(`${name}: last events`, await page.$$eval('.failure', (all) => all.map((e) => [...e.querySelectorAll('.last-events tbody tr')].map((r) => [...r.cells].map((c) => c.innerText.replace(/\s+/g, ' ').trim())))),
    run.failures.map((f) => (f.lastEvents || []).map(([at, lane, kind, text]) => [clock(at), kind, text.replace(/\s+/g, ' ').trim(), lane])));
  const order = (a) => a.ok ? a.verdict === 'held' ? 2 : 1 : 0;
  const asserts = run.asserts.map((a, i) => ({ a, i })).sort((x, y) => order(x.a) - order(y.a) || x.i - y.i).map(({ a }) => a);
  same(`${name}: assertions`, (await rowsOf(page, '#asserts tbody tr')).map((r) => [r[0], ...r.slice(2)]), asserts.map((a) => [a.verdict, clock(a.fromSeconds), clock(a.decidedSeconds), times(a.evaluations, 'time')]));
  same(`${name}: steps`, (await rowsOf(page, '#steps tbody tr')).map((r) => r.slice(0, 3)), run.steps.map((s, i) => [String(i + 1), s.name, s.beginSeconds === null ? 'never' : clock(s.beginSeconds)]));
  same(`${name}: faults`, (await rowsOf(page, '#faults tbody tr')).map((r) => [r[1], r[3], r[5]]), run.faults.map((f) => [f.name, clock(f.beginSeconds), f.fired ? grouped(f.fired) : f.optional ? 'never (optional)' : 'never']));
  same(`${name}: counters`, await page.$$eval('#metrics .counters div', (all) => all.map((e) => [e.querySelector('dt').innerText, e.querySelector('dd').innerText])), Object.entries(run.metrics).map(([k, v]) => [k, grouped(v)]));
  same(`${name}: measures`, await texts(page, '#spread .figures b'), run.measures.flatMap((m) => [...Object.values(m.show).map((v) => m.unit === 's' ? clock(v) : grouped(v)), grouped(m.count)]).slice(0, (await texts(page, '#spread .figures b')).length));
}
async function linksOfRun(page, run) {
  const at = run.failures.find((f) => f.atSeconds !== null);
  await page.click('.failure .row .link');
  check('a failure leads to its moment', (await page.innerText('#timeline .readout')).startsWith(clock(at.atSeconds, 3)), await page.innerText('#timeline .readout'));
  const last = run.failures.findIndex((f) => f.lastEvents?.length);
  await page.locator('.failure').nth(last).locator('.last-events .link').last().click();
  check('an event leads to its moment', (await page.innerText('#timeline .readout')).startsWith(clock(run.failures[last].lastEvents.at(-1)[0], 3)));
  await page.fill('#metrics input', 'process.').catch(() => {});
  await page.fill('#runs input', 'compat reset');
  same('runs are filtered by words', (await rowsOf(page, '#runs tbody tr')).length, report.scenarios.filter((r) => r.profile === 'compat' && /reset/.test(r.case)).length);
  await page.fill('#runs input', '');
  await page.fill('#events input[type=search]', 'agent-0 disconnected');
  const data = (await embedded(page)).runs[0];
  const found = data.timeline.filter((e) => /agent-0/.test(e[2] + e[3]) && /disconnected/.test(e[2] + e[3])).length;
  check('events are filtered by words', (await page.innerText('#events [role=status]')).startsWith(`${found} of `), await page.innerText('#events [role=status]'));
  await page.click('#runs tbody tr:nth-child(2) .link');
  check('the address tells the run', page.url().endsWith('#run=2'));
}
async function keysOfRun(page) {
  await page.keyboard.press('Tab');
  const focus = () => page.evaluate(() => ({ tag: document.activeElement.tagName, outline: getComputedStyle(document.activeElement).outlineStyle }));
  const first = await focus();
  check('the first Tab lands on something, and it shows', first.tag !== 'BODY' && first.outline !== 'none', JSON.stringify(first));
  await page.focus('.failure .row .link');
  await page.keyboard.press('Enter');
  check('Enter follows a link', /\ds/.test(await page.innerText('#timeline .readout')));
  await page.focus('#timeline canvas');
  const before = await page.innerText('#timeline .readout');
  await page.keyboard.press(',');
  check('a comma goes to the event before', (await page.innerText('#timeline .readout')) !== before);
}

for (const scheme of ['light', 'dark']) {
  const page = await open('run/report.html', scheme);
  if (scheme === 'light') {
    await numbersOfRuns(page);
    for (let i = 0; i < report.scenarios.length; i++) {
      await page.selectOption('#bar select', String(i));
      await numbersOfRun(page, report.scenarios[i], `run ${i + 1}`);
    }
    await page.selectOption('#bar select', '0');
    await keysOfRun(page);
    await linksOfRun(page, report.scenarios[0]);
    await page.selectOption('#bar select', '0');
  }
  same(`the page of runs can be read (${scheme})`, await unreadable(page), []);
  await page.screenshot({ path: join(work, `run-${scheme}.png`) });
  await page.screenshot({ path: join(work, `run-${scheme}-all.png`), fullPage: true });
  await page.locator('#verdict').screenshot({ path: join(work, `verdict-${scheme}.png`) });
  await close(page, `the page of runs (${scheme})`);
}

// ---- the page of a sweep ----
const swept = json('sweep/report.json'), summary = swept.summary;
async function numbersOfSweep(page) {
  const data = await embedded(page);
  const withText = (o) => JSON.parse(JSON.stringify(o), (k, v) => k === 'seed' ? String(v) : v);
  same("the summary page's data is the JSON's", data.summary, withText(summary));
  same('the groups add up', [summary.groups.reduce((n, g) => n + g.runs, 0), summary.groups.reduce((n, g) => n + g.failed, 0)], [swept.scenarios.length, swept.failed]);
  same('totals of the sweep', (await texts(page, '.total b')).map((t) => Number(t.replace(/,/g, ''))).slice(0, 2), [swept.passed, swept.failed]);
  const causes = summary.groups.flatMap((g) => g.causes);
  same('causes', (await rowsOf(page, '#causes > .scroll > table > tbody > tr')).map((r) => Number(r[0])).sort(), causes.map((c) => c.count).sort());
  for (const c of causes) same(`the first failure of ${c.name} is counted`, c.count, swept.scenarios.filter((r) => r.failures[0]?.name === c.name && r.failures[0]?.kind === c.kind && c.runs.some((x) => x.replay === r.replay)).length);
  for (const [i, g] of summary.groups.entries()) {
    const line = page.locator('#groups .group').nth(i);
    await line.locator('summary').first().click();
    await line.locator('.group-body').waitFor();
    same(`group ${i + 1}: measures`, await line.locator('tr.measure').evaluateAll((all) => all.map((r) => [...r.cells].slice(1, 6).map((c) => c.innerText))), g.measures.map((m) => [grouped(m.runs), ...[m.min, m.p50, m.p99, m.max].map((v) => clock(v))]));
    same(`group ${i + 1}: slowest`, await line.locator('tr.slow').evaluateAll((all) => all.map((r) => [...r.cells].slice(0, 3).map((c) => c.innerText))), g.slowest.map((s) => [String(s.seed), clock(s.wallSeconds), grouped(s.events)]));
    // what the measures are over the seeds, computed anew from the runs
    const own = swept.scenarios.filter((r) => r.profile === g.profile && r.case === g.case && isDeepStrictEqual(r.params, g.params));
    same(`group ${i + 1}: runs`, own.length, g.runs);
    for (const m of g.measures) {
      const values = own.map((r) => r.measures.find((x) => x.name === m.name).show[m.statistic]).filter((v) => v !== undefined).sort((x, y) => x - y);
      const rank = (q) => values[Math.max(0, Math.ceil(values.length * q) - 1)];
      same(`group ${i + 1}: ${m.name} ${m.statistic}`, [m.runs, m.min, m.p50, m.p99, m.max], [values.length, values[0], rank(0.5), rank(0.99), values.at(-1)]);
    }
  }
}
for (const scheme of ['light', 'dark']) {
  const page = await open('sweep/summary.html', scheme);
  if (scheme === 'light') await numbersOfSweep(page);
  else await page.locator('#groups .group summary').first().click();
  for (const seeds of await page.locator('#causes .seeds > summary').all()) await seeds.click();
  same(`the summary can be read (${scheme})`, await unreadable(page), []);
  await page.screenshot({ path: join(work, `summary-${scheme}.png`), fullPage: true });
  if (scheme === 'light') {
    await page.fill('#groups input[type=search]', 'compat reset');
    same('groups are filtered by words', await page.locator('#groups .group').count(), summary.groups.filter((g) => g.profile === 'compat' && /reset/.test(g.case)).length);
    await page.fill('#groups input[type=search]', '');
    await page.focus('#groups .group summary');
    await page.keyboard.press('Enter');
    check('Enter opens a group', await page.locator('#groups .group').first().evaluate((e) => e.open));
    const links = await page.$$eval('#causes a', (all) => all.map((a) => [a.getAttribute('href'), a.innerText]));
    check('there are links into the report', links.length > 0);
    const kept = swept.scenarios.filter((r) => r.asserts);
    for (const [href, seed] of links.slice(0, 6)) {
      const there = await open('sweep/report.html', 'light', href.replace('report.html', ''));
      const index = Number(/#run=(\d+)/.exec(href)[1]) - 1;
      check(`${href} is the run of seed ${seed}`, String(kept[index].seed) === seed && (await there.innerText('#verdict h2')).includes(`seed ${seed}`), await there.innerText('#verdict h2'));
      await there.context().close();
    }
  }
  await close(page, `the summary (${scheme})`);
}

// ---- many events ----
{
  const cost = async (path) => {
    const page = await open(path, 'light');
    const events = Math.max(...(await embedded(page)).runs.map((r) => r.timeline.length));
    const runs = (await embedded(page)).runs, at = runs.findIndex((r) => r.timeline.length === events);
    if (runs.length > 1) await page.selectOption('#bar select', String(at));
    const measured = await page.evaluate(async () => {
      const scroller = document.querySelector('#events .log-scroll'), filter = document.querySelector('#events input[type=search]');
      const frame = () => new Promise((next) => requestAnimationFrame(next));
      const spent = [];
      let rows = 0;
      for (let i = 0; i < 40; i++) {
        const began = performance.now();
        scroller.scrollTop = (scroller.scrollHeight - scroller.clientHeight) * (i % 10) / 10;
        scroller.dispatchEvent(new Event('scroll'));
        void scroller.offsetHeight;
        spent.push(performance.now() - began);
        rows = Math.max(rows, scroller.querySelectorAll('.log-row').length);
        await frame();
      }
      const began = performance.now();
      for (const word of ['a', 'ag', 'age', 'agent', '']) { filter.value = word; filter.dispatchEvent(new Event('input')); void scroller.offsetHeight; }
      return { scroll: spent.sort((x, y) => x - y)[20], filter: (performance.now() - began) / 5, rows, elements: document.querySelectorAll('*').length };
    });
    await close(page, path);
    return { events, ...measured };
  };
  const few = await cost('run/report.html'), many = await cost('large.html');
  check('the large page has 10,000 events', many.events >= 10000, many.events);
  check('the log has elements for its window only', many.rows < 60, many.rows);
  check('the page is not larger for its events', many.elements < 12000, many.elements);
  check('scrolling costs the same with many events', many.scroll < 20 * Math.max(few.scroll, 0.5), JSON.stringify({ few, many }));
  check('a filter over 10,000 events takes less than half a second', many.filter < 500, JSON.stringify(many));
  console.log(`page: ${many.events} events: a scroll ${many.scroll.toFixed(1)} ms, a filter ${many.filter.toFixed(1)} ms, ${many.rows} rows, ${many.elements} elements`);
}

await browser.close();
const line = `page: ${passed} passed, ${failed} failed`;
writeFileSync(`${work}.summary`, line + '\n');
console.log(line);
process.exit(failed ? 1 : 0);
