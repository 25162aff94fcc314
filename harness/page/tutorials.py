"""The tutorials, re-made: their cases run once, and of that both the figures that they print and their pictures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from harness.errors import CannotMeasureError
from harness.judge.studies.published import Line
from harness.report.figures.catalog import remade_name
from harness.report.figures.figure import Figure
from harness.report.figures.fits import Drawing, figure
from harness.studies import pictures as draw
from harness.studies.gallery import drawable
from harness.studies.pictures import Fitted
from harness.studies.published import Rerun, rerun


@dataclass(frozen=True)
class Picture:
    """One picture of a tutorial: the ids of the cases that it shows, and what it makes of their fits."""

    cases: tuple[str, ...]
    make: Callable[..., Drawing]


def _rates(*fits: Fitted) -> Drawing:
    return draw.learning_rates({float(str(fitted.record.options["lr"])): fitted for fitted in fits})


_TEST = partial(draw.predictions, part="test")
SHOWN: Mapping[str, Mapping[str, Picture]] = {
    "auto_mpg": {
        "fit": Picture(("ols",), draw.fit),
        "beside": Picture(("sgd", "ols"), draw.beside),
        "loss": Picture(("sgd",), draw.losses),
        "rates": Picture(("sgd", "sgd_lr_1e-3", "sgd_lr_1e-4"), _rates),
    },
    "four_points": {
        "fit": Picture(("sgd",), draw.fit),
        "loss": Picture(("sgd",), draw.losses),
    },
    "noiseless_line": {
        "untrained": Picture(("untrained",), partial(draw.untrained, part="test")),
        "predictions": Picture(("final",), _TEST),
        "loss": Picture(("losses",), draw.losses),
    },
    "make_regression": {
        "fit": Picture(("adam", "sklearn"), draw.beside),
        "predictions": Picture(("adam",), _TEST),
        "loss": Picture(("adam",), draw.losses),
    },
    "sine": {
        "network": Picture(("mlp", "sklearn"), draw.beside),
        "predictions": Picture(("mlp",), _TEST),
        "loss": Picture(("mlp",), draw.losses),
    },
}
"""By tutorial and by the names of `catalog.REMADE`: its pictures, by the ids of its cases in results/published."""


class Remade(NamedTuple):
    """Every figure that the tutorials print, printed against reproduced, and every picture by tutorial."""

    lines: tuple[Line, ...]
    pictures: Mapping[str, tuple[Figure, ...]]


_MADE: dict[str, tuple[tuple[Line, ...], tuple[Figure, ...]]] = {}
"""By tutorial its lines and pictures, from fits that are made once in a process."""


def remade(tutorials: Sequence[str], on_case: Callable[[str], None] | None = None) -> Remade:
    """Both of the named tutorials, from fits on one thread; `on_case` is told of each before it runs.

    Cases of several seeds are left out, and their lines say so: nobody waits for a page that long. A picture whose fit
    failed is left out, and the lines of its case say why.

    Raises UsageError for a bad file, CannotMeasureError where there is none.
    """
    missing = [name for name in tutorials if name not in _MADE]
    for one in rerun(missing, on_case, seeds=False) if missing else ():
        _MADE[one.name] = tuple(one.lines()), tuple(_drawn(one))
    found = {name: _MADE[name] for name in tutorials}
    lines = tuple(line for held, _ in found.values() for line in held)
    return Remade(lines, {name: figures for name, (_, figures) in found.items()})


def _drawn(one: Rerun) -> Iterator[Figure]:
    for name, picture in SHOWN.get(one.name, {}).items():
        try:
            fits = [drawable(outcome) for case in picture.cases for outcome in one.outcomes.get(case, ())[:1]]
        except CannotMeasureError:
            continue
        if len(fits) == len(picture.cases):
            yield figure(remade_name(one.name, name), picture.make(*fits), fits[0].problem.label)
