// What each chart of the page shows, and its buttons.
const logs = new Map();
const plotOf = (box) => {
  const kind = box.dataset.chart, k = +box.dataset.run, run = data.runs[k];
  if (kind === "all") {
    const lines = data.runs.map((one, j) => ({ name: one.name, kind: kindOf(j), t: one.curve.t, v: one.curve.own }));
    if (data.runs[0].curve.held) lines.push({ name: "Holding all", kind: "ch", t: data.runs[0].curve.t, v: data.runs[0].curve.held });
    return { lines, tick: brief, read: cash, wide: wide(lines.map((l) => l.v)) };
  }
  const curve = run.curve, own = kindOf(k);
  const third = (v, down) => (curve.index ? [{ name: run.index, kind: "ci", t: curve.t, v, down }] : []);
  if (kind === "equity") return { tick: brief, read: cash, wide: wide([curve.own, curve.held]), lines: [
    { name: run.name, kind: own, t: curve.t, v: curve.own, down: curve.down }, { name: "Holding all", kind: "ch", t: curve.t, v: curve.held, down: curve.held_down },
    ...third(curve.index, curve.index_down)] };
  if (kind === "fall") return { tick: share, read: share, top: 0, quiet: true, lines: [
    { name: run.name, kind: own, t: curve.t, v: curve.down, area: true }, { name: "Holding all", kind: "ch", t: curve.t, v: curve.held_down },
    ...third(curve.index_down)] };
  if (kind === "sharpe" || kind === "beta") return { tick: short, read: (value) => fixed(value, 2), base: 0, lines: [
    { name: kind === "beta" ? "Beta" : "Sharpe", kind: own, t: run.rolling.t, v: run.rolling[kind] }] };
  if (kind === "invested") {
    const lines = [{ name: "Long", kind: own, t: run.invested.t, v: run.invested.long, area: true }];
    if (run.invested.short) lines.push({ name: "Short", kind: "sell", t: run.invested.t, v: run.invested.short, area: true });
    return { tick: share, read: share, base: 0, lines };
  }
  const symbol = box.dataset.symbol, price = data.prices[symbol];
  if (!price) return null;
  return { tick: short, read: plain, signs: run.signs[symbol], wide: wide([price.p]), lines: [{ name: symbol, kind: "price", t: price.t, v: price.p }] };
};

const paint = (box) => {
  if (box.dataset.chart === "reach") { cloud(box, data.runs[+box.dataset.run].reach); return; }
  const plot = plotOf(box);
  if (!plot) return;
  const toggle = box.closest(".figure").querySelector("[data-log]"), money = box.dataset.chart === "equity" || box.dataset.chart === "all";
  plot.log = money ? (logs.has(toggle) ? logs.get(toggle) : plot.wide) : box.dataset.chart === "price" && plot.wide;
  if (toggle && money) toggle.setAttribute("aria-pressed", String(!!plot.log));
  draw(box, plot);
  say(box, null);
};
const choose = (box, symbol) => {
  const figure = box.closest(".figure"), list = figure.querySelector("[data-symbols]");
  if (box.dataset.symbol !== symbol) views.delete(figure);
  box.dataset.symbol = symbol;
  figure.classList.toggle("near", views.has(figure));
  figure.querySelectorAll("button[data-symbol]").forEach((pick) => pick.setAttribute("aria-pressed", String(pick.dataset.symbol === symbol)));
  if (list) list.value = symbol;
  paint(box);
};
for (const box of document.querySelectorAll(".chart")) {
  const figure = box.closest(".figure");
  if (box.dataset.chart === "price") {
    const picks = [...figure.querySelectorAll("button[data-symbol]")], list = figure.querySelector("[data-symbols]");
    picks.forEach((pick) => pick.addEventListener("click", () => choose(box, pick.dataset.symbol)));
    if (list) list.addEventListener("change", () => choose(box, list.value));
    const first = picks.length ? picks[0].dataset.symbol : list && list.value;
    if (first) choose(box, first);
  }
  if (box.dataset.chart !== "reach") zoomable(box);
  let width = 0;
  new ResizeObserver(() => { if (box.clientWidth && box.clientWidth !== width) { width = box.clientWidth; paint(box); } }).observe(box);
  paint(box);
}
document.querySelectorAll("[data-log]").forEach((toggle) => toggle.addEventListener("click", () => {
  logs.set(toggle, toggle.getAttribute("aria-pressed") !== "true");
  repaint(toggle.closest(".figure"));
}));
document.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => {
  const box = button.closest(".figure").querySelector(".chart");
  if (button.dataset.zoom === "all") everything(box); else closer(box, button.dataset.zoom === "in" ? 0.5 : 2);
}));
