// Tables: sorted by value, capped, downloaded as CSV. Rows that name a case open it.

const CAP = 15, MORE = 1000, LONG = 30; // rows at first, rows more at a click, characters that want a wide column
const WHO = new Set(["solver", "label"]); // the columns that name a case to the eye: there its button is
const FEW = 4; // columns, which a phone has room for if their words may be broken

/** As harness/report/spreadsheet.py: a text that a spreadsheet would take for a formula stands behind an apostrophe. */
function inertCell(value) {
  if (typeof value !== "string") return value === null || value === undefined ? "" : String(value);
  const text = /^ *[=+\-@\t\r\n]/.test(value) ? "'" + value : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(columns, rows) {
  const lines = [columns.map((column) => inertCell(column.title)), ...rows.map((row) => columns.map((column) => inertCell(row[column.key])))];
  return lines.map((cells) => cells.join(",") + "\r\n").join("");
}

function buildTable(place, name, part) {
  const all = rowsOf(part.rows);
  // A column without any value, or of what is the same in all of the page, is no use to the eye; the file has it.
  const columns = part.columns.filter(({ key }) => !all.length || (choices.get(key)?.size !== 1 && all.some((row) => !absent(row[key]))));
  const view = { key: part.sort.replace(/^-/, ""), down: part.sort.startsWith("-"), most: CAP };
  const caption = place.querySelector(".caption");
  const count = make("small"), body = make("tbody");
  const save = make("button", { type: "button", textContent: "CSV", "aria-label": `Download as CSV: ${part.caption}` });
  const heads = columns.map((column) => headOf(column, view, draw));
  const table = make("table", { "aria-labelledby": caption.id, className: columns.length <= FEW ? "few" : "" }, make("thead", {}, make("tr", {}, ...heads)), body);
  const scroll = make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-labelledby": caption.id }, table);
  const more = make("button", { type: "button", className: "more" });
  more.addEventListener("click", () => { view.most = view.most + MORE; draw(); });
  save.addEventListener("click", () => download(`${name}.csv`, "text/csv", csv(part.columns, sorted())));
  caption.append(" ", count, " ", save);
  place.append(scroll, more, ...glossary(columns));

  function sorted() {
    const rows = all.filter(passes), column = columns.find(({ key }) => key === view.key);
    return view.key ? rows.sort((a, b) => compare(a[view.key], b[view.key], column?.kind, view.down)) : rows;
  }

  function draw() {
    const rows = sorted(), seen = rows.slice(0, view.most);
    heads.forEach((head, i) => {
      const on = columns[i].key === view.key;
      head.setAttribute("aria-sort", on ? (view.down ? "descending" : "ascending") : "none");
    });
    body.replaceChildren(...seen.map((row) => rowOf(row, columns)));
    if (!rows.length) body.append(make("tr", {}, make("td", { colSpan: columns.length, textContent: all.length ? "The filter leaves no row." : "No rows." })));
    count.textContent = rows.length === all.length ? `${all.length} rows` : `${rows.length} of ${all.length} rows`;
    more.hidden = seen.length === rows.length;
    more.textContent = rows.length - seen.length > MORE ? `Show ${MORE} more of ${rows.length}` : `Show all ${rows.length}`;
  }

  onFilter.push(draw);
}

function headOf(column, view, draw) {
  const button = make("button", { type: "button", textContent: column.title, title: column.help });
  button.addEventListener("click", () => {
    // Numbers are looked at from the largest on, names and statuses from the first on.
    view.down = view.key === column.key ? !view.down : NUMERIC.has(column.kind);
    view.key = column.key;
    draw();
  });
  return make("th", { scope: "col", className: NUMERIC.has(column.kind) ? "number" : "" }, button);
}

function rowOf(row, columns) {
  const cells = columns.map(({ key, kind }) => make("td", { className: NUMERIC.has(kind) ? "number" : String(row[key] ?? "").length > LONG ? "long" : "" }, shown(row[key], kind)));
  const line = make("tr", {}, ...cells);
  if (!hasCase(row.case)) return line;
  const named = cells[Math.max(0, columns.findIndex(({ key }) => WHO.has(key)))];
  named.append(make("button", { type: "button", className: "open", title: "Show this case in full" }, ...named.childNodes));
  line.classList.add("case");
  line.addEventListener("click", () => { if (!String(getSelection())) change({ open: row.case }); });
  return line;
}

/** What the columns mean, for who has no pointer to hover with. */
function glossary(columns) {
  const told = columns.filter((column) => column.help);
  if (!told.length) return [];
  const list = make("dl");
  for (const { title, help } of told) list.append(make("dt", { textContent: title }), make("dd", { textContent: help }));
  return [make("details", { className: "glossary" }, make("summary", { textContent: "What the columns say" }), list)];
}
