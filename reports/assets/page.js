/* Puts the page together: the verdict, every case at a glance, the table of runs, and the run that is looked at. */

const report = JSON.parse(document.getElementById("data").textContent);
const runs = report.runs;
for (const run of runs) run.hists = run.measures;
let selected = -1, closing = [];

/* ---- the head ---- */

function total(kind, n, word) {
  return el("div", {class: "total " + (n ? kind : "none")}, sign(kind), el("b", null, number(n)), word);
}

function drawHead() {
  const count = (...results) => runs.filter((r) => results.includes(r.result)).length;
  const names = [...new Set(runs.map((r) => r.name))], docs = [...new Set(runs.map((r) => r.doc).filter(Boolean))];
  const other = count("unsupported", "skipped");
  document.getElementById("head").replaceChildren(el("div", {class: "verdict"},
    el("div", {class: "what"}, el("div", {class: "brand"}, "Paddock report"), el("h1", null, names.length === 1 ? names[0] : plural(names.length, "scenario")),
      docs.length === 1 ? el("p", null, docs[0]) : names.length > 1 ? el("p", {class: "soft"}, names.join(", ")) : null),
    el("div", {class: "totals", role: "status"}, total("good", count("passed"), "passed"), total("bad", count("failed", "error"), "failed"), other ? total("warn", other, "not run") : null)));
}

/* ---- every case at a glance ---- */

const GLANCES_MAX = 24, MINI_W = 300, MINI_H = 76;

function caseGroups() {
  const groups = [];
  for (const run of runs.filter((r) => !r.over)) {
    const group = groups.find((g) => sameCase(g[0], run));
    if (group) group.push(run); else groups.push([run]);
  }
  return groups;
}

function miniPath(series, end, top) {
  let d = "";
  const view = {from: 0, to: end, end};
  for (const p of pointsIn(series, view)) {
    const x = (p.x / end * MINI_W).toFixed(1), y = (MINI_H - 3 - p.y / top * (MINI_H - 10)).toFixed(1);
    d += d ? `H${x}V${y}` : `M${x} ${y}`;
  }
  return d;
}

function miniTop(group) {
  const first = group[0].series.find((s) => s.at.length);
  if (!first) return null;
  return "to " + measure(Math.max(...group.flatMap((r) => r.series.filter((s) => s.name === first.name).map((s) => s.values.reduce((m, v) => Math.max(m, v), 0)))), first.unit);
}

function mini(group) {
  const first = group[0].series.find((s) => s.at.length);
  if (!first) return null;
  const drawn = group.map((r) => ({run: r, series: r.series.find((s) => s.name === first.name && s.at.length)})).filter((l) => l.series);
  const end = Math.max(...drawn.map((l) => l.run.simulatedSeconds)), top = Math.max(1e-9, ...drawn.flatMap((l) => l.series.values.reduce((m, v) => Math.max(m, v), 0)));
  const at = (s) => s / end * MINI_W;
  const label = `${first.name} in ` + drawn.map((l) => l.run.profile + ": " + rangeText(l.series)).join("; ");
  return el("svg", {viewBox: `0 0 ${MINI_W} ${MINI_H}`, preserveAspectRatio: "none", role: "img", "aria-label": label},
    group[0].faults.filter((f) => f.beginSeconds !== null && f.endSeconds !== null).map((f) => el("rect", {class: "mini-band", x: at(f.beginSeconds), y: 0, width: Math.max(1, at(f.endSeconds) - at(f.beginSeconds)), height: MINI_H})),
    el("line", {class: "mini-base", x1: 0, x2: MINI_W, y1: MINI_H - 2.5, y2: MINI_H - 2.5}),
    group[0].steps.filter((s) => s.beginSeconds !== null).map((s) => el("line", {class: "mini-step", x1: at(s.endSeconds ?? s.beginSeconds), x2: at(s.endSeconds ?? s.beginSeconds), y1: 0, y2: MINI_H})),
    drawn.map((l) => { const look = profileLook(l.run.profile); return el("path", {class: "mini-line", d: miniPath(l.series, end, top), style: `stroke:var(--${look.colour});stroke-dasharray:${look.dash.join(" ") || "none"}`}); }));
}

function drawGlance() {
  const groups = caseGroups();
  const own = runs.filter((r) => !r.over);
  if (own.length < 2 || groups.length > GLANCES_MAX) return null;
  const seeds = new Set(own.map((r) => r.seedText)).size > 1, names = new Set(own.map((r) => r.name)).size > 1;
  const first = runs[0].series.find((s) => s.at.length);
  const profiles = [...new Set(own.map((r) => r.profile))];
  return el("section", {class: "card", id: "glance"}, el("div", {class: "row spread"}, el("h2", null, "Every case at a glance"),
    first ? el("div", {class: "keys"}, el("span", {class: "small"}, first.name + ":"), profiles.map((p) => el("span", {class: "key"}, lineSample(`var(--${profileLook(p).colour})`, profileLook(p).dash), p))) : null),
  el("p", {class: "lead"}, "One picture per case, from the start of its run to the end. Dashed lines are steps, tinted stretches are faults. Choose a profile to look into its run."),
  el("div", {class: "glance"}, groups.map((g) => el("div", {class: "one"}, el("div", {class: "row spread"}, el("h3", null, [names ? g[0].name : null, g[0].case || (names ? null : "the only case"), seeds ? "seed " + g[0].seedText : null].filter(Boolean).join(" · ")), el("span", {class: "soft small", title: "the highest value in the picture"}, miniTop(g))),
    mini(g), el("div", {class: "row"}, g.map((r) => el("button", {type: "button", "data-run": runs.indexOf(r), onclick: () => select(runs.indexOf(r), true), title: `${r.profile}: ${r.result}`},
      el("span", {class: "badge " + resultKind(r.result)}, sign(resultKind(r.result)), el("span", {class: "hidden-text"}, r.result)), r.profile)))))));
}

/* ---- the table of runs ---- */

const overText = (run) => `over all ${number(run.over)} runs`; /* what is judged over a file's runs together */

function runLabel(run) {
  const several = new Set(runs.map((r) => r.name)).size > 1;
  return [several || !run.case ? run.name : null, run.case, run.profile, run.over ? overText(run) : "seed " + run.seedText].filter(Boolean).join(" · ");
}

function drawRuns() {
  if (runs.length < 2) return null;
  const several = new Set(runs.map((r) => r.name)).size > 1;
  const filter = el("input", {type: "search", placeholder: "Filter runs", "aria-label": "filter runs by words"});
  const result = el("select", {"aria-label": "filter runs by result"}, ["every result", ...new Set(runs.map((r) => r.result))].map((v) => el("option", null, v)));
  const body = el("tbody"), count = el("span", {class: "soft small", role: "status"});
  const text = (r) => (runLabel(r) + " " + r.name + " " + r.result + " " + r.failures.map((f) => f.name + " " + f.text).join(" ")).toLowerCase();
  const numbers = (r) => r.over ? ["", "", "", "", ""] : [r.seedText, duration(r.simulatedSeconds), duration(r.wallSeconds), speedText(r), number(r.events)];
  const line = (r, i) => el("tr", {class: "choice", "data-run": i, "aria-selected": String(i === selected), onclick: () => select(i, true)}, el("td", null, badge(r.result)),
    several ? el("td", null, r.name) : null, el("td", null, el("button", {class: "link", type: "button"}, r.over ? overText(r) : r.case || r.name)), el("td", null, r.profile), numbers(r).map((v) => el("td", {class: "num"}, v)),
    el("td", null, r.failures.length ? r.failures[0].name : ""));
  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = runs.map(line).filter((_, i) => (result.selectedIndex === 0 || runs[i].result === result.value) && words.every((w) => text(runs[i]).includes(w)));
    body.replaceChildren(...rows);
    count.textContent = number(rows.length) + " of " + plural(runs.length, "run");
  };
  filter.addEventListener("input", show);
  result.addEventListener("change", show);
  show();
  const heads = ["Result", several ? "Scenario" : null, "Case", "Profile", "#Seed", "#Simulated", "#Real time", "#Speed", "#Events", "First problem"].filter(Boolean);
  return el("section", {class: "card", id: "runs"}, el("div", {class: "row spread"}, el("h2", null, "Runs"), el("div", {class: "row"}, filter, result, count)),
    el("div", {class: "scroll bounded"}, el("table", null, el("thead", null, el("tr", null, heads.map((h) => el("th", {scope: "col", class: h[0] === "#" ? "num" : null}, h.replace("#", ""))))), body)));
}

/* ---- one run ---- */

function sentence(run) {
  const broken = run.asserts.filter((a) => !a.ok).length;
  if (run.over) return `What is judged over all ${number(run.over)} runs of the file together did not hold.`;
  if (run.result === "passed") return `All ${plural(run.asserts.length, "assertion")} held.`;
  if (run.result === "error") return "The run could not be carried out.";
  if (run.result !== "failed") return "This run was not carried out: " + run.result + " in this world.";
  const rest = run.failures.filter((f) => f.kind !== "assert").map((f) => `${f.kind} “${f.name}”`);
  return [broken ? `${broken} of ${plural(run.asserts.length, "assertion")} did not hold` : null, rest.length ? "problems with " + rest.join(", ") : null].filter(Boolean).join("; ") + ".";
}

const profileWords = {compat: "as the original is known to behave", hardened: "with the known limits solved"};

function chips(pairs) { return Object.entries(pairs).map(([k, v]) => el("span", {class: "chip"}, k + "=" + v)); }

function copyButton(text) {
  const button = el("button", {type: "button", onclick: async () => {
    try { await navigator.clipboard.writeText(text); } catch { /* a file may not use the clipboard: select the text instead */
      const range = document.createRange();
      range.selectNodeContents(button.parentNode.querySelector("code"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = "Selected";
      return;
    }
    button.textContent = "Copied";
  }}, "Copy");
  return button;
}

/* The last events of what a failure is about: each leads to its moment on the timeline. */
function lastEvents(f, view) {
  if (!f.lastEvents) return null;
  const names = f.components.length ? f.components.join(", ") : "everything";
  const rows = f.lastEvents.map(([at, lane, kind, text, bad]) => el("tr", {class: bad ? "bad" : null}, el("td", {class: "num"}, timeLink(view, at)), el("td", null, bad ? el("span", {class: "badge bad"}, sign("bad"), kind) : kind), el("td", null, text), el("td", {class: "soft"}, lane)));
  return el("details", {class: "last", open: true}, el("summary", null, `The last ${plural(rows.length, "event")} of ${names}`),
    el("div", {class: "scroll bounded last-events", tabindex: 0, role: "region", "aria-label": "last events of " + names}, el("table", null, el("thead", null, el("tr", null, ["#Time", "Event", "What", "Lane"].map((h) => el("th", {scope: "col", class: h[0] === "#" ? "num" : null}, h.replace("#", ""))))), el("tbody", null, rows))));
}

function failureCard(run, f, view) {
  const a = f.kind === "assert" ? run.asserts.find((x) => x.name === f.name) : null;
  const expected = f.expected ? [f.expected.slice(0, f.expected.indexOf(":")), f.expected.slice(f.expected.indexOf(":") + 2)] : a ? [a.mode, a.expression] : null;
  return el("div", {class: "failure"}, el("div", {class: "row"}, el("span", {class: "badge bad"}, sign("bad"), f.kind), el("b", null, f.name),
    f.atSeconds === null ? null : el("span", null, "at ", timeLink(view, f.atSeconds)), f.place ? el("code", {class: "soft"}, f.place) : null),
  el("dl", null, expected ? [el("dt", null, "Expected"), el("dd", null, expected[0] + (a ? ` (${modeWords[a.mode] || "must hold"})` : "") + ": ", el("code", null, expected[1]))] : null,
    f.seen ? [el("dt", null, "Seen"), el("dd", null, f.seen)] : [el("dt", null, a ? "Seen" : "Reason"), el("dd", null, f.text)]), lastEvents(f, view));
}

function verdictCard(run, view) {
  const speed = run.wallSeconds > 0 ? `, ${speedText(run)} as fast as real time` : "";
  return el("section", {class: "card " + resultKind(run.result), id: "verdict"}, el("div", {class: "row spread"}, el("h2", null, runLabel(run)), badge(run.result)),
    el("p", {class: "said"}, sentence(run)), run.failures.map((f) => failureCard(run, f, view)),
    el("dl", {class: "facts"}, run.over ? null : [el("dt", null, "Simulated"), el("dd", null, `${duration(run.simulatedSeconds)} in ${duration(run.wallSeconds)}${speed}; ${plural(run.events, "event")}`),
      el("dt", null, "Profile"), el("dd", null, run.profile, profileWords[run.profile] ? el("span", {class: "soft"}, "(" + profileWords[run.profile] + ")") : null, chips(run.policies))],
      Object.keys(run.params).length ? [el("dt", null, "Parameters"), el("dd", null, chips(run.params))] : null,
      el("dt", null, "File"), el("dd", null, el("code", null, run.file), el("span", {class: "soft"}, "its clock starts at " + run.start.replace("T", " ").replace("Z", " UTC"))),
      run.traceHash ? [el("dt", null, "Trace"), el("dd", null, el("code", null, run.traceHash))] : null),
    run.replay ? el("div", {class: "command"}, el("code", null, run.replay), copyButton(run.replay)) : null);
}

function timelineCard(run, view) {
  const timeline = makeTimeline(run, view);
  const readout = el("span", {class: "readout soft small", role: "status"});
  const started = Date.parse(run.start), busy = busyRange(run);
  view.listen(() => {
    const at = view.hover ?? view.pin;
    readout.textContent = at === null ? "" : duration(at, 3) + "  ·  " + new Date(started + at * 1000).toISOString().replace("T", " ").replace(/\.\d+Z/, " UTC");
  });
  const button = (text, title, go) => el("button", {type: "button", title, "aria-label": title, onclick: go}, text);
  const card = el("section", {class: "card", id: "timeline"}, el("div", {class: "row spread"}, el("h2", null, "Timeline"), readout,
    el("div", {class: "row tools"}, button("◂", "earlier", () => view.pan(-0.25)), button("▸", "later", () => view.pan(0.25)), button("−", "zoom out", () => view.zoom(1 / 0.6, view.pin ?? undefined)), button("+", "zoom in", () => view.zoom(0.6, view.pin ?? undefined)), button("All", "whole run", () => view.all()),
      busy ? button("Where it happens", "from the first fault or step to the last trouble", () => view.set(...busy)) : null)),
  el("p", {class: "lead", id: "tl-help"}, "Drag to move; Ctrl and the wheel zoom, or the wheel alone once you have clicked here; a click sets the cursor. Keys: arrows, + and −, comma and full stop for the previous and next event, 0 for the whole run."),
  timeline.box);
  closing.push(timeline.stop);
  return {card, draw: timeline.layout};
}

function chartsCard(run, view, charts) {
  const groups = chartGroups(run);
  if (!groups.length) return null;
  const host = el("div");
  return {card: section("charts", "Measures over time", "On the timeline's axis: zoom there. Numbered dashed lines are steps, tinted stretches F1, F2, … are faults.", host),
    draw: () => host.replaceChildren(...groups.map((g) => {
      const made = timeChart(run, view, seriesLines(g), {title: g.title, doc: g.series.length === 1 ? g.series[0].doc : ""});
      charts.push(made.chart);
      return made.box;
    }))};
}

function histsCard(run, view, charts) {
  if (!run.hists.length) return null;
  const host = el("div", {class: "hists"});
  return {card: section("spread", "How the measures are spread", null, host), draw: () => host.replaceChildren(...run.hists.map((h) => {
    const made = histChart(h, view);
    if (made.chart) charts.push(made.chart);
    return made.box;
  }))};
}

function navigation() {
  const places = [["verdict", "Verdict"], ["compare", "Compare"], ["timeline", "Timeline"], ["charts", "Charts"], ["spread", "Spread"], ["asserts", "Assertions"], ["steps", "Steps"], ["faults", "Faults"], ["metrics", "Counters"], ["events", "Events"]];
  return places.filter(([id]) => document.getElementById(id)).map(([id, text]) => el("button", {class: "link", type: "button", onclick: () => document.getElementById(id).scrollIntoView({behavior: "smooth"})}, text));
}

const runHost = el("div", {id: "run"}), nav = el("nav", {"aria-label": "parts of the run"});
const picker = el("select", {"aria-label": "run", onchange: (e) => select(Number(e.target.value), false)}, runs.map((r, i) => el("option", {value: i}, (r.result === "passed" ? "✓ " : r.result === "failed" || r.result === "error" ? "✗ " : "– ") + runLabel(r))));

function drawRun() {
  const run = runs[selected], view = makeView(Math.max(run.simulatedSeconds, 0.002)), charts = [];
  closing.forEach((close) => close());
  closing = [() => charts.forEach((c) => c.destroy())];
  if (run.over) { runHost.replaceChildren(verdictCard(run, view)); nav.replaceChildren(...navigation()); return; }
  const timed = typeof Chart === "undefined" ? [timelineCard(run, view)] : [compareCard(runs, run, view, charts), timelineCard(run, view), chartsCard(run, view, charts), histsCard(run, view, charts)];
  const live = timed.filter(Boolean);
  runHost.replaceChildren(verdictCard(run, view), ...live.map((p) => p.card), ...[run.asserts.length && assertTable(run, view),
    el("div", {class: "pair"}, run.steps.length ? stepTable(run, view) : null, run.faults.length ? faultTable(run, view) : null), Object.keys(run.metrics).length && metricTable(run), run.timeline.length && makeLog(run, view)].filter(Boolean));
  const timeline = live.find((p) => p.card.id === "timeline");
  timeline.draw(); /* first: the charts take their margins from it */
  live.filter((p) => p !== timeline).forEach((p) => p.draw());
  nav.replaceChildren(...navigation());
}

function select(i, show) {
  selected = i;
  picker.value = i;
  document.querySelectorAll("[data-run]").forEach((e) => e.setAttribute(e.tagName === "TR" ? "aria-selected" : "aria-pressed", String(Number(e.dataset.run) === i)));
  document.querySelectorAll(".glance .one").forEach((e) => e.classList.toggle("current", !!e.querySelector(`[data-run="${i}"]`)));
  drawRun();
  history.replaceState(null, "", "#run=" + (i + 1));
  if (show) document.getElementById("bar").scrollIntoView({behavior: "smooth"});
}

function start() {
  learnSites(runs);
  if (typeof Chart !== "undefined") { Chart.defaults.font.family = colour("sans"); Chart.defaults.font.size = 12; }
  drawHead();
  const bar = el("div", {class: "bar", id: "bar"}, runs.length > 1 ? picker : el("b", null, runs.length ? runLabel(runs[0]) : "no runs"), nav);
  document.getElementById("main").replaceChildren(...[drawGlance(), drawRuns(), bar, runHost, el("footer", null, `Made by Paddock ${report.version}`, report.command ? [" with ", el("code", null, report.command)] : null, ". Everything is inside this file; it loads nothing.")].filter(Boolean));
  if (!runs.length) return;
  const asked = /^#run=(\d+)$/.exec(location.hash), bad = runs.findIndex((r) => resultKind(r.result) === "bad");
  select(asked && runs[asked[1] - 1] ? asked[1] - 1 : Math.max(0, bad), false);
}

function recolour() { coloursChanged(); if (runs.length) drawRun(); }
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
addEventListener("beforeprint", () => { document.documentElement.dataset.paper = "1"; recolour(); });
addEventListener("afterprint", () => { delete document.documentElement.dataset.paper; recolour(); });
start();
