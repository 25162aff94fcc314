// One case in full. Its numbers are parsed when a case is first asked for.

const PLACES = new Map(DATA.cases.map((name, place) => [name, place]));
let inFull = null;

function hasCase(name) {
  return typeof name === "string" && PLACES.has(name);
}

async function caseInFull(name) {
  inFull ??= inflated(document.getElementById("cases").textContent);
  return (await inFull)[PLACES.get(name)];
}

/** JSON that was compressed (harness/report/html/packing.py): cases in full are most of a large page. */
function inflated(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

function smallTable(caption, heads, kinds, rows) {
  if (!rows.length) return [];
  const row = (cells) => make("tr", {}, ...cells.map((cell, i) => make("td", { className: NUMERIC.has(kinds[i]) || kinds[i] === "exact" ? "number" : "" }, shown(cell, kinds[i]))));
  const head = make("tr", {}, ...heads.map((text, i) => make("th", { scope: "col", textContent: text, className: kinds[i] === "text" ? "" : "number" })));
  const table = make("table", {}, make("caption", { textContent: caption }), make("thead", {}, head), make("tbody", {}, ...rows.map(row)));
  return [make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption }, table)];
}

/** Each sample as a stroke on one logarithmic line, the median longer: a scatter that a number hides is seen. */
function samples(wall, unit) {
  if (wall.length < 2 || Math.min(...wall) <= 0) return [];
  const [least, most] = [Math.min(...wall), Math.max(...wall)];
  const at = (value) => 2 + (296 * Math.log(value / least)) / (Math.log(most / least) || 1);
  const draw = (name, values) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
    return element;
  };
  const said = `${wall.length} single calls, ${formatted(least, "seconds")} to ${formatted(most, "seconds")} for one ${unit}`;
  const svg = draw("svg", { viewBox: "0 0 300 24", role: "img", "aria-label": said, class: "samples" });
  for (const value of wall) svg.append(draw("line", { x1: at(value), x2: at(value), y1: 6, y2: 18 }));
  const middle = [...wall].sort((a, b) => a - b)[wall.length >> 1];
  svg.append(draw("line", { x1: at(middle), x2: at(middle), y1: 0, y2: 24, class: "median" }));
  return [make("figure", {}, svg, make("figcaption", { textContent: said }))];
}

function code(title, text) {
  const copy = make("button", { type: "button", textContent: "Copy" });
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(block);
      copy.textContent = "Selected: copy it with the keyboard";
    }
  });
  const block = make("pre", { tabIndex: 0, role: "region", "aria-label": title }, make("code", { textContent: text }));
  return [make("h3", { textContent: title }), make("div", { className: "code" }, block, copy)];
}

function caseBody(name, found) {
  const numbers = DATA.numbers.map(([title, kind], i) => [title, kind, found.values[i]]).filter(([, , value]) => value !== null);
  const list = make("dl", { className: "numbers" });
  for (const [title, kind, value] of numbers) list.append(make("dt", { textContent: title }), make("dd", { textContent: formatted(value, kind) }));
  const options = make("dl", { className: "numbers" });
  for (const [title, value] of found.options) options.append(make("dt", { textContent: title }), make("dd", { textContent: value }));
  const dependent = found.dependences.map((text) => `dependent: ${text}`);
  const said = [...found.table, ...dependent, found.message, found.diagnosis].filter(Boolean).map((text) => make("p", { textContent: text }));
  const advice = found.advice ? [make("p", { className: "advice", textContent: found.advice })] : [];
  const warned = found.warnings.map((text) => make("p", { className: "note", textContent: `warned: ${text}` }));
  return [
    make("p", {}, shown(found.status, "status")), ...said, ...advice, ...warned, list, ...samples(found.wall_s, found.unit),
    ...smallTable("Coefficients against the exact solution", ["term", "computed", "exact", "digits"], ["text", "exact", "exact", "digits"], found.terms),
    ...smallTable("By split", ["split", "R²", "MSE"], ["text", "number", "number"], found.scores),
    ...smallTable("To an excess loss", ["excess loss", "epochs", "time"], ["text", "whole", "seconds"], found.reached),
    make("h3", { textContent: "Options" }), options,
    ...code("Reproduce it in Python", DATA.reproduce.replace("{call}", () => found.call)),
    ...code("Or on the command line", found.command),
    make("p", { className: "note" }, "key ", make("code", { textContent: name })),
  ];
}

function buildDialog() {
  const dialog = document.getElementById("case");
  const close = () => { if (state.open) change({ open: "" }); };
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); });
  let shownCase = "";
  onOpen.push(async () => {
    if (state.open && !hasCase(state.open)) state.open = "";
    if (state.open === shownCase) return;
    const name = shownCase = state.open;
    if (!name) { dialog.close(); return; }
    const row = INDEX[PLACES.get(name)];
    const leave = make("button", { type: "button", textContent: "Close" });
    leave.addEventListener("click", close);
    const title = make("h2", { id: "case-title", textContent: `${row.solver} on ${row.problem}` });
    const body = make("div", { className: "body" }, make("div", { className: "bar" }, title, leave));
    dialog.replaceChildren(body);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    const parts = caseBody(name, await caseInFull(name));
    if (shownCase === name) body.append(...parts); // another may have been opened meanwhile
  });
}
