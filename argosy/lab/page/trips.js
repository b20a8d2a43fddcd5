// The table of trades where there are more than one page of them: its pages and its order; and from a trade to its place in the prices.
const even = (value, places) => {  // halves go to the even neighbour, as in the page's own text
  const scaled = value * 10 ** places, near = Math.round(scaled);
  return (Math.abs(scaled % 1) === 0.5 && near % 2 ? near - 1 : near) / 10 ** places;
};
const lasting = (seconds) => {
  const [part, unit, places] = seconds >= 63072000 ? [seconds / 31557600, "years", 1] : seconds >= 172800 ? [seconds / 86400, "days", 0] : seconds >= 7200 ? [seconds / 3600, "hours", 1] : [seconds / 60, "minutes", 0];
  return seconds >= 60 ? `${even(part, places).toFixed(places)} ${unit}` : "moments";
};
const signed = (value, text) => (value ? (value < 0 ? MINUS : "+") : "") + text;
const pager = (bar) => {
  const k = +bar.dataset.pages, trips = open(data.runs[k].trips), table = bar.closest("section").querySelector("table"), body = table.tBodies[0];
  const { clock: timed, many, places } = trips, count = trips.side.length, page = body.rows.length;
  const left = trips.entered.map((t, j) => (trips.open[j] ? null : t + trips.held[j]));
  const when = (t) => (timed && t % 86400 ? clock(t) : day(t));
  const figure = (value, digits) => (value === null ? NONE : fixed(value, digits));
  const price = (value) => figure(value, value === null || Math.abs(value) >= 1 ? 2 : 4);
  const money = (value) => (value === null ? NONE : signed(value, sign + fixed(Math.abs(value), places) + (sign ? "" : " " + data.currency)));
  const columns = [
    [(j) => trips.symbols[trips.symbol[j]], (j) => trips.symbols[trips.symbol[j]]],
    ...(many ? [[(j) => trips.strategys[trips.strategy[j]], (j) => trips.strategys[trips.strategy[j]]]] : []),
    [(j) => (trips.side[j] > 0 ? "long" : "short"), (j) => (trips.side[j] > 0 ? "long" : "short")],
    [(j) => when(trips.entered[j]), (j) => trips.entered[j]], [(j) => (left[j] === null ? "open" : when(left[j])), (j) => left[j]],
    [(j) => figure(trips.units[j], trips.units[j] % 1 ? 4 : 0), (j) => trips.units[j]],
    [(j) => price(trips.entry[j]), (j) => trips.entry[j]], [(j) => price(trips.exit[j]), (j) => trips.exit[j]],
    [(j) => money(trips.pnl[j]), (j) => trips.pnl[j]],
    [(j) => (trips.back[j] === null ? NONE : signed(trips.back[j], fixed(Math.abs(trips.back[j]), 1) + "\u00a0%")), (j) => trips.back[j]],
    [(j) => lasting(trips.held[j]), (j) => trips.held[j]], [(j) => trips.why[j], (j) => trips.why[j]],
  ];
  let order = [...Array(count).keys()], at = 0;
  const pages = Math.ceil(count / page), said = bar.querySelector("span"), buttons = bar.querySelectorAll("button");
  const show = (go) => {
    at = Math.max(0, Math.min(pages - 1, go));
    body.replaceChildren(...order.slice(at * page, (at + 1) * page).map((j) => {
      const row = document.createElement("tr"), made = trips.pnl[j];
      row.className = (made ? (made > 0 ? "up" : "down") : "") + (trips.open[j] ? " open" : "");
      columns.forEach(([text], c) => html(c ? "td" : "th", "", text(j), row));
      return row;
    }));
    said.textContent = `${(at * page + 1).toLocaleString("en")} to ${Math.min(count, (at + 1) * page).toLocaleString("en")} of ${count.toLocaleString("en")}`;
    buttons.forEach((button) => (button.disabled = !(at + +button.dataset.go >= 0 && at + +button.dataset.go < pages)));
  };
  buttons.forEach((button) => button.addEventListener("click", () => { show(at + +button.dataset.go); table.parentElement.scrollTop = 0; }));
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, c) => head.querySelector("button").addEventListener("click", () => {
    const now = head.getAttribute("aria-sort"), key = columns[c][1], number = typeof key(0) !== "string";
    const way = now ? (now === "descending" ? 1 : -1) : number ? -1 : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
    const keys = order.map((_, j) => key(j));
    order = [...Array(count).keys()].sort((a, b) => (keys[a] === null ? (keys[b] === null ? a - b : 1) : keys[b] === null ? -1 : (number ? way * (keys[a] - keys[b]) : way * keys[a].localeCompare(keys[b])) || a - b));
    show(0);
  }));
  bar.hidden = false;
  show(0);
};
document.querySelectorAll("[data-pages]").forEach(pager);

for (const rows of document.querySelectorAll(".trips .rows")) {
  const article = rows.closest("article"), box = article && article.querySelector('[data-chart="price"]'), many = rows.querySelector("table").classList.contains("many");
  if (!box) continue;
  rows.classList.add("linked");
  const seconds = (text) => Date.parse(text.trim().replace(" ", "T") + (text.trim().length > 10 ? ":00Z" : "T00:00Z")) / 1000;
  const jump = (row) => {
    const cells = row.cells, symbol = cells[0].textContent, from = seconds(cells[many ? 3 : 2].textContent);
    if (!data.prices[symbol]) return;
    choose(box, symbol);
    const end = cells[many ? 4 : 3].textContent, to = end === "open" ? box.range.last : seconds(end);
    const figure = (place) => +cells[place + (many ? 1 : 0)].textContent.replace(/,/g, "").replace("−", "-"), made = row.classList.contains("up") ? 1 : row.classList.contains("down") ? -1 : 0;
    box.chosen = { symbol, from, to, entry: figure(5), exit: figure(6), made };
    if (!(box.chosen.entry > 0 && box.chosen.exit > 0)) box.chosen = null;
    const around = Math.max(to - from, ((box.range.last - box.range.first) / box.plot.lines[0].t.length) * 12) * 0.8;
    look(box, from - around, to + around);
    rows.querySelectorAll("tr.chosen").forEach((old) => old.classList.remove("chosen"));
    row.classList.add("chosen");
    box.closest(".figure").scrollIntoView({ block: "nearest" });
    say(box, from);
  };
  rows.addEventListener("click", (event) => { const row = event.target.closest("tbody tr"); if (row) jump(row); });
  rows.addEventListener("keydown", (event) => {
    const body = rows.querySelector("tbody"), row = event.target.closest("tbody tr"), way = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (event.key === "Enter" && row) jump(row);
    else if (way && (row || event.target === rows)) {
      const next = row ? row[way] : body.rows[0];
      if (next) { next.tabIndex = -1; next.focus(); }
    } else return;
    event.preventDefault();
  });
}
