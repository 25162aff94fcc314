"""One side of a comparison, ready to be started."""

from dataclasses import dataclass
from pathlib import Path

from harness.records.ab import Library


@dataclass(frozen=True)
class Version:
    """An interpreter and what goes first on its sys.path.

    `name`: what a person called it; `commit`: its hash, where it is a revision; `package`: the folder that its
    `harness` must come from, None for the interpreter's own; `libraries`: folders of libraries that stand in for the
    interpreter's own; `held`: the libraries that were asked for, or installed for it, as they are.

    `scratch`: a folder where an asv suite runs. With it no harness is needed, which else makes the cases.

    `tree`: the files of somebody's project, in whose folder the interpreter's harness measures it; `package` is then
    where its modules must come from.
    """

    name: str
    python: Path
    commit: str | None = None
    package: Path | None = None
    tree: Path | None = None
    libraries: tuple[Path, ...] = ()
    held: tuple[Library, ...] = ()
    scratch: Path | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """What goes first on sys.path, in order."""
        own = () if self.package is None else (self.package,)
        return tuple(map(str, (*own, *self.libraries)))
