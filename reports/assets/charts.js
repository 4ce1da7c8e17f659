/* Charts of measures (Chart.js): over time, on the timeline's axis; and how values are spread. */

const POINTS_MAX = 1600; /* of one line in one view: more than there are pixels */

/* The points of a series within the view, thinned to the lowest and highest of each slice; steps hold their value. */
function pointsIn(series, view) {
  const at = series.at, v = series.values;
  const lo = Math.max(0, lowerBound(at.length, view.from, (i) => at[i]) - 1);
  const hi = Math.min(at.length, lowerBound(at.length, view.to, (i) => at[i]) + 1);
  const points = [];
  const slice = Math.max(1, Math.ceil((hi - lo) / (POINTS_MAX / 2)));
  for (let i = lo; i < hi; i += slice) {
    let low = i, high = i;
    for (let k = i; k < Math.min(hi, i + slice); k++) {
      if (v[k] < v[low]) low = k;
      if (v[k] > v[high]) high = k;
    }
    for (const k of low === high ? [low] : low < high ? [low, high] : [high, low]) points.push({x: at[k], y: v[k]});
  }
  if (hi === at.length && hi > lo && points.length) points.push({x: Math.max(view.end, at[hi - 1]), y: v[hi - 1]});
  return points;
}

/* Fault bands, steps and the cursor, behind and over the lines. */
function decorations(run, view) {
  const inside = (chart, draw) => {
    const {ctx, chartArea: a} = chart;
    ctx.save();
    ctx.beginPath(); ctx.rect(a.left, a.top - 18, a.right - a.left, a.bottom - a.top + 18); ctx.clip();
    draw(ctx, a, (t) => chart.scales.x.getPixelForValue(t));
    ctx.restore();
  };
  return {
    id: "decorations",
    beforeDatasetsDraw: (chart) => inside(chart, (c, a, x) => {
      let nameEnd = -99;
      run.faults.forEach((f, i) => {
        if (f.beginSeconds === null) return;
        const from = x(f.beginSeconds), to = Math.max(from + 2, x(f.endSeconds === null ? view.end : f.endSeconds));
        if (f.endSeconds !== null) {
          c.fillStyle = colour("fault-band");
          c.fillRect(from, a.top, to - from, a.bottom - a.top);
          c.fillStyle = hatch(colour("fault"), 9);
          c.globalAlpha = 0.28;
          c.fillRect(from, a.top, to - from, a.bottom - a.top);
          c.globalAlpha = 1;
        }
        c.fillStyle = colour("fault");
        c.font = "600 11px " + colour("sans");
        c.textBaseline = "top";
        const name = "F" + (i + 1) + (f.endSeconds === null ? " →" : ""), left = Math.max(from, a.left) + 3, track = from > nameEnd ? 0 : 13;
        if (to > a.left) c.fillText(name, left, a.top + 2 + track);
        nameEnd = left + c.measureText(name).width;
      });
      let last = -99;
      run.steps.forEach((s, i) => {
        if (s.beginSeconds === null) return;
        const px = Math.round(x(s.endSeconds === null ? s.beginSeconds : s.endSeconds)) + 0.5;
        c.strokeStyle = colour("plain");
        c.globalAlpha = 0.6;
        c.setLineDash([3, 3]);
        c.beginPath(); c.moveTo(px, a.top); c.lineTo(px, a.bottom); c.stroke();
        c.setLineDash([]);
        c.globalAlpha = 1;
        c.textBaseline = "middle";
        const tag = Math.max(px - 8, last);
        last = tag + numberTag(c, String(i + 1), tag, a.top - 9, colour("plain")) + 1;
      });
    }),
    afterDatasetsDraw: (chart) => inside(chart, (c, a, x) => {
      for (const f of run.failures) {
        if (f.atSeconds === null) continue;
        const px = Math.round(x(f.atSeconds)) + 0.5;
        c.strokeStyle = colour("bad");
        c.lineWidth = 1.5;
        c.beginPath(); c.moveTo(px, a.top); c.lineTo(px, a.bottom); c.stroke();
        drawSign(c, "bad", px, a.bottom - 8, 12);
      }
      for (const [at, width] of [[view.pin, 2], [view.hover, 1]]) {
        if (at === null) continue;
        c.strokeStyle = colour("accent");
        c.lineWidth = width;
        c.beginPath(); c.moveTo(Math.round(x(at)) + 0.5, a.top); c.lineTo(Math.round(x(at)) + 0.5, a.bottom); c.stroke();
      }
    }),
  };
}

function timeAxis(view) {
  return {
    type: "linear", min: view.from, max: view.to,
    afterBuildTicks: (axis) => {
      const step = tickStep(axis.max - axis.min, axis.width || 800);
      axis.ticks = [];
      axis.tickUnit = step;
      for (let t = Math.ceil(axis.min / step - 1e-9) * step; t <= axis.max; t += step) axis.ticks.push({value: t});
    },
    ticks: {color: colour("soft"), maxRotation: 0, autoSkip: false, callback(value) { return tickText(value, this.tickUnit); }},
    grid: {color: colour("line-soft"), tickLength: 4},
  };
}

function valueAxis(view, unit) {
  return {
    beginAtZero: true, grace: "5%", bounds: "data",
    afterBuildTicks: (axis) => { /* the room above the highest value is no tick */
      const t = axis.ticks, n = t.length, steps = n > 2 ? t[n - 1].value / (t[1].value - t[0].value) : 0;
      if (Math.abs(steps - Math.round(steps)) > 1e-6) t.pop();
    },
    ticks: {color: colour("soft"), maxTicksLimit: 6, precision: unit ? undefined : 0, callback: (v) => measure(v, unit)},
    grid: {color: colour("line-soft")},
    afterFit: (axis) => { axis.width = view.left + 1; },
  };
}

function tooltipLook() {
  return {backgroundColor: colour("text"), titleColor: colour("page"), bodyColor: colour("page"), displayColors: true, usePointStyle: true, boxPadding: 4};
}

/* One chart over time. lines: [{series, name, colour, dash}]. */
function timeChart(run, view, lines, options) {
  const canvas = el("canvas", {role: "img", "aria-label": options.title + ": " + lines.map((l) => l.name + " " + rangeText(l.series)).join("; ")});
  const plot = el("div", {class: "plot" + (options.tall ? " tall" : "")}, canvas);
  const unit = lines[0].series.unit;
  const chart = new Chart(canvas, {
    type: "line",
    data: {datasets: lines.map((l) => ({
      label: l.name, data: pointsIn(l.series, view), borderColor: l.colour, borderDash: l.dash || [], borderWidth: 2, stepped: "before",
      pointRadius: 0, pointHoverRadius: 4, pointBackgroundColor: l.colour, pointStyle: "line",
      fill: lines.length === 1 ? {target: "origin", above: l.colour + "22"} : false,
    }))},
    options: {
      animation: false, responsive: true, maintainAspectRatio: false, normalized: true, parsing: false,
      layout: {padding: {top: 20, right: view.right + (view.gutter || 0) - 1, left: 0}},
      interaction: {mode: "nearest", axis: "x", intersect: false},
      onHover: (e, _, ch) => { const a = ch.chartArea; view.point(e.x >= a.left && e.x <= a.right && e.type !== "mouseout" ? ch.scales.x.getValueForPixel(e.x) : null); },
      scales: {x: timeAxis(view), y: valueAxis(view, unit)},
      plugins: {legend: {display: false}, tooltip: Object.assign(tooltipLook(), {callbacks: {
        title: (items) => items.length ? duration(items[0].parsed.x, 1) : "", label: (i) => i.dataset.label + ": " + measure(i.parsed.y, unit)}})},
    },
    plugins: [decorations(run, view)],
  });
  canvas.addEventListener("mouseleave", () => view.point(null));
  canvas.addEventListener("click", (e) => { if (e.offsetX >= chart.chartArea.left) view.pinAt(chart.scales.x.getValueForPixel(e.offsetX)); });
  const refit = eachFrame(() => {
    if (!chart.canvas) return;
    chart.data.datasets.forEach((d, i) => { d.data = pointsIn(lines[i].series, view); });
    chart.options.scales.x.min = view.from;
    chart.options.scales.x.max = view.to;
    chart.update("none");
  });
  const repaint = eachFrame(() => { if (chart.canvas) chart.draw(); });
  view.listen((what) => what === "range" ? refit() : repaint());
  return {chart, box: el("div", {class: "chart"}, el("div", {class: "row"}, el("h3", null, options.title), options.doc ? el("span", {class: "soft small"}, options.doc) : null,
    lines.length > 1 ? el("div", {class: "keys"}, lines.map((l) => el("span", {class: "key"}, lineSample(l.colour, l.dash), l.name))) : null, options.extra), plot)};
}

function rangeText(series) {
  if (!series.values.length) return "has no values";
  let low = Infinity, high = -Infinity;
  for (const v of series.values) { low = Math.min(low, v); high = Math.max(high, v); }
  return `from ${measure(low, series.unit)} to ${measure(high, series.unit)}, at the end ${measure(series.values[series.values.length - 1], series.unit)}`;
}

/* Series that share a chart, or differ only in their site, stand in one. */
function chartGroups(run) {
  const groups = new Map(), known = run.series.filter((s) => s.at.length);
  const common = (s) => siteColour(s.name) ? s.name.replace(/ (?:at|of|to) \S+$/, "") : s.name;
  known.forEach((s, i) => {
    const bySite = !s.chart && common(s) !== s.name && known.filter((o) => common(o) === common(s)).length > 1;
    const title = s.chart || (bySite ? common(s) + " by site" : s.name);
    const key = s.chart || bySite ? "chart " + title : "series " + i;
    if (!groups.has(key)) groups.set(key, {title, series: []});
    groups.get(key).series.push(s);
  });
  return [...groups.values()];
}

const lineDashes = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
function seriesLines(group) {
  const spare = ["accent", "fault", "warn", "neutral"];
  return group.series.map((s, i) => ({series: s, name: s.name, dash: group.series.length > 1 ? lineDashes[i % 4] : [],
    colour: siteColour(s.name) || colour(spare[i % 4])}));
}

/* ---- how values are spread ---- */

function niceWidth(range, bins) {
  const raw = range / bins, power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((f) => f * power).find((w) => w >= raw * 0.999);
}

function binsOf(values, unit) {
  const min = values[0], max = values[values.length - 1];
  let width = max > min ? niceWidth(max - min, 24) : Math.abs(max) / 10 || 1;
  if (!(unit in unitSeconds) && values.every(Number.isInteger)) width = Math.max(1, Math.round(width));
  const from = Math.floor(min / width) * width, n = Math.max(1, Math.min(200, Math.floor((max - from) / width + 1e-9) + 1));
  const counts = new Array(n).fill(0);
  for (const v of values) counts[Math.min(n - 1, Math.floor((v - from) / width + 1e-9))]++;
  return {from, width, counts};
}

function quantileMarks(hist) {
  return {id: "marks", afterDatasetsDraw: (chart) => {
    const {ctx: c, chartArea: a} = chart;
    c.save();
    let track = 0, last = -99;
    for (const [name, value] of Object.entries(hist.show)) {
      const px = Math.round(chart.scales.x.getPixelForValue(value)) + 0.5;
      c.strokeStyle = colour("plain");
      c.setLineDash([4, 3]);
      c.beginPath(); c.moveTo(px, a.top - 4); c.lineTo(px, a.bottom); c.stroke();
      c.setLineDash([]);
      c.font = "600 11px " + colour("sans");
      c.fillStyle = colour("plain");
      const w = c.measureText(name).width;
      track = px - last < w + 8 ? (track + 1) % 3 : 0;
      last = px;
      c.textAlign = px + w / 2 > chart.width ? "right" : "center";
      c.fillText(name, Math.min(px, chart.width - 2), a.top - 10 - track * 12);
    }
    c.restore();
  }};
}

function histChart(hist, view) {
  const title = el("div", {class: "row"}, el("h3", null, hist.name), hist.doc ? el("span", {class: "soft small"}, hist.doc) : null);
  if (!hist.count) return {box: el("div", {class: "chart"}, title, el("p", {class: "soft"}, "Nothing was measured in this run."))};
  const figures = el("div", {class: "figures"}, Object.entries(hist.show).map(([k, v]) => el("span", null, k + " ", el("b", null, measure(v, hist.unit)))),
    el("span", null, "of ", el("b", null, number(hist.count))));
  const bins = binsOf(hist.values, hist.unit);
  const canvas = el("canvas", {role: "img", "aria-label": `${hist.name}: ` + Object.entries(hist.show).map(([k, v]) => k + " " + measure(v, hist.unit)).join(", ")});
  const edge = (i) => measure(bins.from + i * bins.width, hist.unit);
  const chart = new Chart(canvas, {
    type: "bar",
    data: {datasets: [{data: bins.counts.map((n, i) => ({x: bins.from + (i + 0.5) * bins.width, y: n})), backgroundColor: colour("accent") + "b0",
      borderColor: colour("accent"), borderWidth: 1, barPercentage: 1, categoryPercentage: 0.94}]},
    options: {
      animation: false, responsive: true, maintainAspectRatio: false, parsing: false, layout: {padding: {top: 44, right: 12}},
      scales: {
        x: {type: "linear", min: bins.from, max: bins.from + bins.counts.length * bins.width, offset: false,
          afterBuildTicks: (axis) => { const every = Math.ceil(bins.counts.length / 8); axis.ticks = []; for (let i = 0; i <= bins.counts.length; i += every) axis.ticks.push({value: bins.from + i * bins.width}); },
          ticks: {color: colour("soft"), maxRotation: 0, callback: (v) => measure(Number(v.toPrecision(9)), hist.unit)}, grid: {display: false}},
        y: {beginAtZero: true, ticks: {color: colour("soft"), precision: 0, maxTicksLimit: 5}, grid: {color: colour("line-soft")}},
      },
      interaction: {mode: "nearest", axis: "x", intersect: false},
      plugins: {legend: {display: false}, tooltip: Object.assign(tooltipLook(), {displayColors: false, callbacks: {
        title: (items) => items.length ? edge(items[0].dataIndex) + " to " + edge(items[0].dataIndex + 1) : "", label: (i) => plural(i.parsed.y, "value")}})},
    },
    plugins: [quantileMarks(hist)],
  });
  return {chart, box: el("div", {class: "chart"}, title, figures, el("div", {class: "plot"}, canvas))};
}

/* ---- the same case in each profile ---- */

const sameCase = (a, b) => a.file === b.file && a.name === b.name && a.case === b.case && a.seedText === b.seedText;
function siblings(runs, run) {
  const all = runs.filter((r) => sameCase(r, run));
  return all.length > 1 && new Set(all.map((r) => r.profile)).size > 1 ? all : [];
}

function compareCard(runs, run, view, charts) {
  const all = siblings(runs, run);
  const names = all.length ? all[0].series.map((s) => s.name).filter((n) => all.every((r) => r.series.some((s) => s.name === n && s.at.length))) : [];
  if (!names.length) return null;
  const host = el("div");
  const show = (name) => {
    const lines = all.map((r) => ({series: r.series.find((s) => s.name === name), name: r.profile, colour: colour(profileLook(r.profile).colour), dash: profileLook(r.profile).dash}));
    const made = timeChart(run, view, lines, {title: name, doc: lines[0].series.doc, tall: true});
    host.replaceChildren(made.box);
    charts.push(made.chart);
  };
  const choice = names.length > 1 ? el("select", {"aria-label": "measure to compare", onchange: (e) => show(e.target.value)}, names.map((n) => el("option", null, n))) : null;
  const hists = all[0].hists.filter((h) => all.every((r) => r.hists.some((o) => o.name === h.name))).map((h) => ({
    name: h.name, unit: h.unit, of: all.map((r) => r.hists.find((o) => o.name === h.name)),
  }));
  for (const h of hists) h.keys = [...new Set(h.of.flatMap((o) => Object.keys(o.show)))];
  const card = el("section", {class: "card", id: "compare"}, el("div", {class: "row spread"}, el("h2", null, all.map((r) => r.profile).join(" and ") + ", side by side"), el("div", {class: "tools"}, choice)),
    el("p", {class: "lead"}, "The same case and seed in each profile: compat behaves as the original is known to, hardened is meant to do better."), host,
    el("div", {class: "scroll"}, el("table", null, el("thead", null, el("tr", null, el("th", null, "Profile"), el("th", null, "Result"),
      hists.flatMap((h) => [el("th", {class: "num"}, h.name + ": values"), h.keys.map((k) => el("th", {class: "num"}, k))]))),
    el("tbody", null, all.map((r, i) => el("tr", null, el("td", null, el("span", {class: "key"}, lineSample(colour(profileLook(r.profile).colour), profileLook(r.profile).dash), r.profile)),
      el("td", null, badge(r.result)),
      hists.flatMap((h) => [el("td", {class: "num"}, number(h.of[i].count)), h.keys.map((k) => el("td", {class: "num"}, k in h.of[i].show ? measure(h.of[i].show[k], h.unit) : "–"))])))))));
  return {card, draw: () => show(choice ? choice.value : names[0])};
}
