"""A sweep trained, gone on with, or shown again: what is printed and drawn of it, and where it is kept."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.groups import Group, option
from harness.cli.options import PlotSize
from harness.cli.printing import MarkdownGroup, note, pasted, print_line
from harness.cli.progress import show_doubts
from harness.errors import UsageError
from harness.report.figures.size import FORMATS, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.measure.session import Where
    from harness.records.sweep import Cell, Sweep
    from harness.store.store import Store
    from harness.sweep.candidate import Candidate
    from harness.sweep.measuring import Place
    from harness.sweep.plan import SweepRequest


@dataclass(frozen=True)
class PicturesGroup(Group):
    """The pictures of a sweep. Raises UsageError before minutes of training where none can be drawn."""

    plots: Path | None = option(metavar="FOLDER", help="Draw pictures into FOLDER too.")
    plot_format: str | None = option(help="Of --plots: png, svg or pdf; png by default.")
    plot_size: PlotSize = None

    def __post_init__(self) -> None:
        if self.plots is None and (self.plot_format is not None or self.plot_size is not None):
            raise UsageError(f"--plot-{'size' if self.plot_format is None else 'format'} goes with --plots")
        if self.plots is not None and self.plots.exists() and not self.plots.is_dir():
            raise UsageError(f"--plots {self.plots}: is a file; name a folder")
        if self.suffix not in FORMATS:
            raise UsageError(f"--plot-format: png, svg or pdf, not '{self.suffix[1:]}'")

    @property
    def suffix(self) -> str:
        """Of the pictures' files."""
        return f".{(self.plot_format or 'png').lower()}"

    def draw(self, cells: "Sequence[Cell]", *, quiet: bool) -> None:
        """Draw them, where they were asked for."""
        if self.plots is not None and cells:
            from harness.report.figures.sweep import write_sweep_figures

            for path in write_sweep_figures(self.plots, cells, self.suffix, self.plot_size or Size.SCREEN):
                if not quiet:
                    note(f"drawn: {path}")


@dataclass(frozen=True)
class SweepPage:
    """Where sweeps are kept and trained, and what is shown of one."""

    store: str | None
    where: "Where"
    pictures: PicturesGroup
    printed: MarkdownGroup

    def start(self, request: "SweepRequest") -> int:
        """A new sweep; the exit code."""
        from harness.store.store import Store
        from harness.store.sweep_store import SweepStore
        from harness.sweep.plan import candidates, new_sweep

        planned = candidates(request)
        opened = Store(self.store)
        with closing(_place(self.where)) as place:  # it imports the harness while the environment is looked at
            made = new_sweep(request, planned)
            SweepStore(opened).start(made)
            return self._train(opened, made, request, planned, place)

    def resume(self) -> int:
        """The newest sweep that was cut off, to its end; the exit code."""
        from harness.store.store import Store
        from harness.store.sweep_store import SweepStore
        from harness.sweep.plan import asked_of, moved_since

        Store(self.store, create=False).close()  # what is not there is not made
        opened = Store(self.store)
        made = SweepStore(opened).unfinished()
        request, planned = asked_of(made)
        with closing(_place(self.where)) as place:
            if moved := moved_since(made):
                note(moved)
            return self._train(opened, made, request, planned, place)

    def show(self, sweep_id: str | None) -> int:
        """A stored sweep; the exit code is 0 whatever its cells are."""
        from harness.store.store import Store
        from harness.store.sweep_store import SweepStore

        opened = Store(self.store, create=False)
        kept = SweepStore(opened)
        made = kept.sweep(sweep_id)
        self._print(made, kept.cells(made.id), opened)
        return 0

    def _train(
        self, opened: "Store", made: "Sweep", request: "SweepRequest", planned: "Sequence[Candidate]", place: "Place"
    ) -> int:
        """Train what the store does not have, and show all of it; the exit code. Ctrl-C shows the cells there are."""
        from harness.measure.conditions import doubts_of_sweep
        from harness.records.run import exit_code
        from harness.report.terminal.console import err
        from harness.report.terminal.live import SweepLive
        from harness.store.sweep_store import SweepStore
        from harness.sweep.run import execute

        kept = SweepStore(opened)
        waiting = len(planned) * len(request.lr) - len(kept.cells(made.id))
        live = SweepLive(err(), waiting * request.seeds * request.epochs, quiet=self.printed.quiet)
        try:
            with place.watched(opened, made.id), live:
                cells = execute(made, planned, kept, live, place=place, widen=request.widen)
        except KeyboardInterrupt:
            self._print(made, kept.cells(made.id), opened)
            raise
        code = exit_code(cells)
        if not self.printed.wants(code):
            self.pictures.draw(cells, quiet=True)
            return code
        self._print(kept.sweep(made.id), cells, opened)
        if self.printed.as_tables:
            show_doubts(made.id, doubts_of_sweep(opened, made, cells), opened)
        return code

    def _print(self, made: "Sweep", cells: "Sequence[Cell]", opened: "Store") -> None:
        """What was asked for on standard output; where it is kept, and how it goes on if it was cut off."""
        from harness.report.words.sweep_document import swept
        from harness.report.words.sweep_json import sweep_json

        if cells or not self.printed.as_tables:
            self.printed.print(lambda: sweep_json(made, cells), lambda: swept(made, cells))
        if cells and self.printed.as_tables:
            again = pasted("sweep", "--show", made.id, store=opened)
            print_line(f"sweep {made.id} is in {opened.url}; again: {again}")
        self.pictures.draw(cells, quiet=self.printed.quiet)
        if made.finished_at is None:
            note(f"unfinished: {pasted('sweep', '--resume', store=opened)} goes on")


def _place(where: "Where") -> "Place":
    """Where trainings are made together."""
    from harness.sweep.isolated import Isolated
    from harness.sweep.measuring import InProcess

    if where.on is not None:
        from harness.sweep.cluster import Cluster

        return Cluster(where.on, where.connect_s, where.limits)
    return InProcess() if where.in_process else Isolated(where.limits)
