// The filters: which values there are, which are chosen, and how many cases are left.

const TITLES = { solver: "Solver", problem: "Problem", device: "Device", n: "Rows n", lr: "Learning rate" };
const SEARCH_FROM = 8; // choices; fewer are seen at a glance
const choices = new Map();

/** Each filter's values over the cases and over every row of the page, in order. */
function collectChoices() {
  for (const key of DATA.filters) choices.set(key, new Map());
  const note = (key, value) => { if (value !== undefined) choices.get(key).set(asKey(value), value); };
  for (const key of DATA.filters) {
    for (const row of INDEX) note(key, row[key]);
    for (const { columns } of DATA.rows) {
      const column = columns[key];
      for (const value of Array.isArray(column) ? column : column?.of ?? []) note(key, value);
    }
    const sorted = [...choices.get(key)].sort(([, a], [, b]) => compare(a, b, "", false));
    choices.set(key, new Map(sorted));
  }
}

/** A link may name what this page does not have: it is dropped, and a filter that has nothing else with it. */
function dropUnknown() {
  for (const [key, chosen] of Object.entries(state.chosen)) {
    const known = [...chosen].filter((value) => choices.get(key).has(value));
    if ((chosen.size && !known.length) || known.length === choices.get(key).size) delete state.chosen[key];
    else state.chosen[key] = new Set(known);
  }
}

function choose(key, values) {
  const chosen = { ...state.chosen };
  if (values.size === choices.get(key).size) delete chosen[key];
  else chosen[key] = values;
  change({ chosen });
}

function buildFilter(key) {
  const values = choices.get(key), boxes = new Map();
  const list = make("ul");
  for (const [name, value] of values) {
    const box = make("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      const chosen = new Set(state.chosen[key] ?? values.keys());
      if (box.checked) chosen.add(name);
      else chosen.delete(name);
      choose(key, chosen);
    });
    const text = key === "n" ? formatted(value, "whole") : name;
    boxes.set(name, box);
    list.append(make("li", {}, make("label", {}, box, make("span", { textContent: text }))));
  }
  const search = make("input", { type: "search", placeholder: "Search", "aria-label": `Search ${TITLES[key]}` });
  search.addEventListener("input", () => {
    for (const item of list.children) {
      item.hidden = !item.textContent.toLowerCase().includes(search.value.trim().toLowerCase());
    }
  });
  // "All" and "None" are about what the search has left: all of the torch solvers, none of the rest.
  const seen = () => [...boxes].filter(([, box]) => !box.closest("li").hidden).map(([name]) => name);
  const all = make("button", { type: "button", textContent: "All", "aria-label": `All: ${TITLES[key]}` });
  all.addEventListener("click", () => choose(key, new Set([...(state.chosen[key] ?? values.keys()), ...seen()])));
  const none = make("button", { type: "button", textContent: "None", "aria-label": `None: ${TITLES[key]}` });
  none.addEventListener("click", () => {
    const gone = new Set(seen());
    choose(key, new Set([...(state.chosen[key] ?? values.keys())].filter((name) => !gone.has(name))));
  });
  const much = make("small");
  const tools = make("p", { className: "tools" }, all, none);
  if (values.size >= SEARCH_FROM) tools.prepend(search);
  const filter = make("details", { className: "filter" }, make("summary", {}, TITLES[key], " ", much), tools, list);
  onFilter.push(() => {
    const chosen = state.chosen[key];
    much.textContent = chosen ? `${chosen.size} of ${values.size}` : `all ${values.size}`;
    filter.classList.toggle("on", Boolean(chosen));
    for (const [name, box] of boxes) box.checked = !chosen || chosen.has(name);
  });
  return filter;
}

function buildFilters() {
  collectChoices();
  const useful = DATA.filters.filter((key) => INDEX.length && choices.get(key).size > 1);
  const panel = document.getElementById("filters");
  panel.hidden = !useful.length;
  panel.open = matchMedia("(min-width: 70rem)").matches;
  document.getElementById("choices").append(...useful.map(buildFilter));
  const reset = document.getElementById("reset"), count = document.getElementById("count");
  reset.addEventListener("click", () => { change({ chosen: {} }); count.closest("summary").focus(); });
  onFilter.push(() => {
    const left = INDEX.filter(passes).length;
    count.textContent = `${left} of ${INDEX.length} cases`;
    reset.hidden = !filtering();
    for (const note of document.querySelectorAll(".whole")) {
      note.hidden = !filtering();
      note.textContent = `This was concluded from all ${INDEX.length} cases; below are the ${left} that the filter leaves.`;
    }
  });
}
