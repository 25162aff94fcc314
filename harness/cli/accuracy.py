"""harness accuracy: every closed form on every NIST set or rung, verified and not timed."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli import options as cli
from harness.cli.groups import Group, flag, option, refuse
from harness.cli.isolation import PlaceGroup
from harness.cli.printing import PrintGroup, pasted, print_line, show
from harness.cli.progress import watched_run
from harness.errors import UsageError, unknown
from harness.files.writing import check_file, write
from harness.report.tables.document import Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.judge.gate.expectations import Expectations
    from harness.judge.gate.gate import GateReport
    from harness.judge.studies.bars import Bar
    from harness.measure.session import Where
    from harness.records.record import Record
    from harness.records.run import Run
    from harness.report.tables.accuracy import Sheet
    from harness.store.store import Store

STDOUT = "-"


@dataclass(frozen=True, kw_only=True)
class FittedGroup(Group):
    """What is fitted, and what is shown of it."""

    problem: list[str] | None = option(help="Problem, or FILE:COLUMN; repeatable. The NIST sets by default.")
    solver: list[str] | None = option(help="Solver; repeatable. Every closed form by default.")
    ladder: bool = flag(help="The rungs of the ladder instead of the NIST sets.")
    data: cli.ModelGroup
    device: cli.Device = "auto"
    threads: int = option(help="Threads of BLAS, OpenMP and torch.", default=1)
    quantity: str | None = option(help="Digits of coef (coefficients), se (standard errors), sd (residual SD) or r2.")
    se: bool = flag(help="Digits of the standard errors: --quantity se.")
    all_: bool = flag(help="Every cell that is not fine, not the worst 15.")
    markdown: str | None = option(metavar="FILE", help="Write Markdown to FILE too; - prints it instead.")
    expected: cli.ExpectationsGroup
    store: cli.StoreUrl = None


def accuracy(
    *,
    asked: FittedGroup,
    certified: bool = flag(help="Check NIST's own figures against the exact solution; fits nothing."),
    place: PlaceGroup,
    printed: PrintGroup,
) -> None:
    """Fit every closed form to the NIST sets or the ladder, untimed: digits, backward errors, bars, the gate."""
    if certified:
        refuse(asked.given(), "--certified fits nothing")
        raise typer.Exit(_certified(printed))
    if asked.ladder and asked.problem:
        raise UsageError("--ladder and --problem both say what is fitted: give one of them")
    if printed.as_json and asked.markdown == STDOUT:
        raise UsageError("--json and --markdown - both write to standard output: give one of them")
    quantity, where = _quantity(asked.quantity, se=asked.se), place.where(asked.threads)
    page = _Page(asked, printed, quantity, *asked.expected.read())
    if asked.markdown not in (None, STDOUT):
        check_file(f"--markdown {asked.markdown}", Path(asked.markdown))
    raise typer.Exit(page.make(where))


def _quantity(name: str | None, *, se: bool) -> str:
    from harness.report.tables.accuracy import QUANTITIES

    if name is not None and name not in QUANTITIES:
        raise unknown("quantity", name, QUANTITIES)
    if se and name not in (None, "se"):
        raise UsageError(f"--se and --quantity {name} both say what is shown: give one of them")
    return "se" if se else name or "coef"


@dataclass(frozen=True)
class _Page:
    """What is shown of a run and where it goes."""

    asked: FittedGroup
    printed: PrintGroup
    quantity: str
    expected: "Expectations"
    source: str

    def make(self, where: "Where") -> int:
        """Plan, run with a progress bar, judge and print; the exit code. Ctrl-C prints the tables there are."""
        from harness.studies.accuracy import AccuracyRequest, plan_accuracy, sheets
        from harness.timing.sampling import UNTIMED

        asked = self.asked
        named = tuple(asked.problem or ()), tuple(asked.solver or ())
        request, cases = plan_accuracy(
            AccuracyRequest(*named, asked.ladder, asked.device, asked.data.model, asked.threads)
        )
        shown, quiet = partial(self.show, sheets(cases)), self.printed.quiet
        made, records = watched_run(request, asked.store, where, shown, quiet=quiet, cases=cases, effort=UNTIMED)
        return self.judged(made, records)[0]

    def judged(self, made: "Run", records: "Sequence[Record]") -> "tuple[int, GateReport, Sequence[Bar]]":
        """The exit code, and the verdicts of the gate and the bars."""
        from harness.judge.gate.gate import gate
        from harness.judge.studies.bars import bars

        report, held = gate(made, records, self.expected), bars(records)
        return 1 if any(bar.held is False for bar in held) else report.exit_code, report, held

    def show(self, tables: "Sequence[Sheet]", made: "Run", records: "Sequence[Record]", opened: "Store") -> None:
        """Print and write what was asked for; of a run that was cut off the tables there are."""
        from harness.report.words import accuracy as words
        from harness.report.words.gate import breaches, conclusion

        if made.finished_at is None:
            show(words.sheets(records, tables, self.quantity))
            return
        code, report, held = self.judged(made, records)
        verdict = conclusion(report, made.id, self.source)
        if self.asked.markdown is not None:
            _write_markdown(self.asked.markdown, words.in_full(records, tables, self.quantity, held, verdict))
        if self.asked.markdown == STDOUT or not self.printed.wants(code):
            return
        every = () if self.printed.quiet else (lambda: words.sheets(records, tables, self.quantity),)
        self.printed.print(
            lambda: words.accuracy_json(made.id, records, held, report, code),
            *every,
            lambda: words.cells_not_fine(records, everything=self.asked.all_),
            lambda: words.bars(held, records),
            lambda: Document(list(breaches(report)), [verdict]),
        )
        if not self.printed.as_json:
            following = pasted("gate", store=opened, expectations=self.asked.expected.expectations)
            print_line(f"run {made.id} is in {opened.url}; next: {following}")


def _write_markdown(file: str, document: Document) -> None:
    from harness.report.render.markdown import markdown

    if file == STDOUT:
        typer.echo(markdown(document), nl=False)
    else:
        write(Path(file), markdown(document), what=f"--markdown {file}")


def _certified(printed: PrintGroup) -> int:
    """Print how well NIST's figures agree with the exact ones: 0, or 1 if one does not."""
    import json
    from dataclasses import asdict

    from harness.judge.studies.bars import CERTIFIED_DIGITS
    from harness.report.words import accuracy as words
    from harness.studies.accuracy import certified

    sets = certified()
    printed.print(lambda: json.dumps([asdict(one) for one in sets]), lambda: words.certified(sets, CERTIFIED_DIGITS))
    return 0 if words.all_agree(sets, CERTIFIED_DIGITS) else 1
