// The little that the pages do beyond links and forms. Everything works without it.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Copy buttons appear only where they can work.
function dress(root) {
  if (navigator.clipboard) {
    for (const button of all("[data-copy]", root)) button.hidden = false;
  }
  rove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const label = button.querySelector("span");
  await navigator.clipboard.writeText(source.textContent);
  label.textContent = "Copied";
  say(`Copied: ${source.textContent}`);
  setTimeout(() => { label.textContent = "Copy"; }, 2000);
});

// One polite voice that outlives every swap.
function say(text) {
  const voice = document.getElementById("announce");
  if (voice && voice.textContent !== text) voice.textContent = text;
}

// What the reader has opened, chosen or focused survives a pushed timeline.
let kept = null;
document.addEventListener("htmx:sseBeforeMessage", (event) => {
  const open = all("details[open][id]", event.target).map((details) => details.id);
  const chosen = all("input:checked[id]", event.target).map((input) => input.id);
  const active = document.activeElement;
  const index = all("a, button, input, summary", event.target).indexOf(active);
  kept = { open, chosen, id: active && active.id, index };
});
document.addEventListener("htmx:sseMessage", (event) => {
  if (!kept) return;
  for (const id of kept.open) document.getElementById(id)?.setAttribute("open", "");
  for (const id of kept.chosen) { const input = document.getElementById(id); if (input) input.checked = true; }
  if (kept.index >= 0) (document.getElementById(kept.id) || all("a, button, input, summary", event.target)[kept.index])?.focus();
  kept = null;
  dress(event.target);
  const news = event.target.querySelector("[data-announce]");
  if (news) say(news.textContent.trim());
});

// The week: after a choice the panel has the focus, after closing it the grid has.
let came = null;
document.addEventListener("htmx:beforeRequest", (event) => { came = event.target.getAttribute("href"); });
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "choose") return;
  dress(event.target);
  const panel = document.getElementById("panel-title");
  if (panel) { panel.focus(); panel.scrollIntoView({ block: "nearest" }); return; }
  (all("a", event.target).find((link) => link.getAttribute("href") === came) || cells()[0]?.link)?.focus();
});

// Arrow keys walk over the starts; only one of them is a stop of the Tab key.
function cells() {
  return all(".grid tbody tr").flatMap((row, y) => [...row.querySelectorAll("td")].map((td, x) => ({ x, y, link: td.querySelector("a") })))
    .filter((cell) => cell.link && cell.link.offsetParent);
}
function rove(to) {
  const list = cells();
  const stop = to || (list.find((cell) => cell.link.getAttribute("aria-current")) || list[0])?.link;
  for (const cell of list) cell.link.tabIndex = cell.link === stop ? 0 : -1;
}
document.addEventListener("keydown", (event) => {
  const link = event.target.closest?.(".grid td a");
  if (event.key === "Escape") return all("#book [rel=up]")[0]?.click();
  const turn = { PageUp: "prev", PageDown: "next" }[event.key];
  if (link && turn) { event.preventDefault(); return all(`.week [rel=${turn}]`)[0]?.click(); }
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [];
  const ends = event.key === "Home" || event.key === "End";
  if (!link || (dx === undefined && !ends)) return;
  event.preventDefault();
  const list = cells();
  const here = list.find((cell) => cell.link === link);
  const line = ends || dy ? list.filter((cell) => cell.x === here.x) : list.filter((cell) => cell.y === here.y);
  const at = line.indexOf(here);
  const next = ends ? line.at(event.key === "Home" ? 0 : -1) : line[at + (dx || dy)];
  if (next) { rove(next.link); next.link.focus(); }
});

dress(document);
document.getElementById("problems")?.focus();
