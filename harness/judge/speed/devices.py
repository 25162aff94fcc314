"""Cases that differ in nothing but the device, side by side, and the series over n that they make."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.errors import UsageError
from harness.judge.grouped import grouped
from harness.judge.medians import LONGEST_S, Estimate, Floats, measurable, ratio
from harness.judge.speed.comparison import nothing_to_compare
from harness.judge.speed.crossover import Crossover, Point, crossover
from harness.judge.speed.fit_times import fit_samples_s, without_n
from harness.records.record import Record

CPU = "cpu"


@dataclass(frozen=True)
class Pair:
    """One case on the CPU and on a CUDA device; a record is None where the case was not run there.

    `ratio`: CUDA's median time of a whole fit over the CPU's; it and `ratio_with_transfer` are None where `reason` says
    why there are none, the latter also where no transfer was measured. `digits_difference`: CUDA's less the CPU's.
    """

    n: int
    cpu: Record | None
    cuda: Record | None
    reason: str
    ratio: Estimate | None
    ratio_with_transfer: Estimate | None
    digits_difference: float | None


@dataclass(frozen=True)
class Series:
    """One solver with its options over n on one problem, by ascending n; the crossovers are None without a pair.

    `threads`: that the CPU has in it.
    """

    name: str
    device: str
    threads: int
    pairs: tuple[Pair, ...]
    crossover: Crossover | None
    crossover_with_transfer: Crossover | None


def compare_devices(records: Sequence[Record], baseline: str | None = None) -> list[Series]:
    """Every series of the records, in the order recorded, for each CUDA device that is there.

    Where a case was recorded more than once on a device (two runs), the last is paired with the last.
    Raises UsageError for a baseline other than the CPU, CannotMeasureError if no case is there on both.
    """
    if baseline not in (None, CPU):
        raise UsageError(f"by device the baseline is {CPU}, not '{baseline}': drop --baseline")
    others = list(dict.fromkeys(record.device for record in records if record.device != CPU))
    found = [series for device in others for series in _series(records, device)]
    if not any(pair.cpu and pair.cuda for series in found for pair in series.pairs):
        raise nothing_to_compare("device")
    return found


def transfer_s(record: Record) -> float | None:
    """Seconds of the copies in and out; None unless both were measured."""
    if record.transfer_in_s is None or record.transfer_out_s is None:
        return None
    total = record.transfer_in_s + record.transfer_out_s
    return total if 0 <= total <= LONGEST_S else None


def _series(records: Sequence[Record], device: str) -> Iterable[Series]:
    """The series of one device beside the CPU, with each number of threads that the CPU was given.

    The host's threads make no device faster: its cases are beside the CPU's with any number of them, or those that
    were run with that number where there are any.
    """
    for name, own in grouped((one for one in records if one.device in (CPU, device)), _name).items():
        there = {record.threads for record in own if record.device == device}
        for threads in sorted({record.threads for record in own if record.device == CPU} or there):
            other = device if threads not in there else ""
            members = [record for record in own if record.threads == threads or record.device == other]
            yield from _numbered(name + f" threads={threads}" * (threads > 1), members, device, threads)


def _numbered(name: str, records: Sequence[Record], device: str, threads: int) -> Iterable[Series]:
    """A series, and one more for each further time that its cases were recorded: the last of both are paired."""
    found: dict[str, dict[int, dict[str, Record]]] = {}
    for record in reversed(records):
        i = 1
        while record.device in found.get(_with_number(name, i), {}).get(record.n, {}):
            i += 1
        found.setdefault(_with_number(name, i), {}).setdefault(record.n, {})[record.device] = record
    for numbered, sizes in reversed(found.items()):
        pairs = tuple(_pair(n, sides.get(CPU), sides.get(device), device) for n, sides in sorted(sizes.items()))
        copied = _crossover(pairs, _with_transfer)
        yield Series(numbered, device, threads, pairs, _crossover(pairs, fit_samples_s), copied)


def _with_number(name: str, i: int) -> str:
    return name if i == 1 else f"{name} ({i})"


def _name(record: Record) -> str:
    """What a series shares: the problem but for n, its p, the solver and every option but device and threads."""
    options = [f"{name}={value}" for name, value in record.options.items()]
    return " ".join([without_n(record), record.solver, *options])


def _pair(n: int, cpu: Record | None, cuda: Record | None, device: str) -> Pair:
    reason = _why_not(cpu, CPU) or _why_not(cuda, device)
    if cpu is not None and cuda is not None and cpu.problem_sha256 != cuda.problem_sha256:
        reason = "the data changed between the two"
    if reason or cpu is None or cuda is None:
        return Pair(n, cpu, cuda, reason, None, None, None)
    both = _with_transfer(cuda)
    return Pair(
        n=n,
        cpu=cpu,
        cuda=cuda,
        reason="",
        ratio=ratio(fit_samples_s(cuda), fit_samples_s(cpu)),
        ratio_with_transfer=None if both is None else ratio(both, fit_samples_s(cpu)),
        digits_difference=_difference(cuda.accuracy.digits, cpu.accuracy.digits),
    )


def _difference(a: float | None, b: float | None) -> float | None:
    """The difference a - b, None where it is not a number."""
    return a - b if a is not None and b is not None and np.isfinite(a - b) else None


def _why_not(record: Record | None, device: str) -> str:
    """Why a record has no time to compare; empty if it has one."""
    if record is None:
        return f"not run on {device}"
    if not record.status.measured:
        return f"{record.status.value} on {device}" + f": {record.message}" * bool(record.message)
    if record.samples.error:
        return f"raised on {device} while it was timed: {record.samples.error}"
    if record.fit_s is None:
        return f"not timed on {device}"
    good = measurable(fit_samples_s(record))
    return "" if good else f"a sample on {device} is not a positive, finite time that a clock can have measured"


def _with_transfer(record: Record) -> Floats | None:
    """The same with one copy in and one out, which are taken as known; None where they were not measured."""
    copies = transfer_s(record)
    return None if copies is None else fit_samples_s(record) + copies


def _crossover(pairs: Sequence[Pair], cuda_s: Callable[[Record], Floats | None]) -> Crossover | None:
    """Of the pairs that have a time on both devices; None if there is none."""
    points = []
    for pair in pairs:
        if pair.ratio is not None and pair.cpu is not None and pair.cuda is not None:
            times = cuda_s(pair.cuda)
            if times is not None:
                points.append(Point(pair.n, fit_samples_s(pair.cpu), times))
    return crossover(points) if points else None
