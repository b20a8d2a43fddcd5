// Draws one chart into its box: lines over time, signs of fills, or a cloud of points; `views` says which stretch is looked at.
const views = new Map();
let spanOf = Infinity;
const moment = (seconds) => (seconds % 86400 && spanOf < 40 * 86400 ? clock(seconds) : day(seconds));

const draw = (box, plot) => {
  const width = box.clientWidth, height = box.clientHeight;
  if (!width) return;
  box.querySelectorAll("svg, p").forEach((old) => old.remove());
  box.plot = plot;
  const right = width < 480 ? 42 : 56, bottom = 22, top = 8;
  let first = Infinity, last = -Infinity;
  for (const line of plot.lines) if (line.t.length) { first = Math.min(first, line.t[0]); last = Math.max(last, line.t[line.t.length - 1]); }
  if (!(first < last)) { html("p", "note", "There is too little to draw.", box); return; }
  const view = views.get(box.closest(".figure")), from = view ? view.from : first, to = view ? view.to : last;
  spanOf = to - from;
  const shown = plot.lines.map((line) => ({ line, a: before(line.t, from), b: Math.min(line.t.length - 1, before(line.t, to) + 1) }));
  let low = Infinity, high = -Infinity;
  for (const { line, a, b } of shown) for (let k = a; k <= b; k++) {
    const value = line.v[k];
    if (value === null || (plot.log && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (box.chosen && box.chosen.symbol === box.dataset.symbol && box.chosen.to >= from && box.chosen.from <= to) { low = Math.min(low, box.chosen.entry, box.chosen.exit); high = Math.max(high, box.chosen.entry, box.chosen.exit); }
  if (!(low <= high)) { low = 0; high = 1; }
  if (plot.base !== undefined) { low = Math.min(low, plot.base); high = Math.max(high, plot.base); }
  if (plot.top !== undefined) { high = plot.top; low = Math.min(low * 1.06, -1); } else {
    const pad = plot.log ? 0 : (high - low) * 0.04 || Math.abs(high) * 0.02 || 1;
    high += pad; low -= pad;
    if (plot.log) { high *= 1.02; low /= 1.02; }
  }
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, box);
  const scale = plot.log ? Math.log : (value) => value;
  const a = scale(low), b = scale(high);
  const x = (t) => ((t - from) / (to - from)) * (width - right);
  const y = (value) => top + (1 - (scale(value) - a) / (b - a || 1)) * (height - top - bottom);
  for (const at of plot.log ? decades(low, high) : steps(low, high, Math.max(3, Math.floor(height / 62)))) {
    const line = Math.round(y(at)) + 0.5;
    make("line", { class: at === plot.base ? "grid base" : "grid", x1: 0, x2: width - right, y1: line, y2: line }, svg);
    make("text", { x: width - right + 7, y: line + 4 }, svg, plot.tick(at));
  }
  for (const [at, label] of dates(from, to, width - right)) {
    const place = x(at);
    if (place > width - right - 14) continue;
    make("text", { x: Math.max(place, 0), y: height - 3, "text-anchor": place < 16 ? "start" : "middle" }, svg, label);
  }
  const inner = make("svg", { x: 0, y: 0, width: width - right, height }, svg);
  for (const { line, a: start, b: end } of shown) {
    let path = "", pen = "M", begin = null, stop = null;
    for (let k = start; k <= end; k++) {
      const value = line.v[k];
      if (value === null || (plot.log && value <= 0)) { pen = "M"; continue; }
      const px = x(line.t[k]).toFixed(1);
      path += pen + px + " " + y(value).toFixed(1);
      pen = "L"; if (begin === null) begin = px; stop = px;
    }
    if (line.area && path) { const base = y(plot.top !== undefined ? plot.top : plot.base).toFixed(1); make("path", { class: "area " + line.kind, d: `${path}L${stop} ${base}L${begin} ${base}Z` }, inner); }
    make("path", { class: "line " + line.kind, d: path }, inner);
  }
  if (plot.signs) {
    const seen = [];
    plot.signs.t.forEach((t, k) => { if (t >= from && t <= to) seen.push(k); });
    const size = seen.length > 400 ? 3 : seen.length > 120 ? 4 : seen.length > 30 ? 5 : 6, paths = { buy: "", sell: "" };
    for (const k of seen) {
      const buy = plot.signs.s[k] > 0, py = y(plot.signs.p[k]) + (buy ? size + 3 : -size - 3), d = buy ? -size : size;
      paths[buy ? "buy" : "sell"] += `M${x(plot.signs.t[k]).toFixed(1)} ${(py + d).toFixed(1)}l${size} ${-2 * d}h${-2 * size}Z`;
    }
    for (const way in paths) if (paths[way]) make("path", { class: "mark " + way, d: paths[way] }, svg);
  }
  if (box.chosen && box.chosen.symbol === box.dataset.symbol && box.chosen.to >= from && box.chosen.from <= to) {
    const one = box.chosen, kind = one.made > 0 ? "buy" : one.made < 0 ? "sell" : "price";
    make("path", { class: "chosen " + kind, d: `M${x(one.from).toFixed(1)} ${y(one.entry).toFixed(1)}L${x(one.to).toFixed(1)} ${y(one.exit).toFixed(1)}` }, inner);
    for (const [t, p] of [[one.from, one.entry], [one.to, one.exit]]) if (t >= from && t <= to) make("circle", { class: "picked " + kind, cx: x(t), cy: y(p), r: 5 }, svg);
  }
  const cross = make("g", { visibility: "hidden" }, svg);
  const rule = make("line", { class: "cross", y1: top, y2: height - bottom }, cross);
  const dots = plot.lines.map((line) => make("circle", { class: "dot " + line.kind, r: 3.5 }, cross));
  box.show = (t) => {
    cross.setAttribute("visibility", t === null || t < from || t > to ? "hidden" : "visible");
    if (t === null) return;
    rule.setAttribute("x1", x(t)); rule.setAttribute("x2", x(t));
    plot.lines.forEach((line, k) => {
      const at = before(line.t, t), value = line.v[at], off = value === null || t < line.t[0] || line.t[at] < from || (plot.log && value <= 0);
      dots[k].setAttribute("visibility", off ? "hidden" : "inherit");
      if (!off) { dots[k].setAttribute("cx", x(line.t[at])); dots[k].setAttribute("cy", y(value)); }
    });
  };
  box.range = { from, to, first, last, room: width - right, at: (px) => from + Math.min(1, Math.max(0, px / (width - right))) * (to - from) };
};

const cloud = (box, points) => {
  const width = box.clientWidth, height = box.clientHeight, right = 44, bottom = 22, top = 8;
  if (!width) return;
  box.replaceChildren();
  const edge = (values) => { const sorted = [...values].sort((a, b) => a - b); return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.99))] * 1.05 || 1; };
  const wideX = edge(points.x), wideY = edge(points.y);
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, box);
  const x = (value) => 6 + Math.min(1, value / wideX) * (width - right - 12), y = (value) => top + (1 - Math.min(1, value / wideY)) * (height - top - bottom);
  for (const at of steps(0, wideY, Math.max(2, Math.floor(height / 62)))) {
    const line = Math.round(y(at)) + 0.5;
    make("line", { class: "grid", x1: 0, x2: width - right, y1: line, y2: line }, svg);
    make("text", { x: width - right + 7, y: line + 4 }, svg, short(at) + " %");
  }
  for (const at of steps(0, wideX, Math.max(2, Math.floor(width / 90)))) if (x(at) < width - right - 10) make("text", { x: x(at), y: height - 3, "text-anchor": at ? "middle" : "start" }, svg, short(at) + " %");
  const equal = Math.min(wideX, wideY);
  make("line", { class: "cross", x1: x(0), y1: y(0), x2: x(equal), y2: y(equal) }, svg);
  const paths = ["", ""];
  points.x.forEach((value, k) => (paths[points.s[k]] += `M${x(value).toFixed(1)} ${y(points.y[k]).toFixed(1)}h0`));
  paths.forEach((path, won) => path && make("path", { class: "cloud " + (won ? "buy" : "sell"), d: path }, svg));
};

const fade = (box, kind) => box.querySelectorAll("path.line").forEach((path) => path.classList.toggle("faded", kind !== null && path.getAttribute("class").replace(" faded", "") !== "line " + kind));
const say = (box, t) => {
  const figure = box.closest(".figure"), out = figure.querySelector(".readout"), charts = [...figure.querySelectorAll(".chart")].filter((chart) => chart.plot);
  charts.forEach((chart) => chart.show && chart.show(t));
  const main = charts[0];
  if (!main || !out || !main.range) return;
  const line = main.plot.lines[0];
  const end = Math.min(main.range.to, Math.max(...main.plot.lines.map((l) => l.t[l.t.length - 1])));
  const when = t === null ? end : line.t[before(line.t, t)];
  out.replaceChildren();
  html("span", "", moment(when), out);
  for (const chart of charts) if (!chart.plot.quiet) for (const one of chart.plot.lines) {
    const at = before(one.t, when), span = html("span", "", undefined, out);
    if (chart.plot.lines.length > 2) { const own = one.kind; span.addEventListener("pointerenter", () => fade(chart, own)); span.addEventListener("pointerleave", () => fade(chart, null)); }
    html("i", "key " + one.kind, "", span);
    span.append(one.name + " ");
    html("b", "", one.v[at] === null || when < one.t[0] ? NONE : chart.plot.read(one.v[at]), span);
    if (one.down) span.append("  " + fixed(one.down[at], 1) + " %");
  }
  const signs = main.plot.signs;
  if (signs && t !== null && signs.t.length) {
    const near = Math.abs(main.range.to - main.range.from) / 120;
    let best = -1;
    signs.t.forEach((at, k) => { if (Math.abs(at - t) < near && (best < 0 || Math.abs(at - t) < Math.abs(signs.t[best] - t))) best = k; });
    if (best >= 0) html("span", "why", `${signs.s[best] > 0 ? "▲ bought" : "▼ sold"} at ${plain(signs.p[best])} on ${moment(signs.t[best])}${signs.why[signs.w[best]] ? ": " + signs.why[signs.w[best]] : ""}`, out);
  }
};
