// Figures: those in sight are drawn first, then the others while nothing else is to be done, so that paper and a tall
// picture have all of them; given the rows that the filter leaves, drawn anew in another theme.

const figures = [];
const ERRORS = 1; // of Vega's log levels: it warns of every step that is as high as it wants to be
const ON_PAPER = 210; // pixels: four figures, two beside each other, and their words are half a page
const NO_CASE = new Set(["line", "area", "trail", "group"]); // one mark of many rows: it is of no one case

function buildFigure(place, name, part) {
  const drawing = place.querySelector(".drawing");
  const save = make("button", { type: "button", textContent: "SVG", "aria-label": `Download as SVG: ${part.title}` });
  const empty = make("p", { className: "empty", hidden: true, textContent: "The filter leaves nothing to draw." });
  place.querySelector("figcaption").append(" ", save);
  drawing.after(empty);
  const figure = { place, drawing, empty, part, embedded: null, seen: false, busy: Promise.resolve() };
  // A specification may say how wide it has to be to be read: on a phone it scrolls inside its box.
  const least = part.spec.usermeta?.minWidth;
  if (least && !DATA.paper) {
    drawing.style.minWidth = `${least}px`;
    const box = drawing.parentElement;
    box.tabIndex = 0; // whoever has only the keyboard scrolls it with the arrows
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", part.title);
  }
  // What is drawn later takes its room now, so that what stands below does not move away.
  const { height } = part.spec;
  if (typeof height === "number") drawing.style.minHeight = `${height}px`;
  save.addEventListener("click", async () => {
    await draw(figure);
    download(`${name}.svg`, "image/svg+xml", await figure.embedded.view.toSVG());
  });
  if (part.table) leadToTable(place, drawing, part);
  onFilter.push(() => refill(figure));
  figures.push(figure);
}

/** A click on a mark opens its case; without a pointer the table's buttons do, which this leads to. */
function leadToTable(place, drawing, part) {
  const there = document.querySelector(`[data-part="${CSS.escape(part.table)}"]`);
  const lead = make("button", { type: "button", textContent: "Table", "aria-label": `To the table of these cases: ${part.title}` });
  lead.addEventListener("click", () => {
    there.scrollIntoView();
    there.querySelector(".scroll").focus({ preventScroll: true });
  });
  drawing.setAttribute("aria-details", there.querySelector(".caption").id);
  place.querySelector("figcaption").append(" ", lead);
}

const PLAIN = {};

/** Vega counts by name in plain objects, where a solver called "constructor" is found before it was put in. */
function ownName(value) {
  return typeof value === "string" && value in PLAIN ? `${value}\u200b` : value;
}

function rowsFor(figure) {
  // Vega writes into its rows: each figure gets its own.
  return rowsOf(figure.part.rows).filter(passes).map((row) => {
    const own = { ...row };
    for (const key in own) own[key] = ownName(own[key]);
    return own;
  });
}

function dark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** One thing after the other: a filter may change while a figure is being drawn. */
function queue(figure, work) {
  figure.busy = figure.busy.then(work).catch((error) => {
    console.error(error);
    figure.empty.textContent = `This figure could not be drawn: ${error.message}`;
    figure.empty.hidden = false;
  });
  return figure.busy;
}

/** Half a page has no room for one legend beside another. */
function onPaper(theme) {
  const legend = { ...theme.legend, layout: { bottom: { anchor: "start", direction: "vertical" } } };
  return { ...theme, legend };
}

function draw(figure) {
  return queue(figure, async () => {
    if (figure.embedded) return;
    figure.seen = true;
    const rows = rowsFor(figure);
    // Vega puts its own words in place of the drawing's label unless the specification has some.
    const description = figure.drawing.getAttribute("aria-label");
    const own = JSON.parse(JSON.stringify(figure.part.spec), (_key, value) => ownName(value));
    const spec = { ...own, description, datasets: { ...own.datasets, rows } };
    if (DATA.paper && spec.height > ON_PAPER) spec.height = ON_PAPER;
    const inDark = !DATA.paper && dark();
    figure.drawing.classList.toggle("dark", inDark); // which a print turns round: it cannot wait for another drawing
    figure.embedded = await vegaEmbed(figure.drawing, spec, {
      mode: "vega-lite", actions: false, ast: true, renderer: DATA.paper ? "svg" : "canvas", defaultStyle: false, logLevel: ERRORS,
      config: DATA.paper ? onPaper(DATA.themes.light) : DATA.themes[inDark ? "dark" : "light"], tooltip: showTooltip,
    });
    figure.empty.hidden = rows.length > 0;
    listen(figure.embedded.view, figure.drawing);
  });
}

function refill(figure) {
  if (!figure.seen) return;
  queue(figure, async () => {
    const rows = rowsFor(figure);
    figure.empty.hidden = rows.length > 0;
    if (figure.embedded) await figure.embedded.view.data("rows", rows).runAsync();
  });
}

function listen(view, drawing) {
  const caseOf = (item) => {
    if (!item || NO_CASE.has(item.mark?.marktype)) return "";
    const name = item.datum?.case ?? item.datum?.datum?.case;
    return hasCase(name) ? name : "";
  };
  view.addEventListener("mousemove", (_event, item) => { drawing.classList.toggle("case", Boolean(caseOf(item))); });
  view.addEventListener("click", (_event, item) => { const open = caseOf(item); if (open) change({ open }); });
}

function redrawFigures() {
  if (matchMedia("print").matches) return; // the browser, not the reader, has changed the theme
  for (const figure of figures.filter(({ seen }) => seen)) {
    queue(figure, () => { figure.embedded?.finalize(); figure.embedded = null; });
    draw(figure);
  }
}

/** The figures in sight are drawn: who measures how long the page takes, or pictures it, looks for this. */
function isReady() {
  document.documentElement.dataset.ready ??= performance.now(); // ms since the navigation began
}

const idle = window.requestIdleCallback ?? setTimeout;

/** One after the other, so that a click is never kept waiting for more than one figure. */
function drawRest() {
  const next = figures.find(({ seen }) => !seen);
  if (next) idle(() => draw(next).then(drawRest));
}

function watchFigures() {
  const near = new IntersectionObserver((entries) => {
    const drawing = entries.filter(({ isIntersecting }) => isIntersecting).map((entry) => {
      near.unobserve(entry.target);
      return draw(figures.find(({ place }) => place === entry.target));
    });
    Promise.all(drawing).then(isReady).then(drawRest);
  }, { rootMargin: "400px 0px" });
  for (const { place } of figures) near.observe(place);
  if (!figures.length) isReady();
  addEventListener("beforeprint", () => { for (const figure of figures) draw(figure); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawFigures);
}
