/* Small things that all parts of the page use: elements, numbers and times for people, colours. */

function el(tag, attributes, ...children) {
  const svg = ["svg", "path", "line", "rect", "circle"].includes(tag);
  const e = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}

/* ---- times and numbers ---- */

const pad2 = (n) => String(n).padStart(2, "0");

/* 12m03.412s, as the terminal writes it; `digits` fixes the fraction (else three, or none when it is zero). */
function duration(seconds, digits) {
  if (seconds === null || seconds === undefined || !isFinite(seconds)) return "–";
  if (seconds < 0) return "-" + duration(-seconds, digits);
  if (digits === undefined && seconds > 0 && seconds < 0.001) return number(seconds * 1e6) + "us";
  const ms = Math.floor(seconds * 1000 + 1e-6);
  const s = Math.floor(ms / 1000), m = Math.floor(s / 60), h = Math.floor(m / 60);
  let text = h ? h + "h" + pad2(m % 60) + "m" + pad2(s % 60) : m ? m + "m" + pad2(s % 60) : String(s);
  const fraction = String(ms % 1000).padStart(3, "0");
  if (digits === undefined ? ms % 1000 : digits) text += "." + fraction.slice(0, digits || 3);
  return text + "s";
}

/* A tick of an axis whose ticks are `step` apart: no more detail than they differ in. */
function tickText(seconds, step) {
  const h = Math.floor(seconds / 3600 + 1e-9), m = Math.floor((seconds % 3600) / 60 + 1e-9);
  if (seconds < 1e-9) return "0";
  if (step >= 3600) return h + "h";
  if (step >= 60) return h ? h + "h" + pad2(m) : m + "m";
  return duration(seconds, step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3);
}

const tickSteps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
  3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
function tickStep(span, pixels) {
  const least = span / Math.max(1, pixels / 84);
  return tickSteps.find((s) => s >= least) || Math.ceil(least / 604800) * 604800;
}

function number(n) {
  if (!isFinite(n)) return "–";
  const rounded = Math.abs(n) >= 1000 || Number.isInteger(n) ? Math.round(n) : Number(n.toPrecision(4));
  const [whole, fraction] = String(rounded).split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction ? "." + fraction : "");
}

const unitSeconds = {s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9};
function measure(value, unit) {
  if (unit in unitSeconds) return duration(value * unitSeconds[unit]);
  if (unit === "B") {
    const power = value > 0 ? Math.min(4, Math.floor(Math.log2(value) / 10)) : 0;
    return power ? (value / 2 ** (10 * power)).toFixed(1) + " " + ["", "KiB", "MiB", "GiB", "TiB"][power] : value + " B";
  }
  return number(value) + (unit ? " " + unit : "");
}

const plural = (n, one, many) => number(n) + " " + (n === 1 ? one : many || one + "s");
const speedText = (run) => run.wallSeconds > 0 ? number(Math.floor(run.simulatedSeconds / run.wallSeconds)) + "×" : "–";

/* The first index i of an ascending array with at(i) >= value. */
function lowerBound(n, value, at) {
  let lo = 0, hi = n;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (at(mid) < value) lo = mid + 1; else hi = mid;
  }
  return lo;
}

/* ---- colours ---- */

let colourCache = {};
function colour(name) {
  return colourCache[name] || (colourCache[name] = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim());
}
function coloursChanged() { colourCache = {}; }

/* Sites are lane groups "site/x", and groups in which something leads. They have their colours in the order of their names,
   the same in every run of the report. */
const siteNames = [];
const siteOf = (text) => (/^site\/([^/ ]+)/.exec(text || "") || [])[1];
function learnSites(runs) {
  const names = new Set();
  for (const run of runs) {
    for (const lane of run.lanes) names.add(siteOf(lane.group) || siteOf(lane.name));
    for (const [lane, , , state] of run.spans) if (/lead/.test(state)) names.add(siteOf(run.lanes[lane].group) || run.lanes[lane].group);
  }
  names.delete(undefined);
  siteNames.push(...[...names].sort());
}
/* The colour of the one site that a text is about ("a", "site/a", "agents at site/a"); null: of none. */
function siteColour(text) {
  const last = (/(?:^|\b(?:at|of|to|site) |site\/)([^/ ]+)$/.exec(text || "") || [])[1], i = siteNames.indexOf(last);
  return i < 0 ? null : colour("site" + i % 4);
}

const profileLooks = {compat: {colour: "plain", dash: [6, 4]}, hardened: {colour: "good", dash: []}};
const profileLook = (profile) => profileLooks[profile] || {colour: "accent", dash: [2, 2]};

/* ---- signs ---- */

const signs = {
  good: "M8 0a8 8 0 1 0 0 16A8 8 0 0 0 8 0zM6.9 11.8 3.4 8.3l1.3-1.3 2.2 2.2 4.5-4.5 1.3 1.3z",
  bad: "M4.7 0h6.6L16 4.7v6.6L11.3 16H4.7L0 11.3V4.7zM5.3 4.1 4.1 5.3 6.8 8l-2.7 2.7 1.2 1.2L8 9.2l2.7 2.7 1.2-1.2L9.2 8l2.7-2.7-1.2-1.2L8 6.8z",
  warn: "M8 .8 16 15H0zM7.2 5.8v4.4h1.6V5.8zm0 5.6V13h1.6v-1.6z",
};
function sign(kind) {
  return el("svg", {class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true"},
    el("path", {d: signs[kind], fill: "currentColor", "fill-rule": "evenodd"}));
}
const resultKind = (result) => result === "passed" ? "good" : result === "failed" || result === "error" ? "bad" : "warn";
const resultWord = (result) => result.charAt(0).toUpperCase() + result.slice(1);
function badge(result) {
  const kind = resultKind(result);
  return el("span", {class: "badge " + kind}, sign(kind), resultWord(result));
}

/* A short sample of a line, for legends. */
function lineSample(stroke, dash) {
  return el("svg", {width: 26, height: 10, "aria-hidden": "true"},
    el("line", {x1: 0, y1: 5, x2: 26, y2: 5, stroke, "stroke-width": 2.5, "stroke-dasharray": dash && dash.length ? dash.join(" ") : null}));
}

/* At most once a frame. */
function eachFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; work(); });
  };
}
