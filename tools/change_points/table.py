"""The comparison of change-point detectors as GitHub tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.errors import counted
from harness.report.tables.numbers import NONE

SHOWN = (1, 3, 5, 10)
"""Commits within which the share of steps found is shown."""


def trial_markdown(trial: Mapping[str, Any], within: Sequence[int]) -> str:
    """One table a trial, the soonest detector first: shares of steps found within SHOWN commits, by size.

    `within`: the commits that the trial's shares are for.
    """
    steps = [found["step"] for found in trial["results"][0]["found"]] if trial["results"] else []
    places = [within.index(commits) for commits in SHOWN]
    heads = [f"+{step:.0%} within {', '.join(map(str, SHOWN))}" for step in steps]
    lines = [
        f"{counted(trial['launches'], 'launch', 'launches')} a commit:",
        "",
        f"| detector | {' | '.join(heads)} | false alarms | as shipped | ms a look |",
        f"|---|{'---|' * len(heads)}---|---|---|",
        *(_row(result, places) for result in trial["results"]),
    ]
    return "\n".join([*lines, *_absent(trial)])


def _row(result: Mapping[str, Any], places: Sequence[int]) -> str:
    shares = [", ".join(f"{100 * found['within'][place]:.0f}" for place in places) + " %" for found in result["found"]]
    shipped = result["shipped_false_alarms"]
    cells = [
        f"{result['name']} {'' if result['version'] == 'harness' else result['version']}".strip(),
        *shares,
        f"{result['false_alarms']:.1f}",
        NONE if shipped is None else f"{shipped:.1f}",
        f"{result['look_ms']:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def _absent(trial: Mapping[str, Any]) -> Iterator[str]:
    if trial["absent"]:
        yield ""
        yield f"Not installed: {'; '.join(trial['absent'])}"
