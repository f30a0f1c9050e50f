// The little that the pages do beyond links and forms. Everything works without it.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const byId = (id) => id && document.getElementById(id);

// One polite voice that outlives every swap.
const say = (text) => { if (byId("announce").textContent !== text) byId("announce").textContent = text; };

// Copy buttons appear only where they can work.
function dress() {
  for (const button of all("[data-copy]")) button.hidden = !navigator.clipboard;
  rove();
}
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const [what, label] = [byId(button.dataset.copy), button.querySelector("span")];
  await navigator.clipboard.writeText(what.textContent);
  label.textContent = "Copied";
  say("secret" in what.dataset ? "Copied." : `Copied: ${what.textContent}`);
  setTimeout(() => { label.textContent = "Copy"; }, 2000);
});

// A pushed timeline: what the reader has opened, chosen or focused stays so; what is new is said.
const opened = (root) => all("details[open][id]", root).map((details) => [details.id, details.firstElementChild.textContent]);
let kept = null;
document.addEventListener("htmx:sseBeforeMessage", ({ target }) => {
  const focus = target.contains(document.activeElement) && document.activeElement;
  const picked = all("select[id]", target).map((select) => [select.id, select.value]);
  kept = { open: opened(target), chosen: all("input:checked[id]", target).map((input) => input.id), picked, focus };
});
document.addEventListener("htmx:sseMessage", ({ target }) => {
  for (const [id, text] of kept?.open ?? []) if (byId(id)?.firstElementChild.textContent === text) byId(id).open = true;
  for (const id of kept?.chosen ?? []) if (byId(id)) byId(id).checked = true;
  for (const [id, value] of kept?.picked ?? []) if (byId(id) && all("option", byId(id)).some((it) => it.value === value)) byId(id).value = value;
  dress();
  const news = target.querySelector("[data-announce]");
  const { id, tagName } = kept?.focus || {};
  const box = tagName && byId(id || kept.focus.closest("[id]")?.id);
  if (tagName) ((id || !box || box === target ? box : box.querySelector(tagName)) || news)?.focus();
  if (news) say(news.textContent.trim());
});

// The week: a choice leads to the panel, closing it leads back; what the swap cannot show is loaded whole.
let came = null;
document.addEventListener("htmx:beforeRequest", ({ target }) => { if (target.closest(".grid, .starts")) came = target.getAttribute("href"); });
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.serverResponse.includes('id="choose"')) return;
  detail.shouldSwap = false;
  location.assign(detail.pathInfo.requestPath);
});
document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target.id !== "choose") return;
  dress();
  const panel = byId("panel-title");
  const links = cells().map((cell) => cell.stop);
  const back = panel || byId("problems") || links.find((link) => came && link.getAttribute("href") === came) || byId("week-title");
  back.focus({ preventScroll: !panel });
});

// The week is a grid: arrow keys walk over its cells, only one of which is a stop of the Tab key. A start that can be chosen
// is a link; one that can't says why when it has the focus.
const stop = (td) => td.querySelector("a") || td;
const cells = () => all(".grid tbody tr").flatMap((row, y) => all("td", row).map((td, x) => ({ x, y, td, stop: stop(td) })))
  .filter(({ td }) => td.offsetParent && (td.dataset.r || td.querySelector("a")));
function rove(to) {
  const stops = cells().sort((a, b) => a.x - b.x || a.y - b.y).map((cell) => cell.stop);
  const one = to || stops.find((it) => it.ariaCurrent) || stops.find((it) => it.href) || stops[0];
  all(".grid").forEach((grid) => { grid.setAttribute("role", "grid"); grid.setAttribute("aria-readonly", "true"); });
  for (const it of stops) it.tabIndex = it === one ? 0 : -1;
}
const reasonOf = (td) => byId("reasons")?.children[td.dataset.r]?.textContent;
function timeOf(td) {
  const perHour = Math.round((td.parentElement.cells.length - 1) / 7);
  const [day, part] = [Math.floor((td.cellIndex - 1) / perHour), (td.cellIndex - 1) % perHour];
  const head = all(".grid thead th")[day + 1];
  const minute = String(part * 60 / perHour).padStart(2, "0");
  return `${head.querySelector("span").textContent} ${head.childNodes[1].textContent.trim()}, ${td.parentElement.cells[0].textContent}:${minute}`;
}
document.addEventListener("pointerover", ({ target }) => {
  const td = target.closest(".grid td[data-r]");
  if (td) td.title = reasonOf(td);
});
document.addEventListener("focusin", ({ target }) => {
  const [why, td] = [byId("why"), target.closest(".grid td")];
  if (!why) return;
  const reason = td && !td.querySelector("a") && reasonOf(td);
  why.hidden = !reason;
  if (!reason) return;
  why.textContent = `${timeOf(td)}: ${reason}`;
  td.ariaLabel = why.textContent;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") all("#book [rel=up]")[0]?.click();
  const [list, key] = [cells(), event.key];
  const here = list.find((cell) => cell.stop === event.target);
  if (!here || event.ctrlKey || event.altKey || event.metaKey) return;
  const column = list.filter((cell) => cell.x === here.x);
  const beside = (step) => list.filter((cell) => (cell.x - here.x) * step > 0)
    .sort((a, b) => Math.abs(a.y - here.y) - Math.abs(b.y - here.y) || (a.x - b.x) * step)[0];
  const near = (step) => list.filter((cell) => cell.y === here.y).find((cell) => cell.x === here.x + step) || beside(step);
  const moves = {
    ArrowUp: () => column[column.indexOf(here) - 1], ArrowDown: () => column[column.indexOf(here) + 1],
    ArrowLeft: () => near(-1), ArrowRight: () => near(1), Home: () => column[0], End: () => column.at(-1),
    PageUp: () => ({ stop: all(".week [rel=prev]")[0], go: true }), PageDown: () => ({ stop: all(".week [rel=next]")[0], go: true }),
  };
  if (!moves[key]) return;
  event.preventDefault();
  const { stop: to, go } = moves[key]() || {};
  if (to && go) to.click();
  else if (to) { rove(to); to.focus(); }
});
document.addEventListener("htmx:historyRestore", dress);
document.addEventListener("change", ({ target }) => { if (target.closest(".fold")) rove(); });

dress();
byId("problems")?.focus();
