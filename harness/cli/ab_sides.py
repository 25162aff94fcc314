"""The two versions that harness ab compares: revisions, interpreters, or sets of libraries."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.groups import Group, argument, flag, option
from harness.cli.printing import note
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.ab.environments import Sides

ONE_VERSION = "--calibrate compares one version with itself: give one revision, or nothing"


@dataclass(frozen=True)
class SidesGroup(Group):
    """Which versions. Raises UsageError where it is none of the three ways, or more than one."""

    base: str | None = argument(help="The git revision to compare with.")
    head: str | None = argument(help="The git revision in question; HEAD by default.")
    python_a: str | None = option(help="No revisions: base is this interpreter's harness.")
    python_b: str | None = option(help="With --python-a: the head's interpreter.")
    with_: list[str] | None = option(
        help="No revisions: base has this requirement, as scikit-learn==1.8.0; repeatable."
    )
    against: list[str] | None = option(help="With --with: the head's requirement; what is installed by default.")
    dirty: bool = flag(help="The head is the working tree as it is, what is not committed with it.")
    calibrate: bool = flag(
        help="One version against itself, slowdowns of 0, 3, 5 and 10 % planted, 0 and 10 % with the other cores "
        "busy too, ten times each: the error rates of this machine, in results/calibration. BASE alone, or nothing "
        "for what is installed."
    )

    def __post_init__(self) -> None:
        pythons, libraries = (self.python_a, self.python_b), (self.with_, self.against)
        ways = [self.base is not None, any(pythons), any(libraries)]
        if self.dirty and (self.base is None or self.head is not None or self.calibrate):
            raise UsageError("--dirty is the head: give the revision to compare with alone, as harness ab main --dirty")
        if sum(ways) > 1:
            raise UsageError("give two revisions, or --python-a and --python-b, or --with and --against: one of these")
        if self.calibrate and (self.head is not None or any(ways[1:])):
            raise UsageError(ONE_VERSION)
        if any(pythons) and not all(pythons):
            raise UsageError("--python-a and --python-b go together")
        if not any(ways) and not self.calibrate:
            raise UsageError("say what to compare: harness ab BASE HEAD, or --python-a and --python-b, or --with")

    def made(self, notify: Callable[[str], None]) -> "Sides":
        """Both sides, ready to be started."""
        from harness.ab import environments

        if self.base is not None:
            head = self.base if self.calibrate else None if self.dirty else self.head or "HEAD"
            return built(lambda: environments.of_revisions(str(self.base), head, Path.cwd(), notify))
        if self.python_a and self.python_b:
            return environments.of_interpreters(self.python_a, self.python_b)
        return built(lambda: environments.of_libraries(self.with_ or (), self.against or (), notify))


def built(make: "Callable[[], Sides]") -> "Sides":
    """Make the sides ready; of a build that fails, show the end of its log."""
    from harness.ab.building import BuildFailedError

    try:
        return make()
    except BuildFailedError as error:
        note(error.tail)
        raise
