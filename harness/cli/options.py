"""The options that several commands share: one alone as a type, those that belong together as a Group."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from harness.cli.groups import Group, flag, option
from harness.config import expectations_file
from harness.errors import UsageError
from harness.problems.model import Model
from harness.problems.table_options import TableOptions
from harness.report.figures.size import Size

if TYPE_CHECKING:
    from harness.judge.gate.expectations import Expectations

Device = Annotated[str, Option(help="auto (CPU, and a GPU if there is one), cpu, cuda, xpu, mps, all.")]
Target = Annotated[str | None, Option(help="The column to fit, for a .csv or .parquet problem.")]
Rows = Annotated[str | None, Option("--n", help="Rows of a drawn problem.")]
Seed = Annotated[int | None, Option(help="Seed of weights and batch order.")]
SuiteName = Annotated[
    str | None, Option("--suite", help="A named set of problems, as linear-8; 'harness list suites' has them.")
]
PlotSize = Annotated[
    Size | None,
    Option("--plot-size", help="Of a picture: for a screen, a column of a paper (89 mm) or a page (182 mm)."),
]
StoreUrl = Annotated[
    str | None,
    Option("--store", help="SQLite file, or postgresql://USER@HOST/DATABASE; results/harness.sqlite by default."),
]
Bench = Annotated[
    str | None,
    Option("--bench", help="Of asv's benchmarks: a regular expression sought in name('value', 10), as asv's."),
]
RunId = Annotated[str | None, Option("--run", help="The run's id; the newest by default.")]
AsJson = Annotated[bool, Option("--json", help="Print JSON on standard output and nothing else there.")]


@dataclass(frozen=True)
class TableGroup(Group):
    """Of a person's file: how it is written, and what of it is used."""

    features: str | None = option(metavar="A,B", help="The columns of a file to fit on, and no others.")
    drop: list[str] | None = option(metavar="NAME", help="A column of a file to leave out; repeatable.")
    missing: str | None = option(help="drop: leave out the rows with a missing value; refuse by default.")
    no_header: bool = flag(help="A .csv file's first line holds values: columns 0, 1, ...")
    delimiter: str | None = option(help="Of a .csv file: ; or tab; a comma by default.")
    decimal: str | None = option(help="Of a .csv file's numbers: , as in 3,14; . by default.")

    @property
    def table(self) -> TableOptions:
        """What was said. Raises UsageError for a value that is none."""
        features = tuple(filter(None, (self.features or "").split(",")))
        written = (not self.no_header, self.delimiter, self.decimal)
        return TableOptions(features, tuple(self.drop or ()), self.missing, *written)


@dataclass(frozen=True, kw_only=True)
class ModelGroup(Group):
    """What every command that takes problems takes of them."""

    target: Target = None
    weights: str | None = option(help="The column that holds the rows' weights: sum w r² is minimised.")
    no_intercept: bool = flag(help="Fit through the origin; R² is then about 0.")
    file: TableGroup

    @property
    def model(self) -> Model:
        """What was said. Raises UsageError for a value that is none."""
        return Model(self.target, self.weights, not self.no_intercept, self.file.table)


@dataclass(frozen=True)
class PictureGroup(Group):
    """A picture of what is shown. Raises UsageError for a size without one, and where none can be written."""

    plot: Path | None = option(help="Draw it too: FILE.png, FILE.svg or FILE.pdf.")
    plot_size: PlotSize = None

    def __post_init__(self) -> None:
        if self.plot is not None:
            from harness.report.figures.files import check_path

            check_path(self.plot)
        elif self.plot_size is not None:
            raise UsageError("--plot-size goes with --plot")

    @property
    def size(self) -> Size:
        """The size that was asked for, else that of a screen."""
        return self.plot_size or Size.SCREEN


@dataclass(frozen=True)
class AsvGroup(Group):
    """Where asv's results are, and whose."""

    machine: str | None = option(help="With asv's results: the machine's name.")
    results: Path | None = option(help="asv's results_dir; results/asv by default.")

    @property
    def folder(self) -> Path:
        """The folder. Raises UsageError where there is none."""
        from harness.asv.gate import existing_folder

        return existing_folder(self.results)


@dataclass(frozen=True)
class ExpectationsGroup(Group):
    """What is expected of runs."""

    expectations: Path | None = option(help="The expectations file; results/expectations.toml.")

    @property
    def path(self) -> Path:
        """The file that is named, else the repository's, else the package's."""
        return self.expectations or expectations_file()

    def read(self) -> "tuple[Expectations, str]":
        """The expectations, and the file's name. Raises UsageError for a file that cannot be read."""
        from harness.judge.gate.expectations import read_expectations

        return read_expectations(self.path), str(self.path)


def row_count(text: str) -> int:
    """A row count as people write it: 1000, 1e5. Raises UsageError for anything else."""
    try:
        number = float(text)
    except ValueError:
        number = 0.5
    if number != number // 1 or not 1 <= number < 2**53:
        raise UsageError(f"--n is a whole number of at least 1, as 1000 or 1e5, not '{text}'")
    return int(number)
