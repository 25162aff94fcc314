"""What a terminal acts upon, in a solver's message or a name from a file, reaches nobody as it is."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from harness.cli.printing import print_json
from harness.records.record import Status
from harness.report.html.order import sections
from harness.report.html.render import render
from harness.report.render.annotations import annotations
from harness.report.render.junit import junit
from harness.report.render.markdown import markdown
from harness.report.render.terminal import print_document
from harness.report.tables.document import Document, Line
from harness.report.terminal.console import err, out
from harness.report.words.checks import Check, Outcome
from tests.page_data import everything

CONTROLS = {
    "ESC": "\x1b[2J",
    "BEL": "\x07",
    "NUL": "\x00",
    "CR": "\r",
    "BS": "\x08",
    "DEL": "\x7f",
    "CSI": "\x9b31m",
    "OSC": "\x1b]0;title\x07",
    **{name: chr(code) for name, code in (("RLO", 0x202E), ("LRI", 0x2066), ("PDI", 0x2069), ("ALM", 0x61C))},
}
ACTED_UPON = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
EACH = pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)


def checks(message: str) -> list[Check]:
    """One that failed, with the message everywhere."""
    return [Check(case=message, quantity=message, outcome=Outcome.FAILED, message=message, advice=message)]


def printed(make: Callable[[], Console], capsys: pytest.CaptureFixture[str], message: str) -> str:
    print_document(make(), Document([Line(message, message)], [Line(message)], 1))
    captured = capsys.readouterr()
    return captured.out + captured.err


@EACH
def test_no_medium_passes_a_control_on(control: str, capsys: pytest.CaptureFixture[str]) -> None:
    message = f"it said {control} and\nwent on"
    media: Mapping[str, str] = {
        "annotations": "\n".join(annotations(checks(message), message)),
        "JUnit": junit(checks(message), message),
        "Markdown": markdown(Document([Line(message, message)], [Line(message)], 1)),
        "standard output": printed(out, capsys, message),
        "standard error": printed(err, capsys, message),
    }
    assert {name: found for name, text in media.items() if (found := ACTED_UPON.findall(text))} == {}
    assert ET.fromstring(media["JUnit"]).tag == "testsuites"  # noqa: S314  # ours
    for line in media["annotations"].splitlines():
        assert line.startswith("::error ")


@EACH
def test_json_is_the_same_to_a_program_and_inert_to_a_terminal(
    control: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps({"message": f"a{control}b"}, ensure_ascii=False)
    print_json(text)
    said = capsys.readouterr().out
    assert not ACTED_UPON.search(said)
    assert json.loads(said) == json.loads(text)


@pytest.mark.slow
def test_the_page_shows_no_text_in_another_order() -> None:
    evidence = everything()
    controls = "\u202e\x9b31m\x1b[2J"
    changed = {"message": f"a{controls}b", "status": Status.ERROR, "solver": f"s{controls}"}
    made = replace(evidence, records=tuple(one.model_copy(update=changed) for one in evidence.records))
    page = render(made, sections(made))
    data = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, flags=re.DOTALL)
    assert data
    for text in data:
        if text.startswith("{"):
            assert not re.search("[\x7f-\x9f\u202a-\u202e]", json.dumps(json.loads(text), ensure_ascii=False))
    seen = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search("[\x7f-\x9f\u202a-\u202e\x1b]", seen)
