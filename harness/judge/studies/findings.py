"""Whether a finding's defect is here, and whether its case and its script show it: pure functions."""

from enum import StrEnum

from harness.judge.studies.finding import Finding
from harness.judge.studies.symptom import Measurement
from harness.records.record import Kept


class Present(StrEnum):
    """Whether a defect is here, by the installed version."""

    YES = "yes"
    NO = "no"
    CURED = "cured"
    ABSENT = "library absent"


class Ending(StrEnum):
    """How a check came out; `not as said` is a file that is no longer true."""

    REPRODUCED = "reproduced"
    NOT_THERE = "not there, as said"
    NOT_AS_SAID = "not as said"
    NOT_CHECKED = "not checked"


class FindingLine(Kept):
    """One finding here: the installed version, whether that has the defect, how the check came out, what to do."""

    id: str
    title: str
    library: str
    kind: str
    nature: str
    documentation: str
    bad: str
    good: str
    installed: str | None
    present: Present
    outcome: Ending = Ending.NOT_CHECKED
    case_says: str = ""
    script_says: str = ""
    reason: str = ""
    what: str = ""
    workaround: str = ""
    upstream: str = ""
    script: str = ""


def presence(finding: Finding, installed: str | None) -> Present:
    """By the version alone: `cured` is newer than a version that had the defect, `no` is any other without it."""
    if installed is None:
        return Present.ABSENT
    if finding.is_bad(installed):
        return Present.YES
    return Present.CURED if finding.is_cured(installed) else Present.NO


def judge(
    finding: Finding, installed: str | None, seen: Measurement | None = None, printed: str | None = None
) -> FindingLine:
    """The line of a finding: with what its script `printed`, and its case's record as `seen`, it is checked.

    Where the version has the defect both must show it; where it has not, neither may.
    """
    present = presence(finding, installed)
    outcome, reason = Ending.NOT_CHECKED, ""
    if printed is not None and present is not Present.ABSENT:
        missed = {"script": finding.shows.missed(printed)}
        if finding.expect is not None:
            missed["case"] = "; ".join(finding.expect.missed(seen or Measurement()))
        there = [f"the {what} shows it" for what, why in missed.items() if not why]
        absent = [f"the {what}: {why}" for what, why in missed.items() if why]
        wanted, against = (Ending.REPRODUCED, absent) if present is Present.YES else (Ending.NOT_THERE, there)
        outcome, reason = (Ending.NOT_AS_SAID, "; ".join(against)) if against else (wanted, "")
    return FindingLine(
        **{
            name: getattr(finding, name)
            for name in ("id", "title", "library", "bad", "good", "upstream", "documentation")
        },
        **{name: " ".join(getattr(finding, name).split()) for name in ("what", "workaround")},
        script=finding.script.strip(),
        kind=finding.kind.value,
        nature=finding.nature.value,
        installed=installed,
        present=present,
        outcome=outcome,
        case_says=seen.text if seen else "",
        script_says=printed or "",
        reason=reason,
    )
