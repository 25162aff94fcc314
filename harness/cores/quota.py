"""What a control group allows of the processor: Linux's files of both versions (admin-guide/cgroup-v2, sched-bwc)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Quota:
    """What a control group allows. `cores`: the CPU time a second that it may use, None without a limit.

    `stops`: periods that ended in a stop because the quota was used up; `stopped_s`: how long those stops were.
    """

    cores: float | None = None
    stops: int = 0
    stopped_s: float = 0.0


def quota(root: Path) -> Quota | None:
    """What all control groups that this process is in allow together; None where there are no such groups."""
    found = [one for folder in _groups(root) if (one := _quota(folder))]
    if not found:
        return None
    limits = [one.cores for one in found if one.cores is not None]
    return Quota(min(limits, default=None), sum(one.stops for one in found), sum(one.stopped_s for one in found))


def _groups(root: Path) -> Iterator[Path]:
    """The folders of this process's groups that rule CPU time, each with those above it, which bind it too.

    A container sees its own group where the machine's root would be, so that folders below may be absent.
    """
    for line in (text_of(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        names = (controllers, "cpu") if controllers else (".", "unified")
        base = next((found for name in names if (found := root / "sys/fs/cgroup" / name / "cpu.stat").is_file()), None)
        if base is not None:
            parts = [part for part in PurePosixPath(group).parts if part not in {"/", ".."}]
            yield from (base.parent.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))


def _quota(folder: Path) -> Quota | None:
    """The quota of one group, by the files of the second version of control groups or of the first; None without it."""
    if (counted := text_of(folder / "cpu.stat")) is None:
        return None
    counts = fields(line.split(maxsplit=1) for line in counted.splitlines())
    stopped_s = counts.get("throttled_usec", 0) / 1e6 + counts.get("throttled_time", 0) / 1e9
    limit, _, period = (text_of(folder / "cpu.max") or "max").partition(" ")
    if limit == "max":  # no limit, or the first version
        limit, period = (text_of(folder / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period"))
    bound = limit.isdigit() and period.isdigit() and int(period) > 0
    return Quota(int(limit) / int(period) if bound else None, counts.get("nr_throttled", 0), stopped_s)


def text_of(path: Path) -> str | None:
    """A small file without its last newline; None where it cannot be read."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def number_of(path: Path) -> int | None:
    """The whole number in a file; None where there is none."""
    try:
        return int(text_of(path) or "")
    except ValueError:
        return None


def fields(pairs: Iterable[Sequence[str]]) -> dict[str, int]:
    """Names and whole numbers; what is no such pair is left out."""
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) > 1 and pair[1].isdigit()}
