"""The tutorials, re-made: their cases run once, and of that both the figures that they print and their pictures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import CannotMeasureError
from harness.judge.studies.published import Line
from harness.report.figures.figure import Figure
from harness.report.figures.fits import Drawing, figure
from harness.studies import pictures as draw
from harness.studies.gallery import drawable
from harness.studies.pictures import Fitted
from harness.studies.published import Rerun, rerun

Pictures = Mapping[str, tuple[Figure, ...]]


@dataclass(frozen=True)
class Picture:
    """One picture of a tutorial: its name, the ids of the cases that it shows, and what it makes of their fits."""

    name: str
    cases: tuple[str, ...]
    make: Callable[[Sequence[Fitted]], Drawing]


def _first(make: Callable[[Fitted], Drawing]) -> Callable[[Sequence[Fitted]], Drawing]:
    return lambda fits: make(fits[0])


def _beside(fits: Sequence[Fitted]) -> Drawing:
    trained, closed = fits
    return draw.beside(trained, closed)


def _rates(fits: Sequence[Fitted]) -> Drawing:
    return draw.learning_rates({float(str(fitted.record.options["lr"])): fitted for fitted in fits})


def _test(fits: Sequence[Fitted]) -> Drawing:
    return draw.predictions(fits[0], "test")


def _untrained(fits: Sequence[Fitted]) -> Drawing:
    return draw.untrained(fits[0], "test")


SHOWN: Mapping[str, tuple[Picture, ...]] = {
    "auto_mpg": (
        Picture("fit", ("ols",), _first(draw.fit)),
        Picture("beside", ("sgd", "ols"), _beside),
        Picture("loss", ("sgd",), _first(draw.losses)),
        Picture("rates", ("sgd", "sgd_lr_1e-3", "sgd_lr_1e-4"), _rates),
    ),
    "four_points": (
        Picture("fit", ("sgd",), _first(draw.fit)),
        Picture("loss", ("sgd",), _first(draw.losses)),
    ),
    "noiseless_line": (
        Picture("untrained", ("untrained",), _untrained),
        Picture("predictions", ("final",), _test),
        Picture("loss", ("losses",), _first(draw.losses)),
    ),
    "make_regression": (
        Picture("fit", ("adam", "sklearn"), _beside),
        Picture("predictions", ("adam",), _test),
        Picture("loss", ("adam",), _first(draw.losses)),
    ),
    "sine": (
        Picture("network", ("mlp", "sklearn"), _beside),
        Picture("predictions", ("mlp",), _test),
        Picture("loss", ("mlp",), _first(draw.losses)),
    ),
}
"""By tutorial: the pictures that it shows, by the ids of its cases in results/published."""


@dataclass(frozen=True)
class Remade:
    """Every figure that the tutorials print, printed against reproduced, and every picture by tutorial."""

    lines: tuple[Line, ...]
    pictures: Pictures


def pictures(on_case: Callable[[str], None] | None = None) -> Pictures:
    """The pictures by tutorial; one whose fit failed is left out, and the lines of its case say why."""
    return remade(on_case).pictures


def lines(on_case: Callable[[str], None] | None = None) -> tuple[Line, ...]:
    """Printed against reproduced, tutorial by tutorial."""
    return remade(on_case).lines


_MADE: list[Remade] = []


def remade(on_case: Callable[[str], None] | None = None) -> Remade:
    """Both, from fits that are made once in a process, on one thread; `on_case` is told of each before it runs.

    Cases of several seeds are left out, and their lines say so: nobody waits for a page that long.

    Raises UsageError for a bad file, CannotMeasureError where there is none.
    """
    if not _MADE:
        _MADE.append(_remade(on_case))
    return _MADE[0]


def _remade(on_case: Callable[[str], None] | None) -> Remade:
    found: list[Line] = []
    drawn: dict[str, tuple[Figure, ...]] = {}
    for one in rerun(on_case=on_case, seeds=False):
        found += one.lines()
        drawn[one.name] = tuple(_drawn(one))
    return Remade(tuple(found), drawn)


def _drawn(one: Rerun) -> Iterator[Figure]:
    for picture in SHOWN.get(one.name, ()):
        try:
            fits = [drawable(outcome) for case in picture.cases for outcome in one.outcomes.get(case, ())[:1]]
        except CannotMeasureError:
            continue
        if len(fits) == len(picture.cases):
            name = f"tutorial_{one.name}_{picture.name}"
            yield figure(name, picture.make(fits), fits[0].problem.label)
