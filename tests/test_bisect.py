"""harness bisect: which commits are compared, what is made of each, and the commit that is named."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ab.bisect.compare_commit import AGAIN, ANSWER_S, Bench, BisectRequest
from harness.ab.bisect.search import search
from harness.ab.bisect.suspects import Suspects
from harness.ab.environments import Sides
from harness.ab.measure import Allowance
from harness.ab.version import Version
from harness.errors import CannotMeasureError, UsageError
from harness.judge.versions.bisection import halfway, marked
from harness.records.ab import AbCell, Library, Measured
from harness.records.bisection import Commit, Mark, Marked
from harness.report.words.bisect import step_line
from tests.ab_cells import cell
from tests.ab_sides import SUITE, spec
from tests.conftest import RunCli
from tests.test_ab_environments import Checkout, checkout

__all__ = ["checkout"]


class Chain:
    """Commits "0" to "n", the first good and the last bad, as git would list and halve them."""

    def __init__(self, length: int) -> None:
        self.good, self.bad = "0", str(length)

    def left(self, goods: set[str], bad: str) -> list[str]:
        return [str(one) for one in range(int(bad), max(map(int, goods)), -1)]

    def halving(self, goods: set[str], bad: str) -> list[str]:
        left = self.left(goods, bad)
        middle = (int(left[0]) + int(left[-1]) - 1) / 2
        return sorted((one for one in left if one != bad), key=lambda one: abs(int(one) - middle))


def _mark(first_bad: int, skipped: set[int]) -> Callable[[str], Marked]:
    def mark(commit: str) -> Marked:
        if int(commit) in skipped:
            return Marked(Mark.SKIPPED, "")
        return Marked(Mark.BAD if int(commit) >= first_bad else Mark.GOOD, "")

    return mark


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))))
def test_the_first_bad_commit_is_found_in_as_many_steps_as_halving_needs(case: tuple[int, int]) -> None:
    length, first_bad = case
    found = search(Chain(length), _mark(first_bad, set()))
    assert found.suspects == (str(first_bad),)
    assert len(found.steps) <= math.ceil(math.log2(length)) if length > 1 else not found.steps


@given(st.integers(2, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n), st.sets(st.integers(1, n - 1)))))
def test_commits_that_cannot_be_told_leave_suspects_and_never_name_a_wrong_one(
    case: tuple[int, int, set[int]],
) -> None:
    length, first_bad, skipped = case
    found = search(Chain(length), _mark(first_bad, skipped))
    assert str(first_bad) in found.suspects
    told = [one for one in found.suspects if int(one) not in skipped]
    assert len(told) == 1, "one bad commit, and only what was skipped just before it"
    assert all(int(one) < int(told[0]) for one in found.suspects if one != told[0])


@pytest.mark.slow
def test_of_a_merged_branch_the_commit_itself_is_named(checkout: Checkout) -> None:
    good = checkout.commit("start")
    checkout.git("checkout", "--quiet", "-b", "side")
    checkout.commit("side one")
    culprit = checkout.commit("side two")
    checkout.commit("side three")
    checkout.git("checkout", "--quiet", "main")
    for number in range(4):
        checkout.commit(f"main {number}")
    checkout.git("merge", "--quiet", "--no-ff", "--message", "merge", "side")
    suspects = Suspects(good, "main", checkout.path)

    def mark(commit: str) -> Marked:
        inside = checkout.git("rev-list", commit).splitlines()
        return Marked(Mark.BAD if culprit in inside else Mark.GOOD, "")

    found = search(suspects, mark)
    assert [suspects.commit(one).subject for one in found.suspects] == ["side two"]
    assert not checkout.git("status", "--porcelain")


def test_ends_that_nothing_lies_between_are_one_line(checkout: Checkout) -> None:
    first, second = checkout.commit("one"), checkout.commit("two")
    with pytest.raises(UsageError, match="are the same commit"):
        Suspects("HEAD", second, checkout.path)
    with pytest.raises(UsageError, match=f"is no ancestor of {first}: their merge base is {first[:12]}"):
        Suspects(second, first, checkout.path)
    with pytest.raises(UsageError, match="unknown revision 'nowhere'"):
        Suspects("nowhere", "HEAD", checkout.path)


CRASHED = Measured(status="crashed", message="signal 11")


@pytest.mark.parametrize(
    ("ratio", "mark"), [(1.2, Mark.BAD), (1.0, Mark.GOOD), (0.8, Mark.GOOD)], ids=["slower", "same", "faster"]
)
def test_time_is_marked_by_what_ab_says_of_it(ratio: float, mark: Mark) -> None:
    found = marked(cell(np.random.default_rng(1), ratio, launches=9), "time", 0.03)
    assert found.mark is mark
    assert "time x " in found.seen


def test_what_nobody_knows_is_skipped_with_the_reason() -> None:
    rng = np.random.default_rng(2)
    assert marked(cell(rng, 1.2, launches=2), "time", 0.03).seen == "2 launches: a verdict needs 4"
    broken = cell(rng, launches=0, head=CRASHED)
    assert marked(broken, "time", 0.03) == Marked(Mark.SKIPPED, "crashed: signal 11")
    assert marked(broken, "digits", 0.03).mark is Mark.SKIPPED
    assert marked(broken, "status", 0.03).mark is Mark.BAD


@pytest.mark.parametrize(("digits", "mark"), [(3.0, Mark.BAD), (12.4, Mark.GOOD), (15.0, Mark.GOOD)])
def test_digits_are_marked_by_what_ab_says_of_them(digits: float, mark: Mark) -> None:
    one = AbCell(case="a b", problem="a", solver="b", base=Measured(digits=12.5), head=Measured(digits=digits))
    assert marked(one, "digits", 0.03).mark is mark


def test_commits_are_told_apart_at_the_middle_of_the_whole_change() -> None:
    rng = np.random.default_rng(3)
    assert halfway(cell(rng, 1.44, launches=30), 0.03) == pytest.approx(0.2, abs=0.02)
    assert halfway(cell(rng, 1.0, launches=0), 0.03) == 0.03


HELD = (Library(name="numpy", version="2.0.0", origin="file:///wheels/numpy.whl", sha256="ab" * 32),)


class Benches:
    """A bench whose comparisons are planned by commit, and what it asked for."""

    def __init__(self, planned: dict[str, list[AbCell]], quantity: str = "time") -> None:
        self.asked: list[tuple[str, float, int]] = []
        self.planned = planned
        self.bench = Bench(BisectRequest(spec("one"), quantity), self._built, lambda _: None, self._measure)

    def _built(self, commit: str) -> Sides:
        if commit == "broken":
            raise CannotMeasureError("broken does not build")
        here = Version(commit, Path("python"), held=HELD)
        return Sides(here, here)

    def _measure(self, sides: Sides, allowance: Allowance, _: object) -> AbCell:
        self.asked.append((sides.head.name, allowance.budget_s, allowance.seed))
        return self.planned[sides.head.name].pop(0)


def test_what_is_undecided_gets_twice_the_time_once() -> None:
    rng = np.random.default_rng(4)
    few, clear = cell(rng, 1.2, launches=2), cell(rng, 1.2, launches=9)
    benches = Benches({"late": [few, clear], "never": [few, few]})
    assert benches.bench.mark("late").mark is Mark.BAD
    assert benches.bench.mark("never").mark is Mark.SKIPPED
    assert benches.asked[:2] == [("late", 60.0, 0), ("late", 60.0 * AGAIN, 1)]
    assert len(benches.asked) == 4


def test_a_commit_that_does_not_build_is_skipped_and_an_answer_needs_one_launch() -> None:
    one = AbCell(case="a b", problem="a", solver="b", base=Measured(digits=12.5), head=Measured(digits=2.0))
    benches = Benches({"wrong": [one]}, "digits")
    assert benches.bench.mark("broken") == Marked(Mark.SKIPPED, "broken does not build")
    found = benches.bench.mark("wrong")
    assert (found.mark, found.libraries) == (Mark.BAD, HELD)
    line = step_line(Commit("c" * 40, "who", "when", "what"), found)
    assert line.endswith("; with numpy 2.0.0 from file:///wheels/numpy.whl, sha256 abababababab")
    assert benches.asked == [("wrong", ANSWER_S, 0)]


@pytest.mark.parametrize(("ratio", "why"), [(1.0, "there is no regression"), (None, "a larger --budget may")])
def test_ends_without_a_regression_are_one_line(ratio: float | None, why: str) -> None:
    rng = np.random.default_rng(5)
    end = cell(rng, ratio or 1.2, launches=9 if ratio else 2)
    with pytest.raises(CannotMeasureError, match=why):
        Benches({"bad": [end, end]}).bench.compare_ends("bad")


@pytest.mark.slow
def test_the_commit_that_lost_digits_is_named_end_to_end(
    run_cli: RunCli, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = checkout.commit("well")
    checkout.commit("also well")
    checkout.write("harness/suite.py", SUITE.replace('"digits", 12.5', '"digits", 3.5'))
    culprit = checkout.commit("lose nine digits")
    checkout.write(
        "pyproject.toml", "[project]\nname = 'broken'\n[build-system]\nrequires = ['nothing-of-this-name']\n"
    )
    checkout.commit("does not build")
    checkout.git("revert", "--no-edit", "HEAD")
    checkout.commit("later")
    monkeypatch.chdir(checkout.path)
    done = run_cli("bisect", "four_points", "numpy_lstsq", "--good", good, "--quantity", "digits", "--json")
    assert done.code == 0, done.stderr
    page = json.loads(done.stdout)
    assert page["first_bad"] == culprit
    assert page["suspects"][0]["files"] == ["harness/suite.py"]
    assert {"bad", "good"} <= {step["mark"] for step in page["steps"]}
    assert "lose nine digits: digits 3.5, 9 fewer than the base's 12.5" in done.stderr
    again = run_cli("bisect", "four_points", "numpy_lstsq", "--good", good, "--bad", "HEAD~4", "--quantity", "digits")
    assert (again.code, again.stdout) == (3, "")
    assert "there is no regression" in again.stderr
    assert run_cli("bisect", "four_points", "nobody", "--good", good).code == 2
    assert (
        "unknown quantity 'speed'"
        in run_cli("bisect", "four_points", "numpy_lstsq", "--good", good, "--quantity", "speed").stderr
    )
