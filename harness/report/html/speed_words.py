"""What to conclude of a run's speed, in a sentence or three, from its ranking and fronts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from harness.errors import counted
from harness.judge.speed.fit_times import without_n
from harness.judge.speed.floors import PRODUCT, Floor, floor_at
from harness.judge.speed.ranking import RankedCase, TimedCase, sized
from harness.report.figures.rows import Row
from harness.report.html.speed_rows import fronts_of
from harness.report.words.sentences import listed

MOST_NAMES = 3


def conclusion(found: Sequence[RankedCase], digits: Sequence[Row], floors: Sequence[Floor]) -> str:
    """Who is fastest and right and by how much, how far from the floor, who is faster but wrong, what digits cost."""
    return " ".join(sentence for sentence in (fastest(found, floors), _wrong(found), price(digits)) if sentence)


def fastest(found: Sequence[RankedCase], floors: Sequence[Floor]) -> str:
    """Who is fastest and right: over n where there are several sizes, else over the problems."""
    return " ".join(_by_size(found, floors)) or over_problems(found)


def _by_size(found: Sequence[RankedCase], floors: Sequence[Floor]) -> Iterable[str]:
    """Of the problem and the device with most cases: the fastest right solver over n."""
    several = sized([one.timed for one in found])
    if not several:
        return
    law, members = next(iter(several.items()))
    devices = [case.record.device for case in members]
    device = max(dict.fromkeys(devices), key=devices.count)
    own = [one for one in found if without_n(one.timed.record) == law and one.timed.record.device == device]
    best = {one.timed.record.n: one.best for one in sorted(own, key=lambda one: one.timed.record.n) if one.best}
    name, records = members[0].record.problem_name, [one.timed.record for one in found]
    alone = len({without_n(record) for record in records if record.problem_name == name}) == 1
    if best:
        yield _winners(name if alone else law, device, best, own) + _floor(best, floors)


def _winners(name: str, device: str, best: dict[int, TimedCase], here: Sequence[RankedCase]) -> str:
    where = f"{name} ({device})"
    runs = [(label, [n for n, _ in held]) for label, held in groupby(best.items(), key=lambda item: item[1].label)]
    if len(runs) == 1:
        span = (
            f"every n of {where}, {min(best):,} to {max(best):,}" if len(best) > 1 else f"n = {min(best):,} of {where}"
        )
        return f"{runs[0][0]} is the fastest that is right at {span}{_lead(best, here)}"
    parts = [f"{label} {_span(sizes)}" for label, sizes in runs]
    return f"Fastest that is right on {where}: {'; '.join(parts)}"


def _span(sizes: Sequence[int]) -> str:
    return f"at n = {sizes[0]:,}" if len(sizes) == 1 else f"at n = {sizes[0]:,} to {sizes[-1]:,}"


def _lead(best: dict[int, TimedCase], here: Sequence[RankedCase]) -> str:
    """How far ahead of the next right solver it is over the sizes, and where the two are not told apart."""
    leads: list[float] = []
    level: dict[str, list[str]] = {}
    for n, first in best.items():
        others = [one for one in here if one.timed.record.n == n and one.timed.right and one.timed is not first]
        nearest = min(others, key=lambda one: one.timed.seconds.value, default=None)
        if nearest is not None and nearest.ratio is not None:
            leads.append(nearest.ratio.value)
            if nearest.ratio.holds(1.0):
                level.setdefault(nearest.timed.label, []).append(f"{n:,}")
    if not leads:
        return ""
    low, high = (_times(end) for end in (min(leads), max(leads)))
    ahead = f", {low} times ahead of the next" if low == high else f", {low} to {high} times ahead of the next"
    level_sizes = listed([f"{label} at n = {listed(sizes)}" for label, sizes in level.items()])
    return ahead + (f" (not told apart from {level_sizes})" if level_sizes else "")


def times_ahead(found: Sequence[RankedCase]) -> str:
    """Of one problem how far the fastest right case is ahead of the next right one; empty where there is none."""
    best = next((one.best for one in found if one.best is not None), None)
    if best is None:
        return ""
    return _lead({best.record.n: best}, [one for one in found if one.timed.record.device == best.record.device])


def _times(ratio: float) -> str:
    """1.04, 3.2, 27: two digits, three below 2."""
    return f"{ratio:.2f}" if ratio < 2 else f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"  # noqa: PLR2004


def _floor(best: dict[int, TimedCase], floors: Sequence[Floor]) -> str:
    """How many products X'X the fastest takes at the largest n."""
    largest = best[max(best)]
    record = largest.record
    floor = floor_at(floors, PRODUCT, record.n, record.p) if record.device == "cpu" else None
    if floor is None or floor.seconds.value <= 0:
        return "."
    ratio = largest.seconds.value / floor.seconds.value
    products = _times(ratio)
    if ratio < 1:
        now = "the machine was quicker in the run than when the page was made"
        return f"; at n = {record.n:,} it takes less time than one product X'X now ({products} of it): {now}."
    return f"; at n = {record.n:,} it takes the time of {products} products X'X."


def over_problems(found: Sequence[RankedCase]) -> str:
    """Over the problems: how often each solver is the fastest right one; of one problem, who that is."""
    best = {(one.timed.record.problem, one.timed.record.device): one.best for one in found if one.best is not None}
    if len(best) < 2:  # noqa: PLR2004  # an average of one is that one
        sentences = [f"{one.label} is the fastest that is right on {p} ({d})." for (p, d), one in best.items() if one]
        return " ".join(sentences)
    wins = Counter(winner.label for winner in best.values() if winner is not None)
    sentences = [f"{name} on {count}" for name, count in wins.most_common(MOST_NAMES)]
    rest = len(wins) - MOST_NAMES
    more = f", {counted(rest, 'other')} on the rest" if rest > 0 else ""
    devices = len({device for _, device in best})
    what = "problems" if devices == 1 else "problems and devices"
    return f"Of {len(best)} {what}, fastest and right: {', '.join(sentences)}{more}."


def _wrong(found: Sequence[RankedCase]) -> str:
    """Who is faster than the fastest right one, and wrong; nobody where none is right."""
    wrong: dict[str, list[str]] = {}
    for one in found:
        if one.timed.record.failed and one.ratio is not None and one.ratio.value < 1:
            wrong.setdefault(one.timed.label, []).append(one.timed.record.problem)
    sentences = [f"{name} on {held[0] if len(held) == 1 else f'{len(held)} problems'}" for name, held in wrong.items()]
    return f"Faster, and wrong: {listed(sentences)}." if sentences else ""


def price(digits: Sequence[Row]) -> str:
    """Where digits cost the most time: the two ends of the front that are farthest apart in digits."""
    fronts = fronts_of(digits)
    if not fronts:
        return ""
    alone = sum(len(front) == 1 for front in fronts.values())
    words = f"On {alone or 'none'} of {counted(len(fronts), 'problem')} the fastest is also the most accurate"
    panel, front = max(fronts.items(), key=lambda item: _gain(item[1]))
    first, last = front[0], front[-1]
    if first is last:
        return f"{words}."
    cost = f"{_gain(front):.1f} digits more cost {_times(last['seconds'] / first['seconds'])} times the time"
    return f"{words}; on {panel} {cost} ({first['label']} to {last['label']})."


def _gain(front: Sequence[Row]) -> float:
    return float(front[-1]["digits"] - front[0]["digits"])
