/* Tables of a run, and the log of its events: a list that has elements only for the rows in its window. */

const modeWords = {
  never: "must never be true", always: "must be true all the time", eventually: "must become true", within: "must be true within its time, and still at its end",
  sometimes: "must be true at least once over all runs", at: "must be true at its moment", fit: "must grow as stated", baseline: "must be as before",
};
const verdictWords = {unseen: "did not come true in this run; it counts only if no run saw it", vacuous: "its window never opened"};

function table(heads, rows, options) {
  const cell = (tag, v, i) => el(tag, {class: heads[i].num ? "num" : heads[i].nowrap ? "nowrap" : null}, v);
  return el("div", {class: "scroll" + (options && options.bounded ? " bounded" : "")}, el("table", null,
    el("thead", null, el("tr", null, heads.map((h) => el("th", {class: h.num ? "num" : null, scope: "col"}, h.text)))),
    el("tbody", null, rows.map((r) => el("tr", null, r.map((v, i) => cell("td", v, i)))))));
}

function timeLink(view, seconds) {
  if (seconds === null) return "–";
  return el("button", {class: "link", type: "button", title: "show on the timeline", onclick: () => { view.pinAt(seconds, true); document.getElementById("timeline").scrollIntoView({behavior: "smooth"}); }}, duration(seconds));
}

function assertBadge(a) {
  const kind = a.ok ? a.verdict === "held" ? "good" : "warn" : "bad";
  return el("span", {class: "badge " + kind}, sign(kind), a.verdict);
}

function section(id, title, lead, ...content) {
  return el("section", {class: "card", id}, el("h2", null, title), lead ? el("p", {class: "lead"}, lead) : null, ...content);
}

function assertTable(run, view) {
  const order = (a) => a.ok ? a.verdict === "held" ? 2 : 1 : 0;
  const sorted = run.asserts.slice().sort((a, b) => order(a) - order(b));
  return section("asserts", "Assertions", "What must hold, and whether it did. Failed ones stand first.",
    table([{text: "Verdict"}, {text: "What must hold"}, {text: "Watched from", num: true}, {text: "Decided at", num: true}, {text: "Looked at", num: true}],
      sorted.map((a) => [assertBadge(a), el("div", null, el("b", null, a.name), " ", el("span", {class: "soft small"}, a.mode + ": " + (modeWords[a.mode] || "")),
        el("code", {class: "soft expression"}, a.expression), a.witness ? el("div", {class: "witness"}, el("span", {class: "soft"}, "Seen: "), a.witness) : null,
        verdictWords[a.verdict] ? el("div", {class: "soft small"}, verdictWords[a.verdict]) : null),
      timeLink(view, a.fromSeconds), timeLink(view, a.decidedSeconds), plural(a.evaluations, "time")])));
}

function stepTable(run, view) {
  return section("steps", "Steps", "What the scenario did, in its order.",
    table([{text: ""}, {text: "Step"}, {text: "Began", num: true}, {text: "Ended", num: true}, {text: "Took", num: true}],
      run.steps.map((s, i) => [el("span", {class: "tag step"}, i + 1), s.name, s.beginSeconds === null ? el("span", {class: "badge warn"}, sign("warn"), "never") : timeLink(view, s.beginSeconds),
        s.beginSeconds !== null && s.endSeconds === null ? el("span", {class: "badge warn"}, sign("warn"), "never") : timeLink(view, s.endSeconds),
        s.beginSeconds === null || s.endSeconds === null ? "–" : duration(s.endSeconds - s.beginSeconds)])));
}

function faultTable(run, view) {
  const fired = (f) => f.fired ? number(f.fired) : el("span", {class: "badge warn"}, sign("warn"), f.optional ? "never (optional)" : "never");
  return section("faults", "Faults", "What was broken on purpose. A fault that never fired would prove nothing: unless it is optional, it fails the run.",
    table([{text: ""}, {text: "Fault"}, {text: "On"}, {text: "From", num: true}, {text: "To", num: true}, {text: "Fired", num: true}],
      run.faults.map((f, i) => [el("span", {class: "tag fault"}, "F" + (i + 1)), f.name, el("code", null, f.target), timeLink(view, f.beginSeconds),
        f.beginSeconds === null ? "–" : f.endSeconds === null ? "the end" : timeLink(view, f.endSeconds), fired(f)])));
}

function metricTable(run) {
  const names = Object.keys(run.metrics), host = el("dl", {class: "counters"});
  const show = (text) => host.replaceChildren(...names.filter((n) => n.toLowerCase().includes(text.toLowerCase()))
    .map((n) => el("div", null, el("dt", null, el("code", null, n)), el("dd", {class: "num"}, number(run.metrics[n])))));
  show("");
  return section("metrics", "Counters at the end", null, names.length > 30 ? el("input", {type: "search", placeholder: "Filter names", "aria-label": "filter counters by name", oninput: (e) => show(e.target.value)}) : null, host);
}

/* ---- the log ---- */

const LOG_ROW = 26;

function makeLog(run, view) {
  let shown = run.timeline.map((_, i) => i), marked = -1;
  const texts = run.timeline.map((e) => (duration(e[0], 3) + " " + run.lanes[e[1]].name + " " + e[2] + " " + e[3]).toLowerCase());
  const body = el("div");
  const scroller = el("div", {class: "log-scroll", tabindex: 0, role: "group", "aria-label": "events; filter above"}, body);
  const count = el("span", {class: "soft small", role: "status"});
  const filter = el("input", {type: "search", placeholder: "Filter: words in any order", "aria-label": "filter events by words"});
  const lane = el("select", {"aria-label": "filter events by lane"}, el("option", {value: ""}, "every lane"), run.lanes.map((l, i) => el("option", {value: i}, l.name)));
  const bad = el("input", {type: "checkbox"}), within = el("input", {type: "checkbox"});

  function row(k) {
    const e = run.timeline[shown[k]];
    return el("div", {class: "log-row" + (e[4] ? " bad" : "") + (shown[k] === marked ? " near" : ""), style: `top:${k * LOG_ROW}px`, onclick: () => view.pinAt(e[0], true), title: `${run.lanes[e[1]].name}  ${e[2]}\n${e[3]}`},
      el("span", {class: "when"}, duration(e[0], 3)), el("span", {class: "lane"}, run.lanes[e[1]].name), el("span", {class: "kind"}, (e[4] ? "▲ " : "") + e[2]), el("span", null, e[3]));
  }
  function paint() {
    const first = Math.max(0, Math.floor(scroller.scrollTop / LOG_ROW) - 6);
    const last = Math.min(shown.length, first + Math.ceil((scroller.clientHeight || 440) / LOG_ROW) + 12);
    const rows = [];
    for (let k = first; k < last; k++) rows.push(row(k));
    body.replaceChildren(...rows);
  }
  function refilter() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = [];
    run.timeline.forEach((e, i) => {
      if (bad.checked && !e[4]) return;
      if (lane.value !== "" && e[1] !== Number(lane.value)) return;
      if (within.checked && (e[0] < view.from || e[0] > view.to)) return;
      if (words.every((w) => texts[i].includes(w))) shown.push(i);
    });
    body.style.cssText = `position:relative;height:${shown.length * LOG_ROW}px`;
    count.textContent = shown.length === run.timeline.length ? plural(shown.length, "event") : number(shown.length) + " of " + plural(run.timeline.length, "event");
    scroller.scrollTop = 0;
    paint();
  }
  function go(at) { /* the event nearest to a moment */
    const k = lowerBound(shown.length, at - 1e-6, (i) => run.timeline[shown[i]][0]);
    const near = k > 0 && (k === shown.length || at - run.timeline[shown[k - 1]][0] < run.timeline[shown[k]][0] - at) ? k - 1 : k;
    marked = near < shown.length ? shown[near] : -1;
    const top = near * LOG_ROW;
    if (top < scroller.scrollTop || top > scroller.scrollTop + scroller.clientHeight - LOG_ROW) scroller.scrollTop = Math.max(0, top - scroller.clientHeight / 2);
    paint();
  }
  filter.addEventListener("input", refilter);
  for (const input of [lane, bad, within]) input.addEventListener("change", refilter);
  scroller.addEventListener("scroll", eachFrame(paint));
  view.listen((what) => { if (what === "pin" && view.pin !== null) go(view.pin); if (what === "range" && within.checked) refilter(); });
  refilter();
  const head = el("div", {class: "log-row head"}, el("span", {class: "when"}, "Time"), el("span", {class: "lane"}, "Where"), el("span", {class: "kind"}, "Kind"), el("span", null, "What"));
  return section("events", "Events", run.eventsDropped ? `The first ${number(run.timeline.length)} events; ${number(run.eventsDropped)} later ones were left out to bound this page.` : null,
    el("div", {class: "row log-tools"}, filter, lane, el("label", {class: "check"}, bad, "only trouble ▲"), el("label", {class: "check"}, within, "only what the timeline shows"), count),
    el("div", {class: "log"}, head, scroller));
}
