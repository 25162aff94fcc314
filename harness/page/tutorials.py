"""The tutorials, re-made: their cases run once, and of that both the figures that they print and their pictures."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from harness.errors import CannotMeasureError
from harness.judge.studies.published import Line
from harness.report.figures.figure import Figure
from harness.report.figures.fits import Drawing, figure
from harness.studies import pictures as draw
from harness.studies.gallery import drawable
from harness.studies.pictures import Fitted
from harness.studies.published import Rerun, rerun


@dataclass(frozen=True)
class Picture:
    """One picture of a tutorial: its name, the ids of the cases that it shows, and what it makes of their fits."""

    name: str
    cases: tuple[str, ...]
    make: Callable[..., Drawing]


def _rates(*fits: Fitted) -> Drawing:
    return draw.learning_rates({float(str(fitted.record.options["lr"])): fitted for fitted in fits})


_TEST = partial(draw.predictions, part="test")
SHOWN: Mapping[str, tuple[Picture, ...]] = {
    "auto_mpg": (
        Picture("fit", ("ols",), draw.fit),
        Picture("beside", ("sgd", "ols"), draw.beside),
        Picture("loss", ("sgd",), draw.losses),
        Picture("rates", ("sgd", "sgd_lr_1e-3", "sgd_lr_1e-4"), _rates),
    ),
    "four_points": (
        Picture("fit", ("sgd",), draw.fit),
        Picture("loss", ("sgd",), draw.losses),
    ),
    "noiseless_line": (
        Picture("untrained", ("untrained",), partial(draw.untrained, part="test")),
        Picture("predictions", ("final",), _TEST),
        Picture("loss", ("losses",), draw.losses),
    ),
    "make_regression": (
        Picture("fit", ("adam", "sklearn"), draw.beside),
        Picture("predictions", ("adam",), _TEST),
        Picture("loss", ("adam",), draw.losses),
    ),
    "sine": (
        Picture("network", ("mlp", "sklearn"), draw.beside),
        Picture("predictions", ("mlp",), _TEST),
        Picture("loss", ("mlp",), draw.losses),
    ),
}
"""By tutorial: the pictures that it shows, by the ids of its cases in results/published."""


class Remade(NamedTuple):
    """Every figure that the tutorials print, printed against reproduced, and every picture by tutorial."""

    lines: tuple[Line, ...]
    pictures: Mapping[str, tuple[Figure, ...]]


_MADE: list[Remade] = []


def remade(on_case: Callable[[str], None] | None = None) -> Remade:
    """Both, from fits that are made once in a process, on one thread; `on_case` is told of each before it runs.

    Cases of several seeds are left out, and their lines say so: nobody waits for a page that long. A picture whose fit
    failed is left out, and the lines of its case say why.

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
            yield figure(name, picture.make(*fits), fits[0].problem.label)
