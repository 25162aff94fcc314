// What the page holds, and what of it the reader has chosen, which lives in the URL's fragment:
// #SECTION&solver=a,b&n=1000&case=KEY, each value percent-encoded.

const DATA = JSON.parse(document.getElementById("data").textContent);
const rowSets = new Map();

/** The rows of a packed set (harness/report/html/packing.py), made when they are first asked for. */
function rowsOf(at) {
  if (!rowSets.has(at)) rowSets.set(at, unpacked(DATA.rows[at]));
  return rowSets.get(at);
}

function unpacked(packed) {
  const rows = Array.from({ length: packed.rows }, () => ({}));
  for (const [key, column] of Object.entries(packed.columns)) {
    const values = Array.isArray(column) ? column : column.case ? DATA.cases : column.of;
    const at = Array.isArray(column) ? null : column.case ?? column.at;
    for (let i = 0; i < rows.length; i++) {
      const place = at ? at[i] : i;
      if (place >= 0) rows[i][key] = values[place];
    }
  }
  return rows;
}

const INDEX = unpacked(DATA.index);
const onFilter = [], onOpen = []; // what to do when the filters, and when the case in full, are others
const state = { at: "", chosen: {}, open: "" };

/** A filter's value as the fragment has it; a case without a learning rate has "none". */
function asKey(value) {
  return value === null ? "none" : String(value);
}

function passes(row) {
  for (const [key, chosen] of Object.entries(state.chosen)) {
    if (key in row && !chosen.has(asKey(row[key]))) return false;
  }
  return true;
}

function filtering() {
  return Object.keys(state.chosen).length > 0;
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

function readFragment() {
  Object.assign(state, { at: "", chosen: {}, open: "" });
  for (const piece of location.hash.slice(1).split("&")) {
    const cut = piece.indexOf("=");
    const key = cut < 0 ? "" : piece.slice(0, cut), value = piece.slice(cut + 1);
    if (cut < 0) state.at = decoded(piece);
    else if (key === "case") state.open = decoded(value);
    else if (DATA.filters.includes(key)) state.chosen[key] = new Set(value.split(",").filter(Boolean).map(decoded));
  }
}

function fragment() {
  const pieces = state.at ? [encodeURIComponent(state.at)] : [];
  for (const key of DATA.filters) {
    if (state.chosen[key]) pieces.push(`${key}=${[...state.chosen[key]].map(encodeURIComponent).join(",")}`);
  }
  if (state.open) pieces.push(`case=${encodeURIComponent(state.open)}`);
  return "#" + pieces.join("&");
}

let filtered = null;

/** Tell who draws; tables and figures only where the filters have changed. */
function announce() {
  const now = DATA.filters.map((key) => [...state.chosen[key] ?? ["*"]].join("\n")).join("\n\n");
  if (now !== filtered) for (const listener of onFilter) listener();
  filtered = now;
  for (const listener of onOpen) listener();
}

/** Take up a change of the state, and make it a step that "back" undoes. */
function change(changes) {
  Object.assign(state, changes);
  history.pushState(null, "", fragment());
  announce();
}

function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("aria-") || key === "role" || key === "scope") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

/** Hand the reader a file. */
function download(name, kind, text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: kind })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
