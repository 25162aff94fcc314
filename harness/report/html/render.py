"""Sections -> the one HTML text: jinja2 writes what is read without scripts, a small client draws the rest.

Figures are Vega-Lite and not plotly for two reasons. Size: Vega-Lite, Vega and vega-embed are 0.90 MB as vl-convert
bundles them, plotly's script 4.8 MB, of a page that is to be well under 6. And one figure is one specification, which
the page draws with its filters and `harness plot` writes as SVG or PNG without a browser, by the same vl-convert.

The page needs no network and allows itself none: its content security policy names its own scripts by their hashes
and nothing else. Vega's expressions are interpreted, not evaluated (vega-embed's `ast`). Texts from people's files are
escaped by jinja2, or are data of a <script> that is not one, which the client writes by textContent.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from harness.errors import counted
from harness.records.run import Run
from harness.report.figures.figure import Figure
from harness.report.figures.rows import CASE, FILTERS, row_of
from harness.report.figures.theme import css_variables, vega_config
from harness.report.html.cases import NUMBERS, REPRODUCE, case_in_full
from harness.report.html.evidence import Evidence
from harness.report.html.packing import deflated, pack, script_json
from harness.report.html.section import Facts, Note, Part, Section, Table
from harness.report.render.text import visible

SCRIPTS = ("state.js", "format.js", "filters.js", "tables.js", "tooltip.js", "figures.js", "dialog.js", "page.js")
"""One after the other in one scope; what stands below may use what stands above."""


def render(
    evidence: Evidence,
    sections: Sequence[Section],
    *,
    reload_s: float | None = None,
    version: str | None = None,
    paper: bool = False,
) -> str:
    """The page as one text; `paper`: to be printed at once, in the light colours, with figures that can be scaled.

    `reload_s`: the page loads itself anew so often (seconds), for a file that is written again while a run goes.
    `version`: the page asks the server that it comes from whether this is still the version, and reloads if not.
    """
    template, markup = _template()
    style, subject = css_variables() + _asset("page.css"), _subject(evidence)
    client = "(()=>{'use strict';\n" + "\n".join(map(_asset, SCRIPTS)) + "\n})();"
    scripts = {"first": _asset("first.js"), "client": client, "bundle": vega_bundle()}
    live = {"reload_s": reload_s, "version": version}
    text: str = template.render(
        evidence=evidence,
        title=evidence.title or f"harness report: {subject}",
        subject=subject,
        paper=paper,
        titles={section.id: section.title for section in sections},
        head=_head(evidence),
        sections=[(section, [_shown(part) for part in section.parts]) for section in sections],
        policy=_policy(style, scripts.values(), asks="'none'" if version is None else "'self'"),
        style=markup(style),
        **{name: markup(script) for name, script in scripts.items()},
        data=markup(script_json(_data(evidence, sections, live) | {"paper": paper})),
        cases=deflated([case_in_full(record) for record in evidence.records]),
    )
    return text


def _policy(style: str, scripts: Iterable[str], asks: str) -> str:
    """The content security policy; `asks`: whom the page may ask for its version."""
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(map(_hash, scripts)),
        "style-src": _hash(style),
        "img-src": "data:",
        "connect-src": asks,
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def _template() -> tuple[Any, Any]:
    """The template, and the class of texts that are not escaped: our own scripts and escaped JSON."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    loader = PackageLoader("harness.report.html", "assets")
    made = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,  # not Markup, which is ours
    )
    return made.get_template("page.html.j2"), Markup


@cache
def vega_bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script."""
    import vl_convert

    # In a string, a template or a regular expression, where alone they can stand, both are the same text escaped.
    script: str = vl_convert.javascript_bundle().replace("\r\n", "\n")  # type: ignore[call-arg]  # its stub has no default
    return re.sub("</(?=script)", r"<\\/", script, flags=re.IGNORECASE).replace("<!--", r"<\!--")


@cache
def _asset(name: str) -> str:
    return files("harness.report.html").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a content security policy names an inline script or style (CSP 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _subject(evidence: Evidence) -> str:
    """Which run or sweep the page is of."""
    if evidence.run is not None:
        return f"run {evidence.run.id}"
    return "" if evidence.sweep is None else f"sweep {evidence.sweep.id}"


def _head(evidence: Evidence) -> list[str]:
    """What is said of the run, or of the sweep alone, under the page's title."""
    run = evidence.run or evidence.sweep
    if run is None:
        return []
    environment = run.environment
    commit = "no commit" if environment.commit is None else f"commit {environment.commit[:12]}"
    changed = ", with uncommitted changes" if environment.dirty else ""
    ended = "" if evidence.run is None or run.finished_at else f"; {_so_far(evidence.run, len(evidence.records))}"
    return [f"{run.started_at[:16].replace('T', ' ')} UTC{ended}", commit + changed, environment.cpu]


def _so_far(run: Run, recorded: int) -> str:
    return f"{recorded} of {counted(len(run.planned), 'case')} so far"


def _shown(part: Part) -> dict[str, Any]:
    """What the template writes of a part; the client adds the rest."""
    kind = {Figure: "figure", Table: "table", Note: "note", Facts: "facts"}[type(part)]
    half = isinstance(part, Figure) and bool(part.spec.get("usermeta", {}).get("half"))
    return {"kind": kind, "part": part, "half": half}


def _data(evidence: Evidence, sections: Sequence[Section], live: Mapping[str, object]) -> dict[str, Any]:
    """All that the client needs to draw: it is parsed when the page is loaded."""
    places = {record.case: i for i, record in enumerate(evidence.records)}
    packed = _Packed(places)
    parts = {part.name: packed.part(part) for part in _drawn(sections)}
    for section in sections:
        for figure, table in _beside(section):
            parts[figure]["table"] = table
    return {
        "filters": FILTERS,
        "cases": [record.case for record in evidence.records],
        "index": pack([row_of(record) for record in evidence.records], places),
        "rows": packed.rows,
        "parts": parts,
        "themes": {"light": vega_config(), "dark": vega_config(dark=True)},
        "numbers": NUMBERS,
        "reproduce": "\n".join(REPRODUCE),
        "live": live,
    }


def _drawn(sections: Sequence[Section]) -> Iterator[Figure | Table]:
    names: set[str] = set()
    for section in sections:
        for part in section.parts:
            if isinstance(part, Note | Facts):
                continue
            if part.name in names:
                raise ValueError(f"two parts of the page are called {part.name}")
            names.add(part.name)
            yield part


def _beside(section: Section) -> Iterator[tuple[str, str]]:
    """Of each figure whose marks open cases the table that has them all, for who opens them without a pointer."""
    tables = {part.name: _cases(part) for part in section.parts if isinstance(part, Table)}
    for part in section.parts:
        if isinstance(part, Figure) and (cases := _cases(part)):
            found = next((name for name, held in tables.items() if cases <= held), None)
            if found is not None:
                yield part.name, found


def _cases(part: Figure | Table) -> set[str]:
    return {row[CASE] for row in part.rows if row.get(CASE)}


class _Packed:
    """Rows that are shared by figures and tables are written once."""

    def __init__(self, places: Mapping[str, int]) -> None:
        self._places = places
        self._known: dict[int, int] = {}
        self._kept: list[object] = []
        self.rows: list[dict[str, Any]] = []

    def part(self, part: Figure | Table) -> dict[str, Any]:
        """A figure or a table with the number of its rows in `rows`."""
        at = self._known.setdefault(id(part.rows), len(self.rows))
        if at == len(self.rows):
            self._kept.append(part.rows)  # so that no other rows get its id
            self.rows.append(pack(part.rows, self._places))
        if isinstance(part, Figure):
            return {"figure": True, "title": part.heading, "spec": part.spec, "rows": at}
        columns = [
            {"key": c.key, "title": c.title, "kind": c.kind.value, "help": c.help, "spare": c.spare}
            for c in part.columns
        ]
        return {"figure": False, "caption": part.caption, "columns": columns, "rows": at, "sort": part.sort}
