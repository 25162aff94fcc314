// Numbers as people read them: the same rules as harness/report/tables/numbers.py.

const NONE = "–";
const TIMES = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];
const SIZES = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];

function scaled(value, units, digits) {
  if (value === 0) return `0 ${units.at(-1)[1]}`;
  const rounded = Number(value.toPrecision(digits));
  const [unit, name] = units.find(([size]) => Math.abs(rounded) >= size) ?? units[units.length - 1];
  return `${(rounded / unit).toPrecision(digits)} ${name}`;
}

const POWERS = (value) => (value === 0 ? "0" : value.toExponential(1));
const FORMATS = {
  number: (value) => String(Number(value.toPrecision(5))),
  whole: (value) => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f"),
  seconds: (value) => scaled(value, TIMES, 3),
  bytes: (value) => scaled(value, SIZES, 3),
  ratio: (value) => `${value === 0 ? 0 : value >= 100 ? value.toFixed(0) : value >= 0.01 ? value.toFixed(2) : value.toExponential(0)}×`,
  digits: (value) => value.toFixed(1),
  small: (value) => (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)
    ? POWERS(value) : String(Number(value.toPrecision(3)))),
};
const NUMERIC = new Set(Object.keys(FORMATS));

/** A sign for each status and verdict, so that none is told by colour alone, and how bad it is: it sorts by that. */
const SIGNS = {
  regression: ["▼", "bad", 0], wrong: ["✗", "bad", 1], error: ["!", "bad", 2], crashed: ["!", "bad", 3],
  timeout: ["!", "bad", 4], out_of_memory: ["!", "bad", 5], diverged: ["↗", "bad", 6], missing: ["!", "bad", 7],
  rank_deficient: ["⊥", "bad", 8], doubtful: ["!", "doubt", 9], undecided: ["?", "doubt", 10],
  unknown: ["?", "doubt", 11], not_converged: ["…", "doubt", 12], censored: ["…", "doubt", 13],
  improvement: ["▲", "good", 14], note: ["i", "plain", 15], unsupported: [NONE, "plain", 16],
  "do not upgrade": ["✗", "bad", 1], "safe on these data": ["✓", "good", 18], unchanged: ["=", "plain", 17], fine: ["✓", "good", 18], ok: ["✓", "good", 19],
};

function formatted(value, kind) {
  if (absent(value)) return NONE;
  if (typeof value === "boolean") return value ? "yes" : "no";
  return NUMERIC.has(kind) && typeof value === "number" ? FORMATS[kind](value) : String(value);
}

const JOINT = /(?<=[,:/_=])(?=[^\s,:/_=])/; // where a name may be broken: synthetic:n=1000,p=10 or normal_equations

const LONG_NAME = 17; // characters; shorter ones stay whole

/** The text, which a narrow column may break within a long name. */
function breakable(text) {
  const pieces = text.length < LONG_NAME ? [text] : text.split(JOINT);
  const fragment = document.createDocumentFragment();
  pieces.forEach((piece, i) => fragment.append(...(i ? [make("wbr")] : []), piece));
  return fragment;
}

const LINK = /^https?:\/\/[^\s]+$/;

/** A value as it stands in a cell: text, code, a link by its last part, a finding, or a status with its sign. */
function shown(value, kind) {
  const text = formatted(value, kind);
  if (kind === "code" && text !== NONE) return make("code", { textContent: text });
  if (kind === "link" && LINK.test(text)) return make("a", { href: text, rel: "noreferrer", textContent: text.split("/").pop().slice(0, 12) });
  if (kind === "finding" && text !== NONE) return make("a", { href: "#findings" }, breakable(text));
  if (kind !== "status" || text === NONE) return kind === "text" ? breakable(text) : document.createTextNode(text);
  const [sign, tone] = SIGNS[text] ?? ["•", "plain"];
  const mark = make("span", { "aria-hidden": "true", className: "sign", textContent: sign });
  return make("span", { className: `status ${tone}` }, mark, text.replaceAll("_", " "));
}

const COLLATOR = new Intl.Collator("en", { numeric: true });

function absent(value) {
  return value === null || value === undefined || value === "";
}

/** By value; what is missing stands last whichever way it is sorted. */
function compare(a, b, kind, down) {
  if (absent(a) || absent(b)) return absent(a) - absent(b);
  const rank = (value) => SIGNS[value]?.[2] ?? 99;
  const order = kind === "status" ? rank(a) - rank(b)
    : typeof a === "number" && typeof b === "number" ? a - b : COLLATOR.compare(String(a), String(b));
  return down ? -order : order;
}
