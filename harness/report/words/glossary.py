"""The words of the tables and the documents: each with what it means, and the page that says more."""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from harness.errors import UsageError, unknown
from harness.records.record import Record, Status
from harness.report.render.text import cell_text
from harness.report.tables import case
from harness.report.tables.column import Column
from harness.report.tables.document import Document, Line, Part, Table, table_of


@dataclass(frozen=True)
class Word:
    """A word as the tables write it, its meaning, and the page of the documents, relative to docs/."""

    word: str
    meaning: str
    page: str


GLOSSARY = (
    Word("problem", "What is fitted: a design, a target, and how the rows are split.", "how-to/add-a-problem.md"),
    Word("solver", "What fits it: a function of a library, an estimator, a training.", "how-to/add-a-solver.md"),
    Word("estimator", "A class with fit and coef_, as scikit-learn's: one kind of solver.", "how-to/bring-your-own.md"),
    Word("case", "One solver on one problem with its options on one device: a row of a run.", "tutorial.md"),
    Word("run", "The cases that one command measured, in one environment.", "how-to/store.md"),
    Word("store", "The database that keeps runs, sweeps and their samples.", "how-to/store.md"),
    Word("design", "The matrix of the features, with a column of ones for the intercept.", "explanation/digits.md"),
    Word("exact answer", "The least-squares solution of the float64 data as rational numbers.",
        "explanation/digits.md"),
    Word("digits", "Correct significant digits of the worst coefficient, at most 15.", "explanation/digits.md"),
    Word("excess loss", "How far the loss is above the least possible one, relatively: (L - L*) / L*.",
        "explanation/excess-loss.md"),
    Word("condition number", "How much an error of the data may grow in the coefficients.",
        "explanation/backward-error.md"),
    Word("backward error", "How far the design must move, relatively, for the answer to be exact.",
        "explanation/backward-error.md"),
    Word("rank", "How many columns of the design are independent, in exact arithmetic and in the data's rounding.",
        "explanation/rank.md"),
    Word("call", "What is timed: one whole fit of a closed form, one epoch of a training.", "explanation/timing.md"),
    Word("epoch", "One pass of a training over the training rows.", "explanation/timing.md"),
    Word("tolerance", "An excess loss that a training is to reach; 'to 1e-4' counts the epochs until then.",
        "explanation/excess-loss.md"),
    Word("censored", "The training ended before it reached the tolerance: the epochs are more than were run.",
        "explanation/excess-loss.md"),
    Word("expectation", "A line of expectations.toml: what a case must reach, or is known to miss.",
        "reference/files.md"),
    Word("gate", "The command that judges a run by the expectations; its exit code is CI's.",
        "how-to/continuous-integration.md"),
    Word("launch", "A new process that measures one side of a comparison once.", "explanation/error-rates.md"),
    Word("equivalent", "The interval of the ratio lies within what is of no interest: not slower, not faster.",
        "explanation/error-rates.md"),
    Word("undecided", "The interval of the ratio is too wide to say; more launches narrow it.",
        "explanation/verdicts.md"),
    Word("doubtful", "Something on the machine disturbed the times: load, frequency, another process.",
        "how-to/doctor.md"),
    Word("engine", "What trains: a loop of steps as people write it, or a faster way to the same numbers.",
        "how-to/compare-optimizers.md"),
    Word("textbook loop", "A training alone, as people write it, stepped in a Python loop: seconds are told by it.",
        "how-to/compare-optimizers.md"),
    Word("night", "A run of harness nightly; the nights of one machine are a series.", "how-to/last-night.md"),
    Word("finding", "A defect or a documented limit of a released library, with the case that shows it.",
        "how-to/check-a-solver.md"),
)  # fmt: skip
ENTRIES: tuple[Column[tuple[str, str]], ...] = (
    Column("word", value=itemgetter(0)),
    Column("meaning", value=itemgetter(1), least=30),
)
NUMBERS: tuple[Column[tuple[str, str, str]], ...] = (
    Column("quantity", value=itemgetter(0)),
    Column("value", value=itemgetter(1)),
    Column("meaning", value=itemgetter(2), least=30),
)


def explained(word: str) -> Document | None:
    """A status, a word of the glossary or a column of a table, with what it means; None for any other word."""
    asked = _plain(word)
    for status in Status:
        if asked == _plain(status):
            lines = [Line(f"{status.meaning}.", f"{status.value}:"), *([Line(status.advice)] if status.advice else [])]
            return Document([*lines, _page("reference/exit-codes.md#statuses")])
    for one in GLOSSARY:
        if asked.removesuffix("s") == one.word.removesuffix("s"):
            return Document([Line(one.meaning, f"{one.word}:"), _page(one.page)])
    for column in case.COLUMNS.values():
        if asked in (_plain(column.key), _plain(column.title)):
            return Document([Line(f"{column.help}.", f"{column.key}:"), _page("reference/python/harness.md")])
    return None


def case_explained(record: Record) -> Document:
    """What the case came to, its message and advice, and each of its numbers with what that is."""
    status = record.status
    parts: list[Part] = [
        Line(record.case, style="dim"),
        Line(f"{status.meaning}.", f"{status.value}:"),
        *(Line(text) for text in (record.message, record.plateau, status.advice) if text),
    ]
    if record.accuracy.diagnosis:
        parts.append(Line(record.accuracy.diagnosis, "diagnosis:"))
    return Document([*parts, table_of(NUMBERS, list(_numbers(record)))])


def _numbers(record: Record) -> Iterator[tuple[str, str, str]]:
    for column in case.IN_FULL:
        if column.of(record) is not None:
            yield (column.title or column.key, cell_text(column, record), column.help)


def overview() -> Document:
    """Every word of the glossary and every status, by name."""
    words = [(one.word, one.meaning) for one in GLOSSARY]
    statuses = [(status.value, f"{status.meaning}.") for status in Status]
    return Document([Table(ENTRIES, [("words", sorted(words)), ("statuses", statuses)])])


def unknown_word(asked: str) -> UsageError:
    """The error for a word that is in no table."""
    return unknown("word", asked, [*(one.word for one in GLOSSARY), *Status])


def _plain(text: str) -> str:
    """In lower case, with spaces between words: excess_loss and Excess-loss are excess loss."""
    return text.strip().lower().replace("_", " ").replace("-", " ")


def _page(name: str) -> Line:
    return Line(f"docs/{name}", "more:")
