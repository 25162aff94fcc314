"""harness sweep: optimizers over learning rates and seeds, to the exact optimum or the best loss that is known."""

from dataclasses import dataclass
from pathlib import Path

import typer

from harness.cli import options as cli
from harness.cli.groups import Group, argument, flag, option, option_of, refuse
from harness.cli.isolation import PlaceGroup
from harness.cli.printing import MarkdownGroup
from harness.cli.sweep_implementations import implementations
from harness.cli.sweep_page import PicturesGroup, SweepPage
from harness.cli.sweep_request import SweepGroup, request_of
from harness.cli.sweep_targets import make_targets
from harness.errors import UsageError


@dataclass(frozen=True)
class ModeGroup(Group):
    """What is done instead of a new sweep. Raises UsageError for two of them."""

    sweep_id: str | None = argument(metavar="ID", help="With --show: which sweep.")
    show: bool = flag(help="Show the newest sweep, or that of ID, untrained.")
    resume: bool = flag(help="Go on with the newest sweep that was cut off.")
    make_target: Path | None = option(
        metavar="FOLDER",
        help="No sweep: train the MLP long in float64 and write its best loss to FOLDER/PROBLEM.toml; "
        "results/targets is where a sweep looks.",
    )
    implementations: bool = flag(
        help="No sweep: train each optimizer by torch's forloop, foreach, fused, capturable and by optax from one "
        "start, in float32 and float64; say where they part by more than rounding."
    )

    def __post_init__(self) -> None:
        if self.sweep_id is not None and not self.show:
            raise UsageError(f"'{self.sweep_id}': an id goes with --show; problems are named with --problem")
        modes = [option_of(name) for name in self.given() if name != "sweep_id"]
        if len(modes) > 1:
            raise UsageError(f"{modes[0]} and {modes[1]} are different things: give one of them")


def sweep(
    *,
    mode: ModeGroup,
    asked: SweepGroup,
    place: PlaceGroup,
    pictures: PicturesGroup,
    store: cli.StoreUrl = None,
    printed: MarkdownGroup,
) -> None:
    """Train each optimizer at each learning rate from many seeds: epochs and seconds to the optimum, who diverges."""
    said, placed = asked.given(), place.given()
    where = place.where(1 if asked.threads is None else asked.threads)
    if mode.make_target is not None:
        make_targets(said | placed, mode.make_target)
        return
    if mode.implementations:
        kept = {name: value for name, value in (("plots", pictures.plots), ("store", store)) if value}
        raise typer.Exit(implementations(said | kept | placed, printed))
    page = SweepPage(store, where, pictures, printed)
    as_asked = "takes a sweep as it was asked for"
    if mode.show:
        refuse(said | placed, f"--show {as_asked}")
        raise typer.Exit(page.show(mode.sweep_id))
    if mode.resume:
        refuse(said, f"--resume {as_asked}")
        raise typer.Exit(page.resume())
    raise typer.Exit(page.start(request_of(said)))
