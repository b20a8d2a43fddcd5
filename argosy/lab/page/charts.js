// Draws the lines of a report and sorts its tables; every figure shown as text comes from the page, not from here.
"use strict";
(() => {
  document.body.classList.add("js");
  const data = JSON.parse(document.getElementById("data").textContent);
  const unpack = ([multiply, divide, text]) => {
    const bytes = atob(text), out = [];
    let last = 0, number = 0, place = 1;
    for (let k = 0; k < bytes.length; k++) {
      const byte = bytes.charCodeAt(k);
      number += (byte & 127) * place; place *= 128;
      if (byte > 127) continue;
      if (number) { number -= 1; last += number % 2 ? -(number + 1) / 2 : number / 2; out.push((last * multiply) / divide); } else out.push(null);
      number = 0; place = 1;
    }
    return out;
  };
  const untext = ([sentences, rows]) => rows.map((row) => { const [place, ...figures] = row.split(" "); return sentences[+place].split("\0").map((part, k) => part + (figures[k] || "")).join(""); });
  const open = (line) => { for (const key in line) line[key] = key === "why" ? untext(line[key]) : unpack(line[key]); };
  for (const run of data.runs) { open(run.curve); Object.values(run.signs).forEach(open); }
  Object.values(data.prices).forEach(open);
  const kindOf = (k) => "c" + (k % 10) + (k > 9 ? " again" : "");
  const SVG = "http://www.w3.org/2000/svg";
  const sign = { USD: "$", EUR: "€", GBP: "£", JPY: "¥" }[data.currency] || "";
  const logs = new Map();

  const make = (tag, attributes, parent, text) => {
    const node = document.createElementNS(SVG, tag);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.appendChild(node);
    return node;
  };
  const html = (tag, name, text, parent) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    if (parent) parent.appendChild(node);
    return node;
  };
  const fixed = (value, places) => (value < 0 ? "−" : "") + Math.abs(value).toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });
  const cash = (value) => (value < 0 ? "−" : "") + sign + fixed(Math.abs(value), 0) + (sign ? "" : " " + data.currency);
  const brief = (value) => {
    const size = Math.abs(value);
    const [part, unit] = size >= 1e9 ? [size / 1e9, "B"] : size >= 1e6 ? [size / 1e6, "M"] : size >= 1e3 ? [size / 1e3, "k"] : [size, ""];
    return (value < 0 ? "−" : "") + sign + String(+part.toPrecision(3)) + unit;
  };
  const plain = (value) => fixed(value, Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
  const fall = (value) => fixed(value, 0) + " %";
  const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
  const moment = (seconds) => (seconds % 86400 && spanOf < 40 * 86400 ? new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") : day(seconds));
  let spanOf = Infinity;

  // -- scales ---------------------------------------------------------------------------------------------------------

  const steps = (low, high, count) => {
    const raw = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((k) => k >= raw);
    const out = [];
    for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) out.push(Math.abs(at) < step * 1e-9 ? 0 : at);
    return out;
  };
  const decades = (low, high) => {
    for (const set of [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7]]) {
      const out = [];
      for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) for (const k of set) { const at = k * 10 ** power; if (at >= low && at <= high) out.push(at); }
      if (out.length >= 3) return out;
    }
    return steps(low, high, 4);
  };
  const dates = (from, to, room) => {
    const span = to - from, most = Math.max(2, Math.floor(room / 76)), out = [];
    const begin = new Date(from * 1000);
    const months = [1, 2, 3, 6, 12, 24, 36, 60, 120, 240].find((k) => span / (k * 2629800) <= most);
    if (span > 60 * 86400 && months) {
      const step = months;
      let at = new Date(Date.UTC(begin.getUTCFullYear(), step >= 12 ? 0 : Math.floor(begin.getUTCMonth() / step) * step, 1));
      if (step >= 12) at.setUTCFullYear(Math.ceil(at.getUTCFullYear() / (step / 12)) * (step / 12));
      for (; at / 1000 <= to; at.setUTCMonth(at.getUTCMonth() + step)) if (at / 1000 >= from) {
        const january = at.getUTCMonth() === 0;
        out.push([at / 1000, january || step >= 12 ? String(at.getUTCFullYear()) : at.toLocaleString("en", { month: "short", timeZone: "UTC" })]);
      }
      return out;
    }
    const step = [300, 900, 3600, 14400, 43200, 86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400].find((k) => span / k <= most) || 28 * 86400;
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const date = new Date(at * 1000);
      out.push([at, step < 86400 && at % 86400 ? date.toISOString().slice(11, 16) : date.toLocaleString("en", { month: "short", day: "numeric", timeZone: "UTC" })]);
    }
    return out;
  };
  const before = (list, value) => {
    let low = 0, high = list.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (list[middle] <= value) low = middle; else high = middle - 1; }
    return low;
  };

  // -- one chart ------------------------------------------------------------------------------------------------------

  const draw = (box, plot) => {
    const width = box.clientWidth, height = box.clientHeight;
    if (!width) return;
    box.replaceChildren();
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, box);
    const right = width < 480 ? 42 : 56, bottom = plot.bare ? 6 : 22, top = 8;
    let from = Infinity, to = -Infinity, low = Infinity, high = -Infinity;
    for (const line of plot.lines) for (let k = 0; k < line.t.length; k++) {
      const value = line.v[k];
      if (value === null || (plot.log && value <= 0)) continue;
      if (line.t[k] < from) from = line.t[k];
      if (line.t[k] > to) to = line.t[k];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (!(from < to)) { html("p", "note", "There is too little to draw.", box); svg.remove(); return; }
    spanOf = to - from;
    if (plot.top !== undefined) high = plot.top; else { const pad = plot.log ? 0 : (high - low) * 0.04 || Math.abs(high) * 0.02 || 1; high += pad; low -= pad; }
    if (plot.top !== undefined) low = Math.min(low * 1.06, -1);
    const scale = plot.log ? Math.log : (value) => value;
    const a = scale(low), b = scale(high);
    const x = (t) => ((t - from) / (to - from)) * (width - right);
    const y = (value) => top + (1 - (scale(value) - a) / (b - a || 1)) * (height - top - bottom);
    for (const at of plot.log ? decades(low, high) : steps(low, high, Math.max(2, Math.floor(height / 62)))) {
      const line = Math.round(y(at)) + 0.5;
      make("line", { class: "grid", x1: 0, x2: width - right, y1: line, y2: line }, svg);
      make("text", { x: width - right + 7, y: line + 4 }, svg, plot.tick(at));
    }
    if (!plot.bare) for (const [at, label] of dates(from, to, width - right)) {
      const place = x(at);
      if (place > width - right - 14) continue;
      make("text", { x: Math.max(place, 0), y: height - 3, "text-anchor": place < 16 ? "start" : "middle" }, svg, label);
    }
    for (const line of plot.lines) {
      let path = "", pen = "M", first = null, last = null;
      for (let k = 0; k < line.t.length; k++) {
        const value = line.v[k];
        if (value === null || (plot.log && value <= 0)) { pen = "M"; continue; }
        const px = x(line.t[k]).toFixed(1);
        path += pen + px + " " + y(value).toFixed(1);
        pen = "L"; if (first === null) first = px; last = px;
      }
      if (line.area && path) { const base = (plot.top !== undefined ? y(plot.top) : height - bottom).toFixed(1); make("path", { class: "area " + line.kind, d: `${path}L${last} ${base}L${first} ${base}Z` }, svg); }
      make("path", { class: "line " + line.kind, d: path }, svg);
    }
    if (plot.signs) {
      const many = plot.signs.t.length, size = many > 400 ? 3 : many > 120 ? 4 : 5;
      plot.signs.t.forEach((t, k) => {
        const px = x(t), buy = plot.signs.s[k] > 0, py = y(plot.signs.p[k]) + (buy ? size + 3 : -size - 3), d = buy ? -size : size;
        make("path", { class: "mark " + (buy ? "buy" : "sell"), d: `M${px.toFixed(1)} ${(py + d).toFixed(1)}l${size} ${-2 * d}h${-2 * size}Z` }, svg);
      });
    }
    const cross = make("g", { visibility: "hidden" }, svg);
    const rule = make("line", { class: "cross", y1: top, y2: height - bottom }, cross);
    const dots = plot.lines.map((line) => make("circle", { class: "dot " + line.kind, r: 3.5 }, cross));
    box.show = (t) => {
      cross.setAttribute("visibility", t === null ? "hidden" : "visible");
      if (t === null) return;
      rule.setAttribute("x1", x(t)); rule.setAttribute("x2", x(t));
      plot.lines.forEach((line, k) => {
        const at = before(line.t, t), value = line.v[at], off = value === null || t < line.t[0] || (plot.log && value <= 0);
        dots[k].setAttribute("visibility", off ? "hidden" : "inherit");
        if (!off) { dots[k].setAttribute("cx", x(line.t[at])); dots[k].setAttribute("cy", y(value)); }
      });
    };
    box.range = { from, to, at: (px) => from + Math.min(1, Math.max(0, px / (width - right))) * (to - from) };
    box.plot = plot;
  };

  const fade = (box, kind) => box.querySelectorAll("path.line").forEach((path) => path.classList.toggle("faded", kind !== null && path.getAttribute("class").replace(" faded", "") !== "line " + kind));
  const say = (box, t) => {
    const figure = box.closest(".figure"), out = figure.querySelector(".readout"), charts = figure.querySelectorAll(".chart");
    charts.forEach((chart) => chart.show && chart.show(t));
    const main = charts[0];
    if (!main.plot) return;
    const line = main.plot.lines[0];
    const last = Math.max(...main.plot.lines.map((l) => l.t[l.t.length - 1]));
    const when = t === null ? last : line.t[before(line.t, t)];
    out.replaceChildren();
    html("span", "", moment(when), out);
    for (const one of main.plot.lines) {
      const at = before(one.t, when), span = html("span", "", undefined, out);
      if (main.plot.lines.length > 2) { const own = one.kind; span.addEventListener("pointerenter", () => fade(main, own)); span.addEventListener("pointerleave", () => fade(main, null)); }
      html("i", "key " + one.kind, "", span);
      span.append(one.name + " ");
      html("b", "", one.v[at] === null || when < one.t[0] ? "–" : main.plot.read(one.v[at]), span);
      if (one.down) span.append("  " + fixed(one.down[at], 1) + " %");
    }
    const signs = main.plot.signs;
    if (signs && t !== null && signs.t.length) {
      const near = Math.abs(main.range.to - main.range.from) / 120;
      let best = -1;
      signs.t.forEach((at, k) => { if (Math.abs(at - t) < near && (best < 0 || Math.abs(at - t) < Math.abs(signs.t[best] - t))) best = k; });
      if (best >= 0) html("span", "why", `${signs.s[best] > 0 ? "▲ bought" : "▼ sold"} at ${plain(signs.p[best])} on ${day(signs.t[best])}${signs.why[signs.w[best]] ? ": " + signs.why[signs.w[best]] : ""}`, out);
    }
  };

  const wide = (lists) => { let low = Infinity, high = 0; for (const list of lists) for (const value of list) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); } return low > 0 && high / low > 5; };
  const plotOf = (box) => {
    const kind = box.dataset.chart, k = +box.dataset.run, run = data.runs[k];
    if (kind === "all") {
      const lines = data.runs.map((one, j) => ({ name: one.name, kind: kindOf(j), t: one.curve.t, v: one.curve.own }));
      lines.push({ name: "Holding all", kind: "ch", t: data.runs[0].curve.t, v: data.runs[0].curve.held });
      return { lines, tick: brief, read: cash, wide: wide(lines.map((l) => l.v)) };
    }
    const curve = run.curve;
    if (kind === "equity") return { tick: brief, read: cash, wide: wide([curve.own, curve.held]), lines: [
      { name: run.name, kind: kindOf(k), t: curve.t, v: curve.own, down: curve.down }, { name: "Holding all", kind: "ch", t: curve.t, v: curve.held, down: curve.held_down }] };
    if (kind === "fall") return { tick: fall, read: fall, top: 0, lines: [
      { name: run.name, kind: kindOf(k), t: curve.t, v: curve.down, area: true }, { name: "Holding all", kind: "ch", t: curve.t, v: curve.held_down }] };
    const symbol = box.dataset.symbol, price = data.prices[symbol];
    if (!price) return null;
    return { tick: (value) => String(+value.toPrecision(3)), read: plain, signs: run.signs[symbol], wide: wide([price.p]), lines: [{ name: symbol, kind: "price", t: price.t, v: price.p }] };
  };

  const paint = (box) => {
    const plot = plotOf(box);
    if (!plot) return;
    const toggle = box.closest(".figure").querySelector("[data-log]");
    const log = toggle && box.dataset.chart !== "fall" ? (logs.has(toggle) ? logs.get(toggle) : plot.wide) : box.dataset.chart === "price" && plot.wide;
    plot.log = log;
    if (toggle && box.dataset.chart !== "fall") toggle.setAttribute("aria-pressed", String(!!log));
    draw(box, plot);
    say(box, null);
  };
  const charts = [...document.querySelectorAll(".chart")];
  for (const box of charts) {
    const picks = box.closest(".figure").querySelectorAll("[data-symbol]:not(.chart)");
    if (box.dataset.chart === "price") {
      const choose = (symbol) => { box.dataset.symbol = symbol; picks.forEach((pick) => pick.setAttribute("aria-pressed", String(pick.dataset.symbol === symbol))); paint(box); };
      picks.forEach((pick) => pick.addEventListener("click", () => choose(pick.dataset.symbol)));
      if (picks.length) choose(picks[0].dataset.symbol);
    }
    let cursor = null;
    const move = (t) => { cursor = t; say(box, t); };
    box.addEventListener("pointermove", (event) => box.range && move(box.range.at(event.clientX - box.getBoundingClientRect().left)));
    box.addEventListener("pointerdown", (event) => box.range && move(box.range.at(event.clientX - box.getBoundingClientRect().left)));
    box.addEventListener("pointerleave", () => box.range && move(null));
    box.addEventListener("blur", () => box.range && move(null));
    box.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!way || !box.range) return;
      event.preventDefault();
      const step = ((box.range.to - box.range.from) / 100) * way;
      move(Math.min(box.range.to, Math.max(box.range.from, (cursor === null ? box.range.to : cursor) + step)));
    });
    let width = 0;
    new ResizeObserver(() => { if (box.clientWidth && box.clientWidth !== width) { width = box.clientWidth; paint(box); } }).observe(box);
  }
  for (const toggle of document.querySelectorAll("[data-log]")) toggle.addEventListener("click", () => {
    logs.set(toggle, toggle.getAttribute("aria-pressed") !== "true");
    toggle.closest(".figure").querySelectorAll(".chart").forEach(paint);
  });

  // -- tables ---------------------------------------------------------------------------------------------------------

  const valueOf = (cell) => {
    if (cell.dataset.v !== undefined) return +cell.dataset.v;
    const text = cell.textContent.trim().replace(/−/g, "-").replace(/[$€£¥,%\s]/g, "").replace(/[A-Z]{3,5}$/, "");
    return /^[+-]?\d+(\.\d+)?$/.test(text) ? +text : null;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const now = head.getAttribute("aria-sort"), number = [...body.rows].some((row) => valueOf(row.cells[column]) !== null);
      const way = now ? (now === "descending" ? 1 : -1) : number ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
      const key = (row) => (number ? valueOf(row.cells[column]) : row.cells[column].textContent);
      const rows = [...body.rows].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => (a === null ? 1 : b === null ? -1 : number ? way * (a - b) : way * a.localeCompare(b)));
      body.append(...rows.map(([, row]) => row));
    }));
  }

  // -- one run at a time ----------------------------------------------------------------------------------------------

  const runs = [...document.querySelectorAll("article.run")];
  if (runs.length > 1) {
    const links = document.querySelectorAll(".runs a");
    const open = (k) => { runs.forEach((run) => (run.hidden = run.dataset.run !== k)); links.forEach((link) => (link.dataset.run === k ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current"))); };
    const follow = () => { const match = /^#run-(\d+)$/.exec(location.hash); open(match && runs[+match[1]] ? match[1] : document.querySelector(".compare tr[data-run]").dataset.run); };
    window.addEventListener("hashchange", follow);
    links.forEach((link) => link.addEventListener("click", (event) => { event.preventDefault(); history.replaceState(null, "", link.getAttribute("href")); follow(); }));
    const all = document.querySelector('[data-chart="all"]');
    document.querySelectorAll(".compare tr[data-run]").forEach((row) => { row.addEventListener("pointerenter", () => fade(all, kindOf(+row.dataset.run))); row.addEventListener("pointerleave", () => fade(all, null)); });
    document.querySelectorAll(".compare tr[data-run]").forEach((row) => row.addEventListener("click", (event) => { event.preventDefault(); history.replaceState(null, "", "#run-" + row.dataset.run); follow(); document.querySelector(".runs").scrollIntoView(); }));
    follow();
  }
})();
