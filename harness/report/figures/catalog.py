"""What can be drawn, by name, without anything to draw it from: for `harness plot list`, help and completion."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

FITTED: Mapping[str, str] = MappingProxyType(
    {
        "fit": "The data with the fitted line.",
        "loss": "Training loss by epoch.",
        "validation": "Training and validation loss by epoch.",
        "learning-rates": "Training loss by epoch, a colour for each learning rate.",
        "network-and-ols": "The predictions of a trained model beside those of OLS.",
        "predictions": "Training rows, test rows and the predictions for these.",
    }
)
"""Pictures of a fit that is made now (harness.studies.gallery)."""
PAGE: Mapping[str, str] = MappingProxyType(
    {
        "accuracy-digits": "Correct digits, solver by problem.",
        "accuracy-excess": "Excess loss of trainings, solver by problem.",
        "verdict-times": "Times against an earlier run of another commit.",
        "speed-by-n": "Time against n, where a problem has several sizes.",
        "speed-digits": "Speed against digits.",
        "speed-excess": "Speed against the excess loss of trainings.",
        "speed-devices": "A device's time over the CPU's against n.",
        "training_rivals": "Of a sweep: loss by epoch, each optimizer at its best learning rate.",
        "training_rates": "Of a sweep: loss by epoch for each learning rate.",
        "training_epochs": "Of a sweep: epochs to the target by learning rate.",
        "training_seconds": "Of a sweep: seconds to the target by learning rate.",
        "training_profile": "Of a sweep: performance profile of the optimizers.",
        "training_budgets": "Of a sweep: scores by the number of tries, with bands.",
        "training_validation": "Training against held-out loss by epoch.",
        **{
            f"history-{quantity}-{over}": f"{words} over {over}."
            for quantity, words in (
                ("time", "Time of one call"),
                ("digits", "Correct digits"),
                ("excess_loss", "Excess loss"),
                ("epochs_to", "Epochs to 1e-4"),
            )
            for over in ("commits", "versions")
        },
    }
)
"""Figures of the page (harness.report.html.order), each of which is there where the run has something for it."""
REMADE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "auto_mpg": ("fit", "beside", "loss", "rates"),
        "four_points": ("fit", "loss"),
        "noiseless_line": ("untrained", "predictions", "loss"),
        "make_regression": ("fit", "predictions", "loss"),
        "sine": ("network", "predictions", "loss"),
    }
)
"""By tutorial its pictures, made again from its own fits (harness.page.tutorials)."""


def remade_name(tutorial: str, picture: str) -> str:
    """What a tutorial's picture is called on the page and by `harness plot`."""
    return f"tutorial_{tutorial}_{picture}"


def tutorial_of(name: str) -> str | None:
    """The tutorial that a picture of that name is of; None for any other name."""
    return next((one for one, pictures in REMADE.items() for p in pictures if remade_name(one, p) == name), None)


def every() -> Iterator[tuple[str, str]]:
    """Name and what is seen of all that can be drawn."""
    yield from FITTED.items()
    yield from PAGE.items()
    for tutorial, pictures in REMADE.items():
        for picture in pictures:
            yield remade_name(tutorial, picture), f"Of the tutorial {tutorial}, fitted anew: {picture}."


def names() -> Iterable[str]:
    """Every name."""
    return (name for name, _ in every())
