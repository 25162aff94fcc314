"""Section 3: how fast, over what floor, how far apart, on which device, in how much memory, for how many digits."""

from collections.abc import Sequence
from dataclasses import replace

from harness.errors import counted
from harness.judge.speed.floors import SUM
from harness.judge.speed.ranking import RankedCase, TimedCase, ranked_cases, timed
from harness.report.figures.rows import Row, row_of
from harness.report.figures.speed import digits_figure, excess_figure, time_figure
from harness.report.html.evidence import Evidence
from harness.report.html.section import Note, Part, Section, Table, table_of
from harness.report.html.speed_devices import device_parts, device_words
from harness.report.html.speed_rows import CPU, FLOORS, digit_rows, excess_rows, front_rows, time_rows
from harness.report.html.speed_words import conclusion, fastest, over_problems, price
from harness.report.tables.speed import FRONT, MEMORY, RATIOS

ID, TITLE = "speed", "Speed"
LEAST_BYTES = 2**20
HONEST = (
    "Times are medians of single calls on the wall clock, {threads}, all of a problem's cases taking turns. A bar or a"
    " pair of ends is the 95 % interval of that median over this run's calls: another process, another day or another"
    " machine is not in it. A ratio's interval is put together from both medians' (square and add, on logarithms)."
)

ONE_SIZE = (
    "Time against n: no problem of this run has two sizes."
    " harness run --problem synthetic --n 1e3 --n 1e4 --n 1e5 measures three."
)
FLOOR_WORDS = (
    "Floors, one thread: one product X'X, which every method by normal equations forms, and one pass over X, which"
    " every method makes. They were measured when the page was made, not in the run: a time below its method's floor"
    " says that the machine was quicker in the run."
)


def section(evidence: Evidence) -> Section:
    """The section; what cannot be said says which command makes it."""
    cases = timed(evidence.records)
    if not cases:
        missing = (
            "No case of this run has a time: 'harness run' fits, verifies and times (harness accuracy does not time)."
        )
        return Section(ID, TITLE, "Nothing can be said of speed: no case was timed.", (), missing)
    found = ranked_cases(cases)
    digits, losses = digit_rows(cases), excess_rows(cases)
    devices, compared = device_parts(evidence.records)
    over_n = _over_n(cases, evidence)
    words = conclusion(found, digits, evidence.floors)
    return Section(
        ID,
        TITLE,
        f"{words} {compared}".strip(),
        (
            *over_n,
            *_fronts(digits, losses),
            _ratios(found),
            *devices,
            *_memory(found),
            _honest(cases),
        ),
        " ".join([*([] if over_n else [ONE_SIZE]), *([] if devices else [device_words(evidence.records)])]),
    )


def _over_n(cases: Sequence[TimedCase], evidence: Evidence) -> list[Part]:
    """Time against n with its floors; nothing where no problem has two sizes."""
    rows = time_rows(cases, evidence.floors)
    said = fastest(ranked_cases(cases), evidence.floors)
    return [replace(time_figure(rows, FLOORS), conclusion=said), Note(_floor_words(rows, evidence))] if rows else []


def _honest(cases: Sequence[TimedCase]) -> Note:
    """What the numbers are, and what their intervals leave out."""
    threads = sorted({case.record.threads for case in cases})
    on = "one thread" if threads == [1] else f"threads: {', '.join(map(str, threads))}"
    return Note(HONEST.format(threads=on))


def _floor_words(rows: Sequence[Row], evidence: Evidence) -> str:
    floors = [row for row in rows if row["floor"]]
    if not floors:
        return f"No floor is drawn: {evidence.floors_missing or 'none was measured for these sizes'}."
    scaled = sorted({row["n"] for row in floors if row["state"] != "measured"})
    more = f" Those at n = {', '.join(f'{n:,}' for n in scaled)} are scaled up by n." if scaled else ""
    return FLOOR_WORDS + more + _below(rows)


def _below(rows: Sequence[Row]) -> str:
    """Points below one pass over X, which no method can be: the machine has changed its pace between the two."""
    passes = {(row["panel"], row["n"]): row["seconds"] for row in rows if row["series"] == FLOORS[SUM]}
    points = [row for row in rows if not row["floor"] and row["device"] == CPU]
    under = sum(row["seconds"] < passes.get((row["panel"], row["n"]), 0.0) for row in points)
    return f" Below one pass over X {'lies' if under == 1 else 'lie'} {counted(under, 'point')} here." if under else ""


def _ratios(found: Sequence[RankedCase]) -> Table:
    caption = f"Each timed case over the fastest right one of its problem and device. {over_problems(found)}".strip()
    return table_of("speed-ratios", caption, RATIOS, found, _named)


def _fronts(digits: Sequence[Row], losses: Sequence[Row]) -> list[Part]:
    """Digits over time with the table of the fronts, then trainings' excess loss over time; none of one case alone."""
    parts: list[Part] = []
    if len(digits) > 1:
        parts.append(replace(digits_figure(digits), conclusion=price(digits)))
    if len(losses) > 1:
        parts.append(excess_figure(losses))
    if len(digits) > 1:
        caption = "On the front: nothing on the same problem is both as fast and more accurate"
        parts.append(Table("speed-front", caption, FRONT, front_rows(digits)))
    return parts


def _memory(found: Sequence[RankedCase]) -> list[Part]:
    """Of designs that are large enough for the allocator's own pages not to show."""
    large = [one for one in found if 8 * one.timed.record.n * one.timed.record.p >= LEAST_BYTES]
    held = [one for one in large if (one.timed.record.peak_bytes, one.timed.record.device_peak_bytes) != (None, None)]
    caption = "Memory that the first call took beyond what was held before it, where X is 1 MiB or more"
    return [table_of("speed-memory", caption, MEMORY, held, _named, "-memory_share")] if held else []


def _named(one: RankedCase) -> Row:
    return row_of(one.timed.record)
