// Makes the pages faster to use; without this module, everything works by links. It fetches a link's
// page and replaces the main part, shows tooltips, selects a range on the chart, and handles keys.

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;

const isOurs = (url) => url.origin === location.origin && sameDirectory(url.pathname);
const sameDirectory = (path) => directory(path) === directory(location.pathname);
const directory = (path) => path.slice(0, path.lastIndexOf("/") + 1);
const isDetail = () => document.querySelector("main.detail") !== null;
const styles = (page) => page.querySelectorAll("link[rel=stylesheet]").length;

let latest = 0;

/** Return where a control is, and how to find it again: by its address, else by its name. */
function describe(control) {
  const region = control.closest("section[id], nav, ul, main, body");
  return { region: region.id || region.getAttribute("aria-label"), href: control.getAttribute("href"), name: nameOf(control) };
}
const nameOf = (control) => control.matches("details.menu > summary") ? control.parentElement.className
  : control.getAttribute("aria-label") ?? control.getAttribute("title") ?? control.textContent.trim();

/** Focus the control that a description names; if it is gone, the main part, so that Tab continues there. */
function focusAgain({ region, href, name }) {
  const controls = [...document.querySelectorAll("a[href], summary, button")].filter((one) => one.checkVisibility());
  const beside = controls.filter((one) => describe(one).region === region);
  const found = beside.find((one) => one.getAttribute("href") === href && nameOf(one) === name)
    ?? beside.find((one) => nameOf(one) === name)
    ?? beside.find((one) => href && one.getAttribute("href") === href);
  (found ?? document.querySelector("main")).focus({ preventScroll: true });
}

/** Show the page of a URL: replace bar and main part, and keep scroll position and focus. */
async function show(url, remember = true) {
  const number = ++latest;
  document.documentElement.classList.add("waiting");
  let next;
  let answered = url;
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    if (isElsewhere(answer, url) || !answer.headers.get("content-type")?.startsWith("text/html")) throw answer;
    if (answer.redirected) answered = answer.url;
    next = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!next.querySelector(".top") || !next.querySelector("main")) throw answer; // an error page
    if (styles(next) !== styles(document)) throw answer; // visits have a style sheet of their own
  } catch {
    location.assign(url);
    return;
  }
  if (number !== latest) return;
  const active = document.activeElement;
  const focused = active?.closest("a, summary, button, form") ? describe(active.closest("details.menu")?.querySelector("summary") ?? active) : null;
  for (const part of [".top", "main"]) document.querySelector(part).replaceWith(next.querySelector(part));
  document.title = next.title;
  if (remember) history.pushState(null, "", answered);
  document.documentElement.classList.remove("waiting");
  const anchor = new URL(url, location.href).hash.slice(1);
  if (anchor && remember && !isInView(document.getElementById(anchor))) document.getElementById(anchor)?.scrollIntoView();
  enhance();
  if (focused) focusAgain(focused);
  if (remember) document.getElementById("announcement").textContent = document.querySelector("main").dataset.says ?? "";
  tellFrame();
}

/** Whether an answer comes from another page, such as the login; the field for filters redirects to the same page. */
const isElsewhere = (answer, url) => answer.redirected && new URL(answer.url).pathname !== new URL(url, location.href).pathname;

/** Airflow shows the pages in a frame and reads its address on "load": send that event for a new address. */
function tellFrame() {
  ourFrame()?.dispatchEvent(new Event("load"));
}

/** Return the frame element around this page, if the outer page has the same origin. */
function ourFrame() {
  try {
    return window.frameElement;
  } catch {
    return null;
  }
}

/** In Airflow's frame, set data-framed for the style sheet, and copy Airflow's colours from its root's class. */
function followFrame() {
  const around = ourFrame()?.ownerDocument.documentElement;
  if (!around) return;
  document.documentElement.dataset.framed = "";
  const follow = () => {
    const colors = ["dark", "light"].find((name) => around.classList.contains(name));
    if (colors) document.documentElement.dataset.colors = colors;
    else delete document.documentElement.dataset.colors;
  };
  new MutationObserver(follow).observe(around, { attributeFilter: ["class"] });
  follow();
}

const isInView = (element) => {
  const box = element?.getBoundingClientRect();
  return box && box.top >= 0 && box.top < innerHeight;
};

/** Replace native tooltips, which appear late, by our own, and show the buttons that need this module. */
function enhance() {
  tip.hidden = true;
  for (const title of document.querySelectorAll("svg :is(rect, use, circle) > title")) {
    title.parentElement.dataset.tip = title.textContent;
    title.remove();
  }
  for (const button of document.querySelectorAll("button.keys, [data-copies]")) button.hidden = false;
}

/** Copy the address beside a button; without https, browsers have only execCommand. */
async function copyBeside(button) {
  const field = button.parentElement.querySelector("input");
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy");
  }
  button.textContent = button.dataset.copies;
}

addEventListener("click", (event) => {
  const copying = event.target.closest?.("[data-copies]");
  if (copying) copyBeside(copying);
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  document.getElementById(event.target.closest?.("[data-opens]")?.dataset.opens)?.showModal();
  const link = event.target.closest?.("a[href]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button || link.hasAttribute("download")) return;
  const url = new URL(link.getAttribute("href"), document.baseURI); // `href` of a link in SVG is an object
  if (isDetail() || !isOurs(url) || link.getAttribute("href").startsWith("#")) return;
  event.preventDefault();
  show(url.href);
});
addEventListener("submit", (event) => {
  if (event.target.method !== "get" || isDetail()) return;
  event.preventDefault();
  show(`${event.target.action.split("?")[0]}?${new URLSearchParams(new FormData(event.target))}`);
});
// The field for filters: suggest the largest values that contain the text.
let asking = 0;
addEventListener("input", (event) => {
  const form = event.target.closest?.(".filter form");
  if (!form) return;
  clearTimeout(asking);
  asking = setTimeout(() => suggest(form), 150);
});
addEventListener("toggle", (event) => {
  if (event.target.matches?.("details.filter[open]")) suggest(event.target.querySelector("form"));
}, true);

async function suggest(form) {
  const asked = new URLSearchParams(new FormData(form)).toString();
  try {
    const answer = await fetch(`values?${asked}`);
    if (!answer.ok) return;
    const names = await answer.json();
    if (asked !== new URLSearchParams(new FormData(form)).toString()) return; // the reader typed on
    form.querySelector("datalist").replaceChildren(...names.map((name) => new Option(name, name)));
  } catch {
    // Without suggestions, the field takes any text.
  }
}
addEventListener("popstate", () => show(location.href, false));

// Keyboard shortcuts: a link's data-key is its key; the dialog lists all keys.
addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || event.target.closest?.("input, select, dialog, pre, .scroll")) return;
  if (event.key === "?") return document.getElementById("keys")?.showModal();
  const open = document.querySelector("details.menu[open]");
  if (event.key === "Escape" && open) {
    open.open = false;
    return open.querySelector("summary").focus();
  }
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const link = document.querySelector(`a[data-key="${CSS.escape(name)}"]`);
  if (!link) return;
  event.preventDefault();
  link.click();
});

// Tooltips, and the range that the pointer selects on the main chart.
let drawn = null;
const places = (svg) => [...svg.querySelectorAll(".places rect")];

addEventListener("pointermove", (event) => {
  const target = event.target.closest?.("[data-tip]");
  tip.hidden = !target;
  if (!target) return;
  tip.textContent = target.dataset.tip;
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  tip.style.left = `${Math.max(left, 8)}px`;
  tip.style.top = `${Math.max(event.clientY - tip.offsetHeight - 12, 4)}px`;
  if (drawn?.svg.contains(target)) mark(target);
});
addEventListener("pointerdown", (event) => {
  const place = event.target.closest?.(".places rect");
  if (!place || event.button || event.pointerType === "touch") return;
  event.preventDefault();
  const svg = place.closest("svg");
  drawn = { svg, from: places(svg).indexOf(place), to: places(svg).indexOf(place) };
});
addEventListener("pointerup", () => {
  if (!drawn) return;
  const { svg, from, to } = drawn;
  drawn = null;
  for (const place of places(svg)) place.classList.remove("chosen");
  if (from === to) return;
  const [first] = places(svg)[Math.min(from, to)].dataset.days.split("/");
  const [, last] = places(svg)[Math.max(from, to)].dataset.days.split("/");
  const query = new URLSearchParams(location.search);
  for (const name of ["range", "by", "shared"]) query.delete(name);
  query.set("from", first);
  query.set("to", last);
  show(`?${query}`);
});
function mark(place) {
  drawn.to = places(drawn.svg).indexOf(place);
  const [first, last] = [Math.min(drawn.from, drawn.to), Math.max(drawn.from, drawn.to)];
  places(drawn.svg).forEach((one, at) => one.classList.toggle("chosen", at >= first && at <= last));
}

// Reload the page's content when the server has a newer version, with new facts or notes.
async function showNewer() {
  const shown = document.querySelector("main")?.dataset.version;
  if (!shown || document.hidden || drawn || document.querySelector("details.menu[open], dialog[open]")) return;
  try {
    const answer = await fetch("version");
    if (answer.ok && (await answer.text()) !== shown) show(location.href, false);
  } catch {
    // The server is not reachable; keep the page.
  }
}
setInterval(showNewer, 20_000);
// A page from the browser's back-forward cache may show entries that are deleted now.
addEventListener("pageshow", (event) => event.persisted && showNewer());

followFrame();
document.body.append(tip);
enhance();
