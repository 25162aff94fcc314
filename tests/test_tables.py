"""Tables on consoles of any width: none is torn, what matters least goes first, and what failed is at the top."""

import re
from collections.abc import Callable, Mapping
from io import StringIO

import pytest
from rich.console import Console

from harness.judge.gate.gate import GateReport
from harness.judge.machine.doubts import Doubt, State
from harness.judge.speed.comparison import compare
from harness.judge.verdict import Judgement, Verdict
from harness.measure.plan import single
from harness.measure.recording import record_of
from harness.problems import catalog as problems
from harness.records.record import Accuracy, Record, Samples, Status
from harness.report.render.markdown import table as markdown_table
from harness.report.render.terminal import Width, fit, print_document, print_table
from harness.report.render.text import cell_text
from harness.report.tables.column import Column, Kind, attributes
from harness.report.tables.document import Table, table_of
from harness.report.tables.numbers import NONE
from harness.report.words.comparison import compared
from harness.report.words.doubts import doctor
from harness.report.words.gate import verdict
from harness.report.words.run import run
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from tests.conftest import RunCli

WIDTHS = (40, 60, 80, 100)
Print = Callable[[Console], None]


def printed(printing: Print, width: int) -> list[str]:
    """The lines, of which none may be longer than the console is wide."""
    console = Console(file=StringIO(), width=width, highlight=False)
    printing(console)
    assert isinstance(console.file, StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    return lines


WIDTHS_OF = (Width(10, 6), Width(6, 6), Width(8, 8, spare=1), Width(8, 8, spare=2))


@pytest.mark.parametrize(
    ("room", "widths"),
    [
        (35, {0: 10, 1: 6, 2: 8, 3: 8}),
        (34, {0: 9, 1: 6, 2: 8, 3: 8}),
        (31, {0: 6, 1: 6, 2: 8, 3: 8}),
        (30, {0: 10, 1: 6, 2: 8}),
        (22, {0: 6, 1: 6, 2: 8}),
        (21, {0: 10, 1: 6}),
        (13, {0: 6, 1: 6}),
        (5, {0: 6, 1: 6}),
    ],
)
def test_columns_shrink_and_then_the_sparest_go(room: int, widths: dict[int, int]) -> None:
    assert fit(WIDTHS_OF, room) == widths


Row = Mapping[str, object]
COLUMNS: tuple[Column[Row], ...] = (
    Column("name", least=6),
    Column("dear", kind=Kind.WHOLE),
    Column("spare", kind=Kind.WHOLE, spare=1),
    Column("sparer", kind=Kind.WHOLE, spare=2),
)
LONG: Row = {"name": "a long name", "dear": 1, "spare": 2, "sparer": 3}
SHORT: Row = {"name": "b", "dear": 10, "spare": 20, "sparer": None}


@pytest.mark.parametrize("kind", Kind)
def test_words_are_flush_left_and_numbers_flush_right(kind: Kind) -> None:
    """On a console, where the heading is the widest, and in Markdown, whose rule says it."""
    texts = ("1", "10")
    column = Column[str]("heading", kind=kind, value=str, text=str)
    end = Column[str]("end", text=lambda _: ".")
    lines = printed(lambda console: print_table(console, table_of([column, end], texts)), 40)
    words = kind in {Kind.TEXT, Kind.STATUS, Kind.CODE, Kind.LINK, Kind.FINDING}
    assert lines[1:] == [f"{text:<7} ." if words else f"{text:>7} ." for text in texts]
    assert markdown_table([column, end], texts).splitlines()[1] == ("|:--|:--|" if words else "|--:|:--|")


def test_groups_keep_their_columns_below_each_other_and_their_titles() -> None:
    table = Table(COLUMNS, [("[one]", [LONG, SHORT]), ("two", [LONG, SHORT])], fold=False)
    lines = printed(lambda console: print_table(console, table), 17)
    assert lines[0] == "name   dear spare"
    assert lines[1] == "[one]"
    assert lines[2:4] == ["a lon…    1     2", "b        10    20"]
    assert len(lines) == 7
    wide = printed(lambda console: print_table(console, table), 40)
    assert wide[0] == "name        dear spare sparer"
    assert wide[3] == "b             10    20      –"


def test_texts_are_read_in_short_before_a_column_goes() -> None:
    """The one with the largest spare first, and no more of them than it takes."""
    columns: tuple[Column[Row], ...] = (
        Column("name"),
        Column("loose", text=lambda _: "38 [36,41]", short=lambda _: "38", spare=2),
        Column("tight", text=lambda _: "76 [70,81]", short=lambda _: "76", spare=1),
    )
    table = table_of(columns, [LONG])
    for room, shown in ((33, "38 [36,41] 76 [70,81]"), (32, "38 76 [70,81]"), (27, "38 76"), (22, "76")):
        last = printed(lambda console: print_table(console, table), room)[-1]
        assert " ".join(last.split()) == f"a long name {shown}"


def test_a_path_leads_through_attributes_and_entries_and_what_is_missing_on_it_is_missing() -> None:
    held: Mapping[str, object] = {"accuracy": Accuracy(r2={"test": 0.25}), "solution": None, "n": 3}
    paths = ("accuracy.r2.test", "accuracy.r2.val", "accuracy.digits", "solution.terms", "n")
    assert [Column[Mapping[str, object]]("key", value=path).of(held) for path in paths] == [0.25, None, None, None, 3]
    with pytest.raises(AttributeError):
        Column[Mapping[str, object]]("key", value="accuracy.digit").of(held)


def test_a_format_is_of_the_number_and_a_missing_one_is_a_dash() -> None:
    share = Column[Mapping[str, float | None]]("share", kind=Kind.NUMBER, text=".1%")
    assert [cell_text(share, {"share": value}) for value in (0.125, None)] == ["12.5%", NONE]


def test_columns_of_attributes_are_keyed_by_the_last_name_or_another() -> None:
    row = {"a": {"b": 1, "c": 2}}
    assert {column.key: column.of(row) for column in attributes("a.b last=a.c")} == {"b": 1, "last": 2}


def test_a_table_of_words_folds_those_that_may_and_is_as_wide_as_its_words() -> None:
    columns: tuple[Column[Row], ...] = (Column("id"), Column("what", least=8, style=lambda _: "red"))
    table = table_of(columns, [{"id": "a_name_that_is_read", "what": "some words [of] it"}])
    assert printed(lambda console: print_table(console, table), 60) == [
        "id                  what",
        "a_name_that_is_read some words [of] it",
    ]
    assert printed(lambda console: print_table(console, table), 30) == [
        "id                  what",
        "a_name_that_is_read some words",
        "                    [of] it",
    ]


def record(solver: str, *, status: Status = Status.OK, digits: float = 12.3, **options: object) -> Record:
    case = single(problems.load("everyday"), solvers.get(solver), Options(**options))  # type: ignore[arg-type]
    accuracy = Accuracy(digits=digits, excess_loss=1.2e-20, r2={"train": 0.96875}, epochs_to={})
    if case.solver.optimizer:
        accuracy = Accuracy(digits=3.0, excess_loss=1e-7, epochs_to={"1e-2": 10, "1e-4": 100, "1e-6": None})
    made = record_of(case, status, "rank 2" if status.failed else "", accuracy=accuracy, unit="fit")
    return made.model_copy(update={"samples": Samples((1.5e-4,), (1.5e-4,))})


RECORDS = (
    record("normal_equations_torch"),
    record("sklearn", status=Status.WRONG, digits=0.0),
    record("torch_sgd", status=Status.NOT_CONVERGED, lr=0.0001, epochs=5),
)


def test_a_run_that_was_stopped_before_its_first_case_ended_says_so() -> None:
    assert printed(lambda console: print_document(console, run([])), 100) == ["no case has ended"]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_shows_solver_time_digits_and_status_on_any_width(width: int) -> None:
    lines = printed(lambda console: print_document(console, run(RECORDS)), width)
    assert {"solver", "digits", "status"} <= set(lines[0].split())
    assert "one call" in lines[0]
    assert re.match(r"normal_equat\w*…? .* 150 µs .* 12\.3 .*ok$", lines[2])
    assert re.match(r"sklearn .* 150 µs .* 0\.0 .*wrong$", lines[3])
    assert any(line.startswith("wrong everyday:n=2000,seed=0 sklearn:") for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_comparison_keeps_the_ratio_the_digits_and_the_status(width: int) -> None:
    rows = compare(RECORDS, "solver")
    lines = printed(lambda console: print_document(console, compared(rows, "solver")), width)
    assert {"solver", "time", "digits", "status"} <= set(lines[0].split())
    assert any(re.match(r"sklearn .*1\.00x .*0\.0 .*wrong$", line) for line in lines)


def gate_report(count: int) -> GateReport:
    breach = Judgement(
        "auto_mpg numpy_lstsq cpu threads=1", "digits", "9.9", ">= 13.7", Verdict.REGRESSION, "3.8 below"
    )
    known = [
        Judgement(f"case_{i} sklearn", "status", "wrong", "wrong", Verdict.UNCHANGED, reason="its cut-off")
        for i in range(count)
    ]
    return GateReport((*known, breach), (), 0)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_gate_shows_what_is_breached_first_and_known_failures_once_for_each_reason(width: int) -> None:
    lines = printed(lambda console: print_document(console, verdict(gate_report(50), "a-run", "e.toml")), width)
    assert lines[0].split()[:4] == ["case", "quantity", "measured", "expected"]
    assert lines[1].startswith("auto_mpg")
    assert ">= 13.7" in lines[1]
    assert "known 50 cases: wrong: its cut-off" in lines
    assert len(lines) < 12
    alone = printed(lambda console: print_document(console, verdict(gate_report(1), "a-run", "e.toml")), width)
    assert "known case_0 sklearn: wrong: its" in "\n".join(alone)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_doctor_says_first_what_is_doubtful(width: int) -> None:
    doubts = [
        Doubt("load", State.FINE, "0.1 on 2 cores", "", "", ""),
        Doubt("swap", State.UNKNOWN, "no readings were kept", "", "", ""),
        Doubt("dirty tree", State.DOUBTFUL, "the checkout has changes", "nobody can measure it again", "commit", ""),
    ]
    lines = printed(lambda console: print_document(console, doctor(doubts, "run a")), width)
    found = [line.split()[0] for line in lines if re.match(r"(load|swap|dirty)", line)]
    assert found[:3] == ["dirty", "swap", "load"]
    assert "doubtful" in lines[1]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", [("list", "solvers"), ("list", "devices"), ("findings",)], ids=" ".join)
def test_lists_fit_and_no_name_is_cut(
    words: tuple[str, ...], width: int, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.report.terminal.console.PLAIN_WIDTH", width)
    ended = run_cli(*words)
    assert ended.code == 0
    assert max(map(len, ended.stdout.splitlines())) <= width
    name = {"solvers": "normal_equations_torch", "devices": "cuda", "findings": "onedal_large_mean"}[words[-1]]
    if width > 40:
        assert re.search(rf"^{name} ", ended.stdout, re.MULTILINE)
