"""An Atom feed (RFC 4287) of the commits at which a store of asv's has steps, the newest first."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from harness.judge.history.series import SHORT
from harness.judge.history.watch import CommitSteps, Watch
from harness.report.tables.watch import change_words, summary, value_words

NAMESPACE = "http://www.w3.org/2005/Atom"
MOST_STEPS = 50
"""Of an entry's text."""


def atom(watch: Watch, commit_url: str) -> str:
    """The feed; `commit_url`: what a commit's hash is put behind for a link, empty without any."""
    ET.register_namespace("", NAMESPACE)
    feed = ET.Element(f"{{{NAMESPACE}}}feed")
    newest = max(watch.table.dates_ms, default=0)
    first = watch.table.commits[0] if watch.table.commits else ""
    _add(feed, "id", f"urn:harness:asv:{first}")
    _add(feed, "title", "Steps in asv's results")
    _add(feed, "subtitle", summary(watch))
    _add(feed, "updated", _when(newest))
    _add(_add(feed, "author"), "name", "harness history --asv --all")
    for group in sorted(watch.groups, key=lambda group: -group.date_ms):
        _entry(feed, group, commit_url)
    return ET.tostring(feed, encoding="unicode", xml_declaration=True) + "\n"


def _entry(feed: ET.Element, group: CommitSteps, commit_url: str) -> None:
    entry = _add(feed, "entry")
    _add(entry, "id", f"urn:harness:asv:step:{group.commit}")
    _add(entry, "title", f"{group.commit[:SHORT]}: {change_words(group)}")
    _add(entry, "updated", _when(group.date_ms))
    if commit_url:
        _add(entry, "link").set("href", commit_url + group.commit)
    lines = [f"{step.verdict}: {step.series.label}: {value_words(step)}" for step in group.steps[:MOST_STEPS]]
    more = len(group.steps) - MOST_STEPS
    _add(entry, "content", "\n".join([*lines, *([f"and {more} more"] if more > 0 else [])])).set("type", "text")


def _add(parent: ET.Element, name: str, text: str = "") -> ET.Element:
    child = ET.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    child.text = text or None
    return child


def _when(date_ms: int) -> str:
    return datetime.fromtimestamp(date_ms / 1000, UTC).isoformat(timespec="seconds")
