"""Everything that the page is made from, gathered: nothing in `harness.report.html` reads or measures anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.judge.gate.gate import GateReport
from harness.judge.history.night import NightReport
from harness.judge.history.series import History
from harness.judge.machine.doubts import Doubt
from harness.judge.speed.floors import Floor
from harness.judge.studies.findings import FindingLine
from harness.judge.studies.published import Line
from harness.judge.versions.upgrade.answer import UpgradeAnswer
from harness.records.record import Record
from harness.records.run import Run
from harness.records.sweep import Cell, Sweep
from harness.report.figures.figure import Figure
from harness.report.html.watch import Watched
from harness.report.purpose import Purpose
from harness.report.render.ab_file import AbFile


@dataclass(frozen=True)
class Evidence:
    """A run, a sweep or an upgrade's answer, and what is known around it; None or empty where there is none of it.

    `title`: the page's, from a person. `shown`: by case the ids of the `findings` that its record shows. `pictures`:
    the tutorials' figures by tutorial, re-made. `command`: the exact command that made the page. `ab`: what `harness ab
    --json` said, of two versions whose head is meant to be the run's. `floors`: of the machine that the page was made
    on; without them `floors_missing` says why. `watched`: a store of asv's. `night`: the run
    as a night of its machine, of which the page is then.
    """

    made_at: str
    command: str
    run: Run | None
    records: tuple[Record, ...]
    title: str = ""
    purpose: Purpose = Purpose.RACE
    gate: GateReport | None = None
    expectations: str = ""
    baseline: Run | None = None
    baseline_records: tuple[Record, ...] = ()
    ab: AbFile | None = None
    upgrade: UpgradeAnswer | None = None
    night: NightReport | None = None
    doubts: tuple[Doubt, ...] = ()
    sweep: Sweep | None = None
    cells: tuple[Cell, ...] = ()
    published: tuple[Line, ...] = ()
    pictures: Mapping[str, tuple[Figure, ...]] = field(default_factory=dict)
    histories: tuple[History, ...] = ()
    watched: Watched | None = None
    findings: tuple[FindingLine, ...] = ()
    shown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    floors: tuple[Floor, ...] = ()
    floors_missing: str = ""
