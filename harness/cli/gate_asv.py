"""harness gate --asv: asv's results judged, its own suites' by the expectations, every other's by rules."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cli import options as cli
from harness.cli.groups import option
from harness.cli.printing import show

if TYPE_CHECKING:
    from harness.cli.gate_verdict import Verdicts
    from harness.judge.gate.expectations import Expectations


@dataclass(frozen=True)
class JudgedAsvGroup(cli.AsvGroup):
    """Which of asv's results are judged, and against which."""

    commit: str | None = option(help="With --asv: the commit; the newest with results.")
    base: str | None = option(help="With --asv: a commit that must not be better.")
    env: str | None = option(help="With --asv: a part of the environment's name.")
    base_env: str | None = option(help="With --asv: compare with this environment.")
    bench: cli.Bench = None


def gate_asv(expected: "Expectations", asked: JudgedAsvGroup, verdicts: "Verdicts") -> int:
    """Judge each environment in turn; the worst exit code."""
    from harness.asv import gate
    from harness.asv.records import parted
    from harness.asv.selection import AsvSelection
    from harness.report.words.asv import speed

    which = AsvSelection(asked.machine, asked.commit, asked.base, asked.env, asked.base_env, asked.bench)
    named = []
    for results, before, report in gate.gate_asv(asked.folder, expected, which, gate.rules_of_repository()):
        if before is not None and verdicts.printed.for_people:
            show(speed(parted(results)[0], parted(before)[0]))
        named.append((f"{results.commit[:8]} {results.environment} on {results.machine}", report))
        if not verdicts.printed.as_json:
            verdicts.show(*named[-1])
    if verdicts.printed.as_json:
        verdicts.print_json(named)
    verdicts.write(named)
    codes = [report.exit_code for _, report in named]
    return 1 if 1 in codes else max(codes)
