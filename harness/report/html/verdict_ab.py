"""What of section 1 is about `harness ab`: two versions in turns, so that a change of speed can be told from noise."""

from collections.abc import Sequence

from harness.errors import counted
from harness.judge.verdict import Verdict
from harness.records.record import Record
from harness.records.run import Run
from harness.report.figures.rows import Row, row_of
from harness.report.html.section import Note, Part, table_of, to_do
from harness.report.html.verdict_changes import Judged
from harness.report.render.ab_file import AbFile, Cell
from harness.report.tables import case
from harness.report.tables.column import Column, Kind
from harness.report.tables.numbers import worst_first
from harness.report.words.ab import measured_rates
from harness.report.words.sentences import listed

SPEED = {
    Verdict.REGRESSION: "slower",
    Verdict.IMPROVEMENT: "faster",
    Verdict.UNCHANGED: "unchanged",
    Verdict.UNDECIDED: "undecided",
}
ANSWERS = {Verdict.REGRESSION: "wronger", Verdict.IMPROVEMENT: "righter"}
AB: tuple[Column[Cell], ...] = (
    Column("verdict", "Verdict", Kind.STATUS, "Of speed and answers together: a regression of either is one."),
    *case.WHO,
    Column("ratio", "Ratio", Kind.RATIO,
        "Head over base, of one call, the mean over launches: above 1 is slower.", "speed.ratio"),
    Column("low", "from", Kind.RATIO, "The interval of the ratio, 95 %, Student's t over launches.", "speed.low"),
    Column("high", "to", Kind.RATIO, value="speed.high"),
    Column("found", "Found",
        help="Of the speed, then of the answers where these have changed; why it is not decided.",
        value=lambda one: ": ".join(filter(None, (", ".join(_found(one)), _why(one))))),
    Column("base_s", "Base's call", Kind.SECONDS,
        "By the clock that is judged: CPU on the CPU, wall on a device.", "speed.base_s"),
    Column("head_s", "Head's call", Kind.SECONDS, value="speed.head_s"),
    Column("launches", "Launches", Kind.WHOLE, "Fresh processes of each version.", "speed.launches"),
)  # fmt: skip


def ab_verdict(ab_file: AbFile) -> Judged:
    """How many cells became slower or wronger, which, and how often such verdicts err."""
    against = f"against {ab_file.base.name}"
    found = {
        word: [f"{one.solver} on {one.problem}{_times(one)}" for one in worst_cells(ab_file) if word in _found(one)]
        for word in (SPEED[Verdict.REGRESSION], *ANSWERS.values(), SPEED[Verdict.IMPROVEMENT])
    }
    found = {word: cells for word, cells in found.items() if cells}
    counts = [f"{len(cells)} {word}" for word, cells in found.items()]
    speeds = [one.speed.verdict for one in ab_file.cells]
    rest = [f"{speeds.count(it)} {SPEED[it]}" for it in (Verdict.UNCHANGED, Verdict.UNDECIDED) if it in speeds]
    sentences = [f"{word.capitalize()}: {listed(cells)}." for word, cells in found.items()]
    sentences += [f"Of {counted(len(ab_file.cells), 'case')} {listed(rest)} in speed."] if rest else []
    return Judged(
        _state(ab_file),
        "Versions",
        " ".join([f"{ab_file.head.name} {against}, both in turns.", *sentences]),
        f"of {counted(len(ab_file.cells), 'case')} {listed([*counts, *rest], 6)} {against}",
    )


def ab_parts(ab_file: AbFile, run: Run | None, records: Sequence[Record]) -> list[Part]:
    """Every cell, the worst first, and what to do; said first where the head is not what the run was made of."""
    known = {record.case: record for record in records}

    def named(one: Cell) -> Row:
        names = {"solver": one.solver, "problem": one.problem, "device": one.device}
        return row_of(known[one.case]) if one.case in known else names

    here, there = None if run is None else run.environment.commit, ab_file.head.commit
    parts: list[Part] = []
    if here is not None and there is not None and here != there:
        parts.append(Note(f"The comparison's head is commit {there[:12]}, the run's is {here[:12]}."))
    caption = (
        f"Speed and answers of {ab_file.head.name} against {ab_file.base.name} by harness ab, the worst first; a "
        f"change below {ab_file.effect:.1%} is of no interest. {_rates(ab_file)}"
    )
    parts.append(table_of("ab", caption, AB, worst_cells(ab_file), named))
    wrong = [one for cell in worst_cells(ab_file) for one in cell.accuracy if one.verdict is Verdict.REGRESSION]
    return [*parts, *to_do(wrong)]


def worst_cells(ab_file: AbFile) -> list[Cell]:
    """Every cell, the worst first."""
    return sorted(ab_file.cells, key=lambda one: worst_first(one.verdict, one.speed.ratio))


def _found(one: Cell) -> list[str]:
    """`slower`, `unchanged, wronger`: what is said of the speed, and of the answers if there is something to say."""
    answers = {ANSWERS[judged.verdict]: None for judged in one.accuracy if judged.verdict in ANSWERS}
    return [SPEED[one.speed.verdict], *answers]


def _why(one: Cell) -> str:
    """What is wrong with the answers, or why nothing is decided; a change of speed is the ratio's to tell."""
    wrong = [f"{it.quantity}: {it.detail}" for it in one.accuracy if it.verdict is Verdict.REGRESSION]
    return one.why if one.verdict is Verdict.UNDECIDED else "; ".join(wrong)


def _times(one: Cell) -> str:
    ratio = one.speed.ratio
    changed = one.speed.verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT)
    return f" ({ratio:.3g} times)" if changed and ratio is not None else ""


def _state(ab_file: AbFile) -> str:
    """As the exit code of harness ab has it: what could not be measured is undecided."""
    verdicts = {one.verdict for one in ab_file.cells}
    if Verdict.REGRESSION in verdicts:
        return "regression"
    if ab_file.exit_code != 0:
        return "undecided"
    return "improvement" if Verdict.IMPROVEMENT in verdicts else "unchanged"


def _rates(ab_file: AbFile) -> str:
    if ab_file.calibration is None:
        return "How often such verdicts err is not known: harness ab --calibrate measures it."
    return f"How often such verdicts err, measured {measured_rates(ab_file.calibration)}."
