// Sorts the tables that are whole on the page.
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
for (const name of document.querySelectorAll("tr[data-figure] th .tip:not([data-tip])")) {  // definitions are written once in a page
  const first = document.querySelector(`tr[data-figure="${name.closest("tr").dataset.figure}"] .tip[data-tip]`);
  if (first) { name.dataset.tip = first.dataset.tip; name.tabIndex = 0; name.setAttribute("aria-description", first.dataset.tip); }
}
