// One run at a time, where a page has several.
const runs = [...document.querySelectorAll("article.run")];
if (runs.length > 1) {
  const links = document.querySelectorAll(".runs a");
  const only = (k) => { runs.forEach((run) => (run.hidden = run.dataset.run !== k)); links.forEach((link) => (link.dataset.run === k ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current"))); };
  const follow = () => { const match = /^#run-(\d+)$/.exec(location.hash); only(match && runs[+match[1]] ? match[1] : document.querySelector(".compare tr[data-run]").dataset.run); };
  window.addEventListener("hashchange", follow);
  links.forEach((link) => link.addEventListener("click", (event) => { event.preventDefault(); history.replaceState(null, "", link.getAttribute("href")); follow(); }));
  document.querySelectorAll(".compare tr[data-run]").forEach((row) => row.addEventListener("click", (event) => { event.preventDefault(); history.replaceState(null, "", "#run-" + row.dataset.run); follow(); document.querySelector(".runs").scrollIntoView(); }));
  follow();
}
const all = document.querySelector('[data-chart="all"]');
if (all) document.querySelectorAll(".compare tr[data-run]").forEach((row) => { row.addEventListener("pointerenter", () => fade(all, kindOf(+row.dataset.run))); row.addEventListener("pointerleave", () => fade(all, null)); });
