// Tables: sorted by value, capped, downloaded as CSV. Rows that name a case open it.

const CAP = 15, MORE = 1000, LONG = 30; // rows at first, rows more at a click, characters that want a wide column
const WHO = new Set(["solver", "label"]); // the columns that name a case to the eye: there its button is
const ROOMY = 1000; // pixels of a page on which no table is to be scrolled across: a phone's are
const MANY = 9; // columns, above which letters and gaps are smaller
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
  const useful = part.columns.filter(({ key }) => !all.length || (choices.get(key)?.size !== 1 && all.some((row) => !absent(row[key]))));
  const same = useful.length > MANY ? alike(useful, all) : [];
  const columns = useful.filter((column) => !same.includes(column));
  const pairs = columns.length === 2 && columns[1].kind === "code"; // names and values, which stand beside one another on paper
  const view = { key: part.sort.replace(/^-/, ""), down: part.sort.startsWith("-"), most: pairs ? MORE : CAP };
  const caption = place.querySelector(".caption");
  const count = make("small"), body = make("tbody");
  const save = make("button", { type: "button", textContent: "CSV", "aria-label": `Download as CSV: ${part.caption}` });
  const heads = columns.map((column) => headOf(column, view, draw));
  const table = make("table", { "aria-labelledby": caption.id, className: pairs ? "few pairs" : columns.length <= FEW ? "few" : columns.length > MANY ? "many" : "" }, make("thead", {}, make("tr", {}, ...heads)), body);
  const scroll = make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-labelledby": caption.id }, table);
  const more = make("button", { type: "button", className: "more" }), cut = make("p", { className: "cut" });
  more.addEventListener("click", () => { view.most = view.most + MORE; draw(); });
  save.addEventListener("click", () => download(`${name}.csv`, "text/csv", csv(part.columns, sorted())));
  caption.append(" ", count, " ", save);
  place.append(...inEveryRow(same, all), scroll, more, cut, ...glossary(useful));

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
    count.textContent = (rows.length === all.length ? "" : `${rows.length} of `) + `${all.length} row${all.length === 1 ? "" : "s"}` + leftOut(scroll, table, columns);
    more.hidden = cut.hidden = seen.length === rows.length;
    cut.textContent = `The first ${seen.length} of ${rows.length} rows; the page as a file has all.`;
    more.textContent = rows.length - seen.length > MORE ? `Show ${MORE} more of ${rows.length}` : `Show all ${rows.length}`;
  }

  onFilter.push(draw);
}

/** The columns of a wide table, but for those that name a case, that say the same in each of its rows. */
function alike(columns, rows) {
  if (rows.length < 2) return [];
  return columns.filter(({ key }) => !WHO.has(key) && rows.every((row) => row[key] === rows[0][key]));
}

/** What such columns say, above the table, where it takes no room from the others. */
function inEveryRow(columns, [row]) {
  if (!columns.length) return [];
  const said = columns.flatMap(({ title, key, kind }, at) => [at ? "; " : "", `${title} `, shown(row[key], kind)]);
  return [make("p", { className: "note alike" }, "In every row: ", ...said, ".")];
}

/** On a page that is wide, or on paper, a table that is wider still is set tight, and its names may be broken; if that
 * is not enough, columns go that a reader can spare until the others fit; how many have gone. */
function leftOut(scroll, table, columns) {
  if (innerWidth < ROOMY && !DATA.paper) return "";
  const spare = columns.map((column, at) => [column.spare, at]).filter(([much]) => much).sort(([a], [b]) => b - a);
  const fits = () => scroll.scrollWidth <= scroll.clientWidth;
  let gone = 0;
  for (const row of table.rows) for (const cell of row.cells) cell.hidden = false;
  table.classList.remove("tight");
  table.classList.toggle("tight", !fits());
  for (const [, at] of spare) {
    if (fits()) break;
    for (const row of table.rows) if (row.cells[at]) row.cells[at].hidden = true;
    gone += 1;
  }
  return gone ? `; ${gone} of ${columns.length} columns not shown` : "";
}

function headOf(column, view, draw) {
  const button = make("button", { type: "button", textContent: column.title, title: column.help });
  button.addEventListener("click", () => {
    // Numbers are looked at from the largest on, names and statuses from the first on.
    view.down = view.key === column.key ? !view.down : NUMERIC.has(column.kind);
    view.key = column.key;
    draw();
  });
  // Paper repeats a heading's text on each page, and no button.
  const onPaper = make("span", { className: "head", textContent: column.title });
  return make("th", { scope: "col", className: NUMERIC.has(column.kind) ? "number" : "" }, button, onPaper);
}

function rowOf(row, columns) {
  const cells = columns.map(({ key, kind }) => make("td", { className: NUMERIC.has(kind) ? "number" : String(row[key] ?? "").length > LONG ? "long" : "" }, shown(row[key], kind)));
  const line = make("tr", {}, ...cells);
  if (!hasCase(row.case)) return line;
  const named = cells[Math.max(0, columns.findIndex(({ key }) => WHO.has(key)))];
  named.append(make("button", { type: "button", className: "open", title: "Show this case in full" }, ...named.childNodes));
  line.classList.add("case");
  line.addEventListener("click", (event) => { if (!String(getSelection()) && !event.target.closest("a")) change({ open: row.case }); });
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
