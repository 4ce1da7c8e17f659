/* The timeline: a row per step, fault, assertion and lane over one axis of time, on a canvas that is as large as its window
   and draws only what is in it. Labels are elements, so that groups fold by keyboard. */

/* What part of the run is looked at: shared by the timeline and the charts below it. */
function makeView(end) {
  const listeners = [];
  const view = {
    end, from: 0, to: end, hover: null, pin: null, left: 180, right: 14,
    listen(onChange) { listeners.push(onChange); },
    tell(what) { for (const l of listeners) l(what); },
    set(from, to) {
      const span = Math.min(end, Math.max(0.002, to - from));
      view.from = Math.min(Math.max(0, from), end - span);
      view.to = view.from + span;
      view.tell("range");
    },
    zoom(factor, around) {
      const at = around === undefined ? (view.from + view.to) / 2 : around;
      view.set(at - (at - view.from) * factor, at + (view.to - at) * factor);
    },
    pan(share) { const d = (view.to - view.from) * share; view.set(view.from + d, view.to + d); },
    all() { view.set(0, end); },
    point(at) { view.hover = at; view.tell("cursor"); },
    pinAt(at, show) {
      view.pin = at;
      const span = view.to - view.from;
      if (show && (at < view.from || at > view.to)) view.set(at - span / 2, at + span / 2);
      view.tell("pin");
    },
  };
  return view;
}

const ROW = 22, TALL = 31, BAR = 15, AXIS = 28, MANY_LANES = 40;

/* ---- the rows ---- */

function timelineRows(run, folded, index) {
  const rows = [];
  const group = (key, title, members) => {
    if (!members.length) return;
    const open = !folded.has(key);
    rows.push({kind: "group", key, title: title + " (" + members.length + ")", open, lanes: members.flatMap((m) => m.lanes || [])});
    if (open) rows.push(...members);
  };
  if (run.steps.length) rows.push({kind: "steps", title: "Steps", height: ROW * stepTracks(run)});
  group("faults", "Faults", run.faults.map((fault, i) => ({kind: "fault", title: "F" + (i + 1) + "  " + fault.name, hint: fault.target, fault, i})));
  group("asserts", "Assertions", run.asserts.map((a) => ({kind: "assert", title: a.name, hint: a.mode + ": " + a.expression, a})));
  const groups = new Map();
  run.lanes.forEach((lane, i) => {
    if (!groups.has(lane.group)) groups.set(lane.group, []);
    groups.get(lane.group).push({kind: "lane", title: lane.name, lanes: [i], group: lane.group, height: index.spans[i].length ? TALL : ROW});
  });
  for (const [name, members] of groups) group("lane:" + name, siteNames.includes(name) ? "site " + name : name, members);
  let y = AXIS;
  for (const row of rows) {
    row.y = y;
    row.height = row.height || ROW;
    y += row.height;
  }
  return rows;
}

/* Names of steps stand beside their marks, in up to three tracks. */
function stepTracks(run) {
  return Math.min(3, Math.max(1, run.steps.filter((s) => s.beginSeconds !== null).length));
}

/* Per lane: the indexes of its events, in order of time; its spans. */
function indexLanes(run) {
  const events = run.lanes.map(() => []), spans = run.lanes.map(() => []);
  run.timeline.forEach((e, i) => events[e[1]].push(i));
  run.spans.forEach((s) => spans[s[0]].push(s));
  return {events, spans};
}

function startFolds(run) {
  const folded = new Set();
  if (run.lanes.length <= MANY_LANES) return folded;
  const counts = {};
  for (const lane of run.lanes) counts[lane.group] = (counts[lane.group] || 0) + 1;
  for (const [name, n] of Object.entries(counts)) if (n > 6) folded.add("lane:" + name);
  return folded;
}

/* ---- drawing ---- */

function hatch(stroke, gap) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = gap;
  const c = tile.getContext("2d");
  c.strokeStyle = stroke;
  c.lineWidth = 1.4;
  c.beginPath();
  for (const d of [-gap, 0, gap]) { c.moveTo(d, gap); c.lineTo(d + gap, 0); }
  c.stroke();
  return c.createPattern(tile, "repeat");
}

function stateLook(state, laneGroup) {
  const site = siteColour(state) || siteColour(laneGroup) || colour("neutral");
  if (/down|dead|crash|off|lost|gone/.test(state)) return {fill: hatch(colour("bad"), 6), edge: colour("bad"), text: colour("bad"), alpha: 0.75};
  if (/paus|stall|slow|wait/.test(state)) return {fill: hatch(colour("warn"), 5), edge: colour("warn"), text: colour("warn"), alpha: 0.9};
  if (/lead|active|master/.test(state)) return {fill: site, edge: site, text: colour("card"), alpha: 1, strong: true};
  return {fill: site, edge: site, text: colour("text"), alpha: 0.22};
}

function clippedText(c, text, x, y, width) {
  if (width < 26) return; /* a letter and dots say nothing */
  if (c.measureText(text).width <= width) { c.fillText(text, x, y); return; }
  let lo = 0, hi = text.length;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (c.measureText(text.slice(0, mid) + "…").width <= width) lo = mid; else hi = mid - 1;
  }
  if (lo > 1) c.fillText(text.slice(0, lo) + "…", x, y);
}

function drawSign(c, kind, x, y, size) {
  c.save();
  c.translate(x - size / 2, y - size / 2);
  c.scale(size / 16, size / 16);
  c.fillStyle = colour("card");
  c.beginPath(); c.arc(8, 8, 8.6, 0, 7); c.fill();
  c.fillStyle = colour(kind);
  c.fill(new Path2D(signs[kind]), "evenodd");
  c.restore();
}

function numberTag(c, text, x, y, fill) {
  c.font = "600 11px " + colour("sans");
  const w = Math.max(16, c.measureText(text).width + 7);
  c.fillStyle = fill;
  c.beginPath(); c.roundRect(x, y - 8, w, 16, 4); c.fill();
  c.fillStyle = colour("card");
  c.textAlign = "center";
  c.fillText(text, x + w / 2, y + 0.5);
  c.textAlign = "left";
  return w;
}

function makeTimeline(run, view) {
  const index = indexLanes(run), folded = startFolds(run);
  let rows = [], width = 0, height = 0;
  const canvas = el("canvas", {tabindex: 0, role: "application", "aria-label": timelineLabel(run), "aria-describedby": "tl-help"});
  const corner = el("div", {class: "tl-corner"});
  const labels = el("div", {class: "tl-labels"}, corner);
  const inner = el("div", {class: "tl-inner"}, canvas, labels);
  const scroller = el("div", {class: "tl-scroll"}, inner);
  const tip = el("div", {class: "tip", hidden: true});
  const box = el("div", {class: "tl"}, scroller, tip);
  const c = canvas.getContext("2d");
  const x = (t) => view.left + (t - view.from) / (view.to - view.from) * (width - view.left - view.right);
  const t = (px) => view.from + (px - view.left) / (width - view.left - view.right) * (view.to - view.from);
  const endOf = (seconds) => seconds === null ? run.simulatedSeconds : seconds;

  function layout() {
    rows = timelineRows(run, folded, index);
    const total = rows.length ? rows[rows.length - 1].y + rows[rows.length - 1].height + 6 : AXIS + 20;
    inner.style.height = total + "px";
    height = document.documentElement.dataset.paper ? total : Math.min(total, scroller.clientHeight || total);
    width = scroller.clientWidth;
    view.left = width < 560 ? 112 : width < 1000 ? 180 : 236;
    view.right = 14;
    view.gutter = scroller.offsetWidth - scroller.clientWidth + 1; /* and the box's border */
    labels.style.width = view.left + "px";
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = height + "px";
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    labels.replaceChildren(corner, ...rows.map(label));
    draw();
  }

  function label(row) {
    const style = `top:${row.y}px;height:${row.height}px;line-height:${row.kind === "steps" ? ROW : row.height}px`;
    if (row.kind !== "group") return el("div", {class: "tl-label", style, title: row.title + (row.hint ? "\n" + row.hint : "")}, row.title);
    return el("button", {class: "tl-label group", style, type: "button", "aria-expanded": String(row.open), onclick: () => {
      if (row.open) folded.add(row.key); else folded.delete(row.key);
      layout();
      labels.querySelectorAll("button").forEach((b) => { if (b.textContent.includes(row.title)) b.focus(); });
    }}, (row.open ? "▾ " : "▸ ") + row.title);
  }

  function drawGrid() {
    const step = tickStep(view.to - view.from, width - view.left - view.right);
    c.strokeStyle = colour("line-soft");
    c.lineWidth = 1;
    c.beginPath();
    for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
      c.moveTo(Math.round(x(at)) + 0.5, AXIS);
      c.lineTo(Math.round(x(at)) + 0.5, height);
    }
    c.stroke();
  }

  function drawAxis() {
    c.fillStyle = colour("card");
    c.fillRect(0, 0, width, AXIS);
    c.strokeStyle = colour("line");
    c.beginPath(); c.moveTo(0, AXIS - 0.5); c.lineTo(width, AXIS - 0.5); c.stroke();
    const step = tickStep(view.to - view.from, width - view.left - view.right);
    c.fillStyle = colour("soft");
    c.font = "12px " + colour("sans");
    c.textAlign = "center";
    for (let at = Math.ceil(view.from / step - 1e-9) * step; at <= view.to; at += step) {
      const px = x(at), half = c.measureText(tickText(at, step)).width / 2;
      c.fillRect(Math.round(px), AXIS - 5, 1, 5);
      c.fillText(tickText(at, step), Math.min(Math.max(px, view.left + half), width - half - 2), 11);
    }
    c.textAlign = "left";
  }

  function drawBands(scroll) {
    const bottom = height, first = rows.find((r) => r.kind === "lane" || (r.kind === "group" && r.lanes.length));
    if (!first) return;
    const top = Math.max(AXIS, first.y - scroll);
    for (const fault of run.faults) {
      if (fault.beginSeconds === null) continue;
      const a = x(fault.beginSeconds), b = Math.max(a + 2, x(endOf(fault.endSeconds)));
      if (fault.endSeconds === null || b < view.left || a > width) continue; /* to the end: its row says it */
      c.fillStyle = colour("fault-band");
      c.fillRect(a, top, b - a, bottom - top);
    }
  }

  function drawStepLines() {
    c.strokeStyle = colour("plain");
    c.globalAlpha = 0.55;
    c.setLineDash([3, 3]);
    c.beginPath();
    for (const s of run.steps) {
      if (s.beginSeconds === null) continue;
      const px = Math.round(x(endOf(s.endSeconds === null ? s.beginSeconds : s.endSeconds))) + 0.5;
      c.moveTo(px, AXIS); c.lineTo(px, height);
    }
    c.stroke();
    c.setLineDash([]);
    c.globalAlpha = 1;
  }

  function drawSteps(row, y) {
    const tracks = Math.round(row.height / ROW), freeFrom = new Array(tracks).fill(-Infinity);
    run.steps.forEach((s, i) => {
      if (s.beginSeconds === null) return;
      const a = x(s.beginSeconds), b = x(endOf(s.endSeconds));
      if (b < view.left - 1 || a > width) return;
      c.font = "12px " + colour("sans");
      const w = c.measureText(s.name).width + 30;
      let left = Math.max(a, Math.min(b, view.left + 2));
      if (left + w > width - 4 && a > view.left + w) left = a - w; /* name to the left of its mark */
      let track = freeFrom.findIndex((f) => f <= left);
      if (track < 0) track = freeFrom.indexOf(Math.min(...freeFrom));
      const my = y + track * ROW + ROW / 2;
      if (b > a + 1) {
        c.fillStyle = colour("plain");
        c.globalAlpha = 0.2;
        c.fillRect(a, my - 7, b - a, 14);
        c.globalAlpha = 1;
      }
      const tag = numberTag(c, String(i + 1), left === a - w ? a - 18 : left, my, colour("plain"));
      c.font = "12px " + colour("sans");
      c.fillStyle = colour("card");
      c.globalAlpha = 0.8;
      c.fillRect(left === a - w ? left + 2 : left + tag + 2, my - 8, w - 26, 16);
      c.globalAlpha = 1;
      c.fillStyle = colour("text");
      if (left === a - w) clippedText(c, s.name, left + 4, my + 0.5, w - 26);
      else clippedText(c, s.name, left + tag + 5, my + 0.5, width - left - tag - 8);
      freeFrom[track] = left + w + 6;
    });
  }

  function drawFault(row, y) {
    const f = row.fault;
    if (f.beginSeconds === null) return note("never began", y, "warn");
    const a = x(f.beginSeconds), b = Math.max(a + 3, x(endOf(f.endSeconds)));
    c.fillStyle = colour("fault-band");
    c.fillRect(a, y + 3, b - a, ROW - 6);
    c.fillStyle = hatch(colour("fault"), 6);
    c.fillRect(a, y + 3, b - a, ROW - 6);
    c.strokeStyle = colour("fault");
    c.strokeRect(a + 0.5, y + 3.5, b - a - 1, ROW - 7);
    c.font = "12px " + colour("sans");
    const text = f.fired ? plural(f.fired, "time") : "never fired" + (f.optional ? " (optional)" : "");
    const w = c.measureText(text).width + 8;
    const at = b + w + 4 < width ? b + 5 : a - w > view.left ? a - w + 2 : Math.max(a, view.left) + 4;
    c.fillStyle = colour("card");
    c.globalAlpha = 0.85;
    c.fillRect(at - 2, y + 4, w - 2, ROW - 8);
    c.globalAlpha = 1;
    c.fillStyle = colour(f.fired ? "fault" : "warn");
    c.fillText(text, at, y + ROW / 2 + 0.5);
  }

  function note(text, y, name) {
    c.font = "italic 12px " + colour("sans");
    c.fillStyle = colour(name);
    c.fillText(text, view.left + 6, y + ROW / 2 + 0.5);
  }

  const assertKind = (a) => a.ok ? a.verdict === "held" ? "good" : "warn" : "bad";
  function drawAssert(row, y) {
    const a = row.a, kind = assertKind(a), my = y + ROW / 2;
    if (a.fromSeconds === null) return note(a.verdict, y, kind);
    const from = x(a.fromSeconds), to = x(endOf(a.decidedSeconds));
    c.strokeStyle = colour(kind);
    c.globalAlpha = 0.6;
    c.lineWidth = 2;
    c.beginPath();
    c.moveTo(from, my); c.lineTo(to, my);
    c.moveTo(from, my - 5); c.lineTo(from, my + 5);
    c.stroke();
    c.lineWidth = 1;
    c.globalAlpha = 1;
    drawSign(c, kind, Math.min(to, Math.max(to, 0)) - (to > width - 8 ? 7 : 0), my, 14);
  }

  function drawSpans(lane, y, thin) {
    const group = run.lanes[lane].group;
    for (const [, begin, end, state] of index.spans[lane]) {
      const a = Math.max(view.left, x(begin)), b = Math.min(width, x(endOf(end)));
      if (b <= a) continue;
      const look = stateLook(state, group);
      c.globalAlpha = look.alpha;
      c.fillStyle = look.fill;
      c.fillRect(a, y + (thin ? 4 : 3), Math.max(1, b - a), thin ? 4 : BAR);
      c.globalAlpha = 1;
      if (thin) continue;
      c.strokeStyle = look.edge;
      c.globalAlpha = 0.7;
      c.strokeRect(a + 0.5, y + 3.5, Math.max(0, b - a - 1), BAR - 1);
      c.globalAlpha = 1;
      c.font = (look.strong ? "600 " : "") + "11.5px " + colour("sans");
      const w = Math.min(b - a - 8, c.measureText(state).width);
      if (!look.strong && look.alpha > 0.5 && w > 26) { /* the name must be readable on a hatch */
        c.fillStyle = colour("card");
        c.fillRect(a + 3, y + 4.5, w + 4, BAR - 3);
      }
      c.fillStyle = look.text;
      clippedText(c, state, a + 5, y + 3 + BAR / 2 + 0.5, b - a - 8);
    }
  }

  /* One tick a pixel, from `bottom` up to `room` high; higher where there are more; trouble wears a triangle. */
  function drawEvents(lanes, bottom, room) {
    const ticks = new Map();
    for (const lane of lanes) {
      const own = index.events[lane];
      for (let i = lowerBound(own.length, view.from, (k) => run.timeline[own[k]][0]); i < own.length; i++) {
        const e = run.timeline[own[i]];
        if (e[0] > view.to) break;
        const px = Math.round(x(e[0])), tick = ticks.get(px) || {n: 0, bad: 0};
        tick.n++;
        tick.bad += e[4];
        ticks.set(px, tick);
      }
    }
    let lastBad = -99;
    for (const [px, tick] of [...ticks].sort((p, q) => p[0] - q[0])) {
      const h = Math.min(room, room * (0.4 + 0.15 * Math.log2(tick.n)));
      c.fillStyle = colour(tick.bad ? "bad" : "plain");
      c.globalAlpha = tick.bad ? 1 : 0.7;
      c.fillRect(px, bottom - (tick.bad ? room : h), 1.2, tick.bad ? room : h);
      if (!tick.bad || px - lastBad < 7) continue;
      lastBad = px;
      c.beginPath();
      c.moveTo(px - 3.5, bottom - room - 1); c.lineTo(px + 4.7, bottom - room - 1); c.lineTo(px + 0.6, bottom - room + 5);
      c.fill();
    }
    c.globalAlpha = 1;
  }

  function drawRow(row, y) {
    if (row.kind === "group") {
      c.fillStyle = colour("sunken");
      c.fillRect(0, y, width, ROW);
      if (!row.open && row.lanes.length) {
        row.lanes.slice(0, 200).forEach((lane) => drawSpans(lane, y, true));
        drawEvents(row.lanes, y + ROW - 2, 11);
      }
      return;
    }
    c.strokeStyle = colour("line-soft");
    c.beginPath(); c.moveTo(view.left, y + row.height - 0.5); c.lineTo(width, y + row.height - 0.5); c.stroke();
    if (row.kind === "steps") drawSteps(row, y);
    else if (row.kind === "fault") drawFault(row, y);
    else if (row.kind === "assert") drawAssert(row, y);
    else { drawSpans(row.lanes[0], y, false); drawEvents(row.lanes, y + row.height - 2, row.height === TALL ? 10 : 14); }
  }

  function drawCursor(at, strong) {
    if (at === null || at < view.from || at > view.to) return;
    const px = Math.round(x(at)) + 0.5;
    c.strokeStyle = colour("accent");
    c.lineWidth = strong ? 2 : 1;
    c.beginPath(); c.moveTo(px, 0); c.lineTo(px, height); c.stroke();
    c.lineWidth = 1;
  }

  const failureLines = () => run.failures.filter((f) => f.atSeconds !== null && f.atSeconds >= view.from && f.atSeconds <= view.to).map((f) => Math.round(x(f.atSeconds)) + 0.5);
  function drawFailures() {
    c.strokeStyle = colour("bad");
    c.lineWidth = 1.5;
    c.beginPath();
    for (const px of failureLines()) { c.moveTo(px, AXIS); c.lineTo(px, height); }
    c.stroke();
    c.lineWidth = 1;
  }
  function drawFailureMarks() {
    c.fillStyle = colour("bad");
    c.beginPath();
    for (const px of failureLines()) { c.moveTo(px - 5, AXIS - 8); c.lineTo(px + 5, AXIS - 8); c.lineTo(px, AXIS); }
    c.fill();
  }

  function draw() {
    if (!width) return;
    const scroll = scroller.scrollTop;
    c.clearRect(0, 0, width, height);
    c.textBaseline = "middle";
    c.textAlign = "left";
    drawGrid();
    c.save();
    c.beginPath(); c.rect(view.left, AXIS, width - view.left, height - AXIS); c.clip();
    for (const row of rows) if (row.kind === "group" && row.y - scroll < height) { c.fillStyle = colour("sunken"); c.fillRect(0, row.y - scroll, width, ROW); }
    drawBands(scroll);
    drawStepLines();
    const over = (row) => row.kind === "steps" || row.kind === "fault"; /* their texts stand over the lines of failures */
    const drawRows = (which) => rows.filter((row) => which(row) && row.y - scroll < height && row.y - scroll + row.height > AXIS).forEach((row) => drawRow(row, row.y - scroll));
    drawRows((row) => !over(row));
    drawFailures();
    drawRows(over);
    c.restore();
    drawAxis();
    c.save();
    c.beginPath(); c.rect(view.left - 7, 0, width, height); c.clip();
    drawFailureMarks();
    drawCursor(view.pin, true);
    drawCursor(view.hover, false);
    c.restore();
    corner.textContent = view.to - view.from < view.end ? duration(view.to - view.from) + " shown" : "whole run";
  }
  const redraw = eachFrame(draw);

  /* ---- what is under the pointer ---- */

  function nearEvents(lanes, px) {
    const found = [];
    for (const lane of lanes) {
      const own = index.events[lane], from = t(px - 4), to = t(px + 4);
      for (let i = lowerBound(own.length, from, (k) => run.timeline[own[k]][0]); i < own.length && run.timeline[own[i]][0] <= to && found.length < 500; i++)
        found.push(run.timeline[own[i]]);
    }
    return found.sort((p, q) => q[4] - p[4] || p[0] - q[0]);
  }

  function describe(row, px) {
    const at = t(px), lines = [];
    if (row.kind === "steps")
      run.steps.forEach((s, i) => {
        if (s.beginSeconds !== null && px >= x(s.beginSeconds) - 6 && px <= Math.max(x(endOf(s.endSeconds)), x(s.beginSeconds)) + 18)
          lines.push([`step ${i + 1}`, s.name + ": " + duration(s.beginSeconds) + (s.endSeconds === null ? ", never ended" : s.endSeconds > s.beginSeconds ? " to " + duration(s.endSeconds) : "")]);
      });
    if (row.kind === "fault") lines.push(["F" + (row.i + 1), faultText(row.fault)]);
    if (row.kind === "assert") lines.push([row.a.verdict, row.a.mode + ": " + row.a.name + (row.a.decidedSeconds === null ? "" : ", decided at " + duration(row.a.decidedSeconds)) + (row.a.witness ? ". Seen: " + row.a.witness : "")]);
    if (row.lanes) {
      const events = nearEvents(row.lanes, px);
      for (const e of events.slice(0, 7)) lines.push([duration(e[0], 3), (e[4] ? "▲ " : "") + e[2] + "  " + e[3]]);
      if (events.length > 7) lines.push(["", `and ${number(events.length - 7)} more: zoom in`]);
      for (const lane of row.lanes.slice(0, row.lanes.length > 1 ? 0 : 1))
        for (const s of index.spans[lane])
          if (at >= s[1] && at <= endOf(s[2])) lines.push([s[3], duration(s[1]) + " to " + duration(endOf(s[2]))]);
    }
    return lines;
  }

  function showTip(e) {
    const r = canvas.getBoundingClientRect(), px = e.clientX - r.left, py = e.clientY - r.top;
    const row = px >= view.left && py > AXIS ? rows.find((w) => py + scroller.scrollTop >= w.y && py + scroller.scrollTop < w.y + w.height) : null;
    const lines = row ? describe(row, px) : [];
    tip.hidden = !lines.length;
    if (!lines.length) return;
    tip.replaceChildren(...lines.map(([head, text]) => el("div", null, head ? el("b", null, head + "  ") : null, text)));
    const b = box.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(e.clientX - b.left + 14, b.width - tip.offsetWidth - 6)) + "px";
    const below = e.clientY - b.top + 18;
    tip.style.top = (below + tip.offsetHeight > b.height ? Math.max(2, e.clientY - b.top - tip.offsetHeight - 12) : below) + "px";
  }

  /* ---- pointer and keys ---- */

  let drag = null;
  canvas.addEventListener("pointerdown", (e) => {
    if (e.button || e.offsetX < view.left) return;
    drag = {x: e.clientX, from: view.from, to: view.to, moved: false};
    canvas.setPointerCapture(e.pointerId);
  });
  canvas.addEventListener("pointermove", (e) => {
    const px = e.clientX - canvas.getBoundingClientRect().left;
    if (drag && (drag.moved || Math.abs(e.clientX - drag.x) > 4)) {
      drag.moved = true;
      const d = (drag.x - e.clientX) / (width - view.left - view.right) * (drag.to - drag.from);
      tip.hidden = true;
      view.set(drag.from + d, drag.to + d);
      return;
    }
    view.point(px >= view.left ? Math.min(view.end, Math.max(0, t(px))) : null);
    showTip(e);
  });
  canvas.addEventListener("pointerup", (e) => {
    if (drag && !drag.moved) view.pinAt(Math.min(view.end, Math.max(0, t(e.clientX - canvas.getBoundingClientRect().left))));
    drag = null;
  });
  canvas.addEventListener("pointerleave", () => { view.point(null); tip.hidden = true; });
  canvas.addEventListener("dblclick", () => view.all());
  /* A page must scroll past a timeline: the wheel is ours when the timeline has the focus, or with Ctrl. */
  canvas.addEventListener("wheel", (e) => {
    if (!e.ctrlKey && !e.metaKey && document.activeElement !== canvas) return;
    if (e.offsetX < view.left) return;
    e.preventDefault();
    tip.hidden = true;
    if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) view.pan(e.deltaX / 600);
    else view.zoom(Math.exp(Math.max(-1, Math.min(1, e.deltaY / 300))), t(e.clientX - canvas.getBoundingClientRect().left));
  }, {passive: false});

  function stepEvent(direction) {
    const at = view.pin === null ? view.from : view.pin, n = run.timeline.length;
    let i = lowerBound(n, at + (direction > 0 ? 1e-9 : 0), (k) => run.timeline[k][0]);
    while (i < n && direction > 0 && run.timeline[i][0] <= at) i++;
    if (direction < 0) i--;
    if (i >= 0 && i < n) view.pinAt(run.timeline[i][0], true);
  }
  const keys = {
    ArrowLeft: () => view.pan(-0.1), ArrowRight: () => view.pan(0.1), "+": () => view.zoom(0.6, view.pin ?? undefined), "=": () => view.zoom(0.6, view.pin ?? undefined),
    "-": () => view.zoom(1 / 0.6, view.pin ?? undefined), Home: () => view.all(), 0: () => view.all(), ",": () => stepEvent(-1), ".": () => stepEvent(1),
    ArrowUp: () => { scroller.scrollTop -= ROW * 2; }, ArrowDown: () => { scroller.scrollTop += ROW * 2; }, Escape: () => { canvas.blur(); },
  };
  canvas.addEventListener("keydown", (e) => {
    if (!keys[e.key] || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    keys[e.key]();
  });
  scroller.addEventListener("scroll", redraw);
  const watcher = new ResizeObserver(eachFrame(layout));
  watcher.observe(box);
  view.listen(redraw);
  return {box, layout, stepEvent, stop: () => watcher.disconnect()};
}

/* From the first thing that was done to the system to the last that came of it; null: that is all of the run. */
function busyRange(run) {
  const first = run.steps.length ? run.steps[0].endSeconds ?? 0 : 0;
  const starts = [...run.faults.map((f) => f.beginSeconds), ...run.steps.slice(1).map((s) => s.beginSeconds)].filter((t) => t !== null && t >= first);
  if (!starts.length) return null;
  const from = starts.reduce((a, b) => Math.min(a, b));
  const later = [...starts, ...run.faults.map((f) => f.endSeconds), ...run.failures.map((f) => f.atSeconds), ...run.timeline.filter((e) => e[4]).map((e) => e[0])].filter((t) => t !== null);
  const to = later.reduce((a, b) => Math.max(a, b)), room = Math.max(1, (to - from) * 0.12);
  return to + room - from + room < 0.8 * run.simulatedSeconds ? [from - room, to + room] : null;
}

function timelineLabel(run) {
  return `Timeline of ${duration(run.simulatedSeconds)}: ${plural(run.steps.length, "step")}, ${plural(run.faults.length, "fault")}, ` +
    `${plural(run.asserts.length, "assertion")}, ${plural(run.lanes.length, "lane")}, ${plural(run.timeline.length, "event")}. The tables below hold the same.`;
}

function faultText(f) {
  const when = f.beginSeconds === null ? "never began" : duration(f.beginSeconds) + (f.endSeconds === null ? " to the end" : " to " + duration(f.endSeconds));
  return `${f.name} on ${f.target}: ${when}; ` + (f.fired ? "fired " + plural(f.fired, "time") : "never fired" + (f.optional ? " (optional)" : ""));
}
