"""Checks as JUnit XML, which GitLab, Jenkins, Azure and most others show.

The elements and attributes are those of the schema that Jenkins' xunit plugin publishes (junit-10.xsd).
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from harness.report.render.text import REPLACEMENT, visible
from harness.report.words.checks import Check, Outcome

FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (5th ed., section 2.2, Char) has no way to write, not even as a reference."""


def junit(checks: Sequence[Check], suite: str) -> str:
    """One suite, a test a check: `classname` the case, `name` the quantity; what is not passed has a message."""
    count = [check.outcome for check in checks].count
    counts = {
        "tests": str(len(checks)),
        "failures": str(count(Outcome.FAILED)),
        "errors": str(count(Outcome.ERROR)),
        "skipped": str(count(Outcome.SKIPPED)),
    }
    root = ET.Element("testsuites", {"name": clean(suite), **counts})
    suite_element = ET.SubElement(root, "testsuite", {"name": clean(suite), **counts})
    for check in checks:
        test = ET.SubElement(suite_element, "testcase", {"classname": clean(check.case), "name": clean(check.quantity)})
        if check.outcome is not Outcome.PASSED:
            outcome = ET.SubElement(test, check.outcome.value, {"message": clean(check.message)})
            outcome.text = clean("\n".join(filter(None, (check.message, check.advice))))
            if check.outcome is not Outcome.SKIPPED:
                outcome.set("type", "regression" if check.outcome is Outcome.FAILED else "could_not_measure")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def clean(text: str) -> str:
    """The text with U+FFFD for what XML or a terminal must not have."""
    return FORBIDDEN.sub(REPLACEMENT, visible(text))
