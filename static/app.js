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
  const [text, label] = [byId(button.dataset.copy).textContent, button.querySelector("span")];
  await navigator.clipboard.writeText(text);
  label.textContent = "Copied";
  say(`Copied: ${text}`);
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
document.addEventListener("htmx:beforeRequest", ({ target }) => { if (target.closest(".grid")) came = target.getAttribute("href"); });
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.serverResponse.includes('id="choose"')) return;
  detail.shouldSwap = false;
  location.assign(detail.pathInfo.requestPath);
});
document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target.id !== "choose") return;
  dress();
  const panel = byId("panel-title");
  const back = panel || cells().map((cell) => cell.link).find((link) => link.getAttribute("href") === came) || byId("week-title");
  back.focus({ preventScroll: !panel });
});

// Arrow keys walk over the starts that can be chosen; only one of them is a stop of the Tab key.
const cells = () => all(".grid tbody tr").flatMap((row, y) => all("td", row).map((td, x) => ({ x, y, link: td.querySelector("a") })))
  .filter((cell) => cell.link?.offsetParent);
function rove(to) {
  const links = cells().map((cell) => cell.link);
  const stop = to || links.find((link) => link.ariaCurrent) || links[0];
  for (const link of links) link.tabIndex = link === stop ? 0 : -1;
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") all("#book [rel=up]")[0]?.click();
  const [list, key] = [cells(), event.key];
  const here = list.find((cell) => cell.link === event.target);
  if (!here || event.ctrlKey || event.altKey || event.metaKey) return;
  const column = list.filter((cell) => cell.x === here.x);
  const beside = (step) => list.filter((cell) => (cell.x - here.x) * step > 0)
    .sort((a, b) => Math.abs(a.y - here.y) - Math.abs(b.y - here.y) || (a.x - b.x) * step)[0];
  const near = (step) => list.filter((cell) => cell.y === here.y).find((cell) => cell.x === here.x + step) || beside(step);
  const moves = {
    ArrowUp: () => column[column.indexOf(here) - 1], ArrowDown: () => column[column.indexOf(here) + 1],
    ArrowLeft: () => near(-1), ArrowRight: () => near(1), Home: () => column[0], End: () => column.at(-1),
    PageUp: () => ({ link: all(".week [rel=prev]")[0], go: true }), PageDown: () => ({ link: all(".week [rel=next]")[0], go: true }),
  };
  if (!moves[key]) return;
  event.preventDefault();
  const { link, go } = moves[key]() || {};
  if (link && go) link.click();
  else if (link) { rove(link); link.focus(); }
});
document.addEventListener("htmx:historyRestore", dress);
document.addEventListener("change", ({ target }) => { if (target.id === "night") rove(); });

dress();
byId("problems")?.focus();
