// Everything is put together here.

const THEME = "harness-theme";

function buildTheme() {
  const button = document.getElementById("theme");
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; button.setAttribute("aria-label", `Use the ${dark() ? "light" : "dark"} theme`); };
  button.hidden = false;
  button.addEventListener("click", () => {
    const chosen = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = chosen;
    try { localStorage.setItem(THEME, chosen); } catch { /* it holds for this visit */ }
    name();
    redrawFigures();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
}

/** The section that is named, with its heading in focus: the browser's own jump would lose the rest of the fragment. */
function go(id) {
  const section = id && document.getElementById(id);
  if (!section || !section.matches("main section")) return;
  section.scrollIntoView();
  section.querySelector("h2").focus({ preventScroll: true });
}

function buildNavigation() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest('nav a, main a[href^="#"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    change({ at: link.hash.slice(1) });
    go(state.at);
  });
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      for (const [id, link] of links) link.setAttribute("aria-current", String(id === target.id));
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const section of document.querySelectorAll("main section")) seen.observe(section);
}

/** A page that is written again while a run goes: it loads itself anew, but not under the reader's hands. */
function keepUp() {
  const { reload_s: every_s, version } = DATA.live;
  let touched = 0;
  for (const kind of ["keydown", "pointerdown", "wheel", "touchmove"]) {
    addEventListener(kind, () => { touched = performance.now(); }, { passive: true });
  }
  const quiet = () => !state.open && performance.now() - touched > 3000;
  if (every_s) setInterval(() => { if (quiet() && !document.hidden) location.reload(); }, every_s * 1000);
  if (!version) return;
  setInterval(async () => {
    try {
      const answer = await fetch("version", { cache: "no-store" });
      if (answer.ok && (await answer.text()) !== version && quiet()) location.reload();
    } catch { /* the server has ended: the page stays as it is */ }
  }, 2000);
}

function start() {
  buildFilters();
  for (const place of document.querySelectorAll("[data-part]")) {
    const name = place.dataset.part, part = DATA.parts[name];
    (part.figure ? buildFigure : buildTable)(place, name, part);
  }
  buildDialog();
  buildTheme();
  buildNavigation();
  const follow = () => { readFragment(); dropUnknown(); announce(); };
  follow();
  addEventListener("popstate", follow);
  addEventListener("DOMContentLoaded", () => { watchFigures(); go(state.at); });
  keepUp();
}

start();
