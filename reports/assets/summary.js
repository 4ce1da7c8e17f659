/* The page of many runs: totals, why runs failed, and each scenario, case and profile with its spread over the seeds. */

const report = JSON.parse(document.getElementById("data").textContent);
const summary = report.summary, groups = summary.groups;

const pairsText = (pairs) => Object.entries(pairs).map(([k, v]) => k + "=" + v).join(" ");
const overText = (g) => g.over ? `over all ${number(g.over)} runs` : null; /* what is judged over a file's runs together */
const groupLabel = (g) => [g.name, g.case, pairsText(g.params), g.profile, overText(g)].filter(Boolean).join(" · ");
const groupKind = (g) => g.failed ? "bad" : g.passed ? "good" : "warn";

/* ---- the head ---- */

function total(kind, n, word) {
  return el("div", {class: "total " + (n ? kind : "none")}, sign(kind), el("b", null, number(n)), word);
}

function drawHead() {
  const names = [...new Set(groups.map((g) => g.name))], docs = [...new Set(groups.map((g) => g.doc).filter(Boolean))];
  const other = groups.reduce((n, g) => n + g.unsupported + g.skipped, 0) + summary.left;
  document.getElementById("head").replaceChildren(el("div", {class: "verdict"},
    el("div", {class: "what"}, el("div", {class: "brand"}, "Paddock sweep"), el("h1", null, names.length === 1 ? names[0] : plural(names.length, "scenario")),
      docs.length === 1 ? el("p", null, docs[0]) : names.length > 1 ? el("p", {class: "soft"}, names.join(", ")) : null),
    el("div", {class: "totals", role: "status"}, total("good", summary.passed, "passed"), total("bad", summary.failed, "failed"), other ? total("warn", other, "not run") : null)));
}

/* ---- why runs failed ---- */

/* A failed run: into its report when it is there, and the command that repeats it. */
function seedLink(run) {
  if (run.seed === undefined) return el("li", null, el("code", null, run.replay)); /* over all runs */
  const link = run.page === undefined ? el("b", null, run.seed) : el("a", {href: "report.html#run=" + (run.page + 1), title: "the report of this run"}, run.seed);
  return el("li", null, el("span", {class: "seed"}, "seed ", link, run.atSeconds === null ? null : el("span", {class: "soft"}, " at " + duration(run.atSeconds))), el("code", null, run.replay));
}

function causeList(cause) {
  const more = cause.count - cause.runs.length;
  return el("details", {class: "seeds"}, el("summary", null, cause.runs[0].seed === undefined ? "all of them" : plural(cause.count, "run") + ", first seed " + cause.runs[0].seed),
    el("ul", null, cause.runs.map(seedLink), more > 0 ? el("li", {class: "soft"}, `and ${number(more)} more, in report.json`) : null));
}

function drawCauses() {
  const rows = groups.flatMap((g) => g.causes.map((c) => ({g, c}))).sort((a, b) => b.c.count - a.c.count);
  if (!rows.length) return null;
  return el("section", {class: "card bad", id: "causes"}, el("h2", null, "Why runs failed"),
    el("p", {class: "lead"}, "By what failed first. Open a line for its seeds: each has the command that repeats the run alone, and a link into its report where one was kept."),
    el("div", {class: "scroll"}, el("table", null, el("thead", null, el("tr", null, ["#Runs", "Failed first", "In", "Seeds"].map((h) => el("th", {scope: "col", class: h[0] === "#" ? "num" : null}, h.replace("#", ""))))),
      el("tbody", null, rows.map(({g, c}) => el("tr", {class: "cause"}, el("td", {class: "num"}, number(g.over ?? c.count)), el("td", null, el("span", {class: "badge bad"}, sign("bad"), c.kind), " ", el("b", null, c.name)),
        el("td", null, groupLabel(g)), el("td", null, causeList(c))))))));
}

/* ---- groups ---- */

const SPREAD_W = 180;
/* min, median, 99th and max on the line from the least to the most of the measure. */
function spreadPicture(m) {
  const span = m.max - m.min || 1, at = (v) => 4 + (v - m.min) / span * (SPREAD_W - 8);
  return el("svg", {class: "spread", width: SPREAD_W, height: 16, role: "img", "aria-label": `from ${measure(m.min, m.unit)} to ${measure(m.max, m.unit)}, half of them up to ${measure(m.p50, m.unit)}`},
    el("line", {x1: 4, x2: SPREAD_W - 4, y1: 8, y2: 8, class: "spread-line"}), el("rect", {x: at(m.p50) - 2, y: 2, width: 4, height: 12, class: "spread-median"}), el("circle", {cx: at(m.p99), cy: 8, r: 3.5, class: "spread-high"}));
}

function measureTable(g) {
  if (!g.measures.length) return null;
  return [el("h3", null, "Measures over the seeds"), el("table", null, el("thead", null, el("tr", null, ["Measure", "#of runs", "#least", "#p50", "#p99", "#most", ""].map((h) => el("th", {scope: "col", class: h[0] === "#" ? "num" : null}, h.replace("#", ""))))),
    el("tbody", null, g.measures.map((m) => el("tr", {class: "measure"}, el("td", null, m.name, " ", el("span", {class: "chip"}, m.statistic)), el("td", {class: "num"}, number(m.runs)),
      [m.min, m.p50, m.p99, m.max].map((v) => el("td", {class: "num"}, measure(v, m.unit))), el("td", null, spreadPicture(m))))))];
}

function slowTable(g) {
  if (!g.slowest.length) return null;
  return [el("h3", null, "Slowest runs"), el("table", null, el("thead", null, el("tr", null, ["#Seed", "#Real time", "#Events", "Command"].map((h) => el("th", {scope: "col", class: h[0] === "#" ? "num" : null}, h.replace("#", ""))))),
    el("tbody", null, g.slowest.map((r) => el("tr", {class: "slow"}, el("td", {class: "num"}, r.seed), el("td", {class: "num"}, duration(r.wallSeconds)), el("td", {class: "num"}, number(r.events)), el("td", null, el("code", null, r.replay))))))];
}

function groupBody(g) {
  return el("div", {class: "group-body"}, g.causes.map((c) => el("div", {class: "failure"}, el("div", {class: "row"}, el("span", {class: "badge bad"}, sign("bad"), c.kind), el("b", null, c.name)), causeList(c))),
    measureTable(g), slowTable(g), el("p", {class: "soft small"}, "File ", el("code", null, g.file)));
}

/* The body is made when it is opened first: there may be thousands of groups. */
function groupLine(g) {
  const kind = groupKind(g);
  const line = el("details", {class: "group"}, el("summary", null, el("span", {class: "badge " + kind}, sign(kind), el("span", {class: "hidden-text"}, kind === "bad" ? "failed" : kind === "good" ? "passed" : "not run")),
    el("span", {class: "group-name"}, el("b", null, g.name), g.case ? el("span", null, g.case) : null, Object.entries(g.params).map(([k, v]) => el("span", {class: "chip"}, k + "=" + v)), el("span", {class: "soft"}, g.profile)),
    el("span", {class: "group-count"}, overText(g) ?? plural(g.runs, "run"), g.failed && !g.over ? el("span", {class: "badge bad"}, number(g.failed) + " failed") : null, g.unsupported + g.skipped ? el("span", {class: "badge warn"}, number(g.unsupported + g.skipped) + " not run") : null)));
  line.addEventListener("toggle", () => { if (line.open && line.childElementCount === 1) line.append(groupBody(g)); });
  return line;
}

function drawGroups() {
  const filter = el("input", {type: "search", placeholder: "Filter", "aria-label": "filter by words"});
  const failed = el("input", {type: "checkbox"});
  const host = el("div"), count = el("span", {class: "soft small", role: "status"});
  const text = (g) => (groupLabel(g) + " " + g.file + " " + g.causes.map((c) => c.name).join(" ")).toLowerCase();
  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = groups.filter((g) => (!failed.checked || g.failed) && words.every((w) => text(g).includes(w)));
    host.replaceChildren(...shown.map(groupLine));
    count.textContent = number(shown.length) + " of " + plural(groups.length, "line");
  };
  filter.addEventListener("input", show);
  failed.addEventListener("change", show);
  show();
  return el("section", {class: "card", id: "groups"}, el("div", {class: "row spread"}, el("h2", null, "By scenario, case and profile"), el("div", {class: "row"}, filter, el("label", {class: "check"}, failed, "only failed"), count)),
    el("p", {class: "lead"}, "Open a line for its measures over the seeds and its slowest runs."), host);
}

drawHead();
document.getElementById("main").replaceChildren(...[drawCauses(), drawGroups(), el("footer", null, `Made by Paddock ${report.version}`, report.command ? [" with ", el("code", null, report.command)] : null,
  ". Everything is inside this file; it loads nothing. Links lead to report.html beside it.")].filter(Boolean));
