"""An Atom feed (RFC 4287): of the commits at which a store of asv's has steps, or of nights with changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from harness.judge.history.night import NightReport
from harness.judge.history.series import SHORT
from harness.judge.history.watch import CommitSteps, Watch
from harness.report.render.junit import clean
from harness.report.tables.watch import change_words, summary, value_words
from harness.report.words import night as words

NAMESPACE = "http://www.w3.org/2005/Atom"
MOST_LINES = 50
"""Of an entry's text."""


@dataclass(frozen=True)
class Entry:
    """`id`: a URN that stays; `lines`: its text; `link`: empty without one."""

    id: str
    title: str
    updated: datetime
    lines: Sequence[str]
    link: str = ""


def atom(watch: Watch, commit_url: str) -> str:
    """Of asv's commits, the newest first; `commit_url`: what a commit's hash is put behind for a link, or empty."""
    first = watch.table.commits[0] if watch.table.commits else ""
    groups = sorted(watch.groups, key=lambda group: -group.date_ms)
    updated = _of_ms(max(watch.table.dates_ms, default=0))
    entries = [_of_commit(group, commit_url) for group in groups]
    return _feed(
        f"urn:harness:asv:{first}",
        "Steps in asv's results",
        summary(watch),
        "harness history --asv --all",
        updated,
        entries,
    )


def nights_atom(reports: Sequence[NightReport]) -> str:
    """Of a machine's nights, the newest last, those that changed something; in the feed the newest comes first."""
    machine = reports[-1].run.selection.machine
    entries = [_of_night(one) for one in reversed(reports) if one.changes or one.other_data]
    title = f"What changed on {machine}"
    updated = datetime.fromisoformat(reports[-1].run.started_at)
    return _feed(
        f"urn:harness:nights:{machine}", title, words.conclusion(reports[-1]), "harness nightly", updated, entries
    )


def _of_commit(group: CommitSteps, commit_url: str) -> Entry:
    return Entry(
        f"urn:harness:asv:step:{group.commit}",
        f"{group.commit[:SHORT]}: {change_words(group)}",
        _of_ms(group.date_ms),
        [f"{step.verdict}: {step.series.label}: {value_words(step)}" for step in group.steps],
        commit_url and commit_url + group.commit,
    )


def _of_night(report: NightReport) -> Entry:
    moved = "; ".join(report.moved)
    return Entry(
        f"urn:harness:night:{report.run.id}",
        f"{words.date_of(report)}: {words.conclusion(report)}",
        datetime.fromisoformat(report.run.started_at),
        [*([f"changed since the night before: {moved}"] if moved else []), *words.lines(report)],
    )


def _feed(identity: str, title: str, subtitle: str, author: str, updated: datetime, entries: Iterable[Entry]) -> str:
    ET.register_namespace("", NAMESPACE)
    feed = ET.Element(f"{{{NAMESPACE}}}feed")
    _add(feed, "id", identity)
    _add(feed, "title", title)
    _add(feed, "subtitle", subtitle)
    _add(feed, "updated", updated.isoformat(timespec="seconds"))
    _add(_add(feed, "author"), "name", author)
    for one in entries:
        entry = _add(feed, "entry")
        _add(entry, "id", one.id)
        _add(entry, "title", one.title)
        _add(entry, "updated", one.updated.isoformat(timespec="seconds"))
        if one.link:
            _add(entry, "link").set("href", one.link)
        more = len(one.lines) - MOST_LINES
        text = "\n".join([*one.lines[:MOST_LINES], *([f"and {more} more"] if more > 0 else [])])
        _add(entry, "content", text).set("type", "text")
    return ET.tostring(feed, encoding="unicode", xml_declaration=True) + "\n"


def _add(parent: ET.Element, name: str, text: str = "") -> ET.Element:
    child = ET.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    child.text = clean(text) or None
    return child


def _of_ms(date_ms: int) -> datetime:
    return datetime.fromtimestamp(date_ms / 1000, UTC)
