"""Sections 1, 2 and 8 of the page: verdicts, accuracy and environment follow from planted evidence."""

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest

from harness.judge.gate.gate import GateReport
from harness.judge.machine.doubts import Doubt, State
from harness.judge.verdict import Judgement, Verdict
from harness.judge.versions.two_runs import compare_runs
from harness.paths import results_folder
from harness.records.record import Accuracy, Record
from harness.report.figures.figure import Figure
from harness.report.html import accuracy, environment, verdict
from harness.report.html.order import sections
from harness.report.html.section import Note, Section, Table
from harness.report.purpose import Purpose
from harness.solvers.status import Status
from harness.timing.sampling import Samples
from tests import page_data
from tests.page_site import evidence, planted, run_of, svg, training


def cases(scale: float = 1.0, noise: float = 0.01) -> list[Record]:
    return [planted(f"solver_{i}", scale * 1e-4 * (1 + i), calls=15, noise=noise) for i in range(12)]


def slower(records: Sequence[Record], solver: str, factor: float) -> list[Record]:
    return [
        one
        if one.solver != solver
        else one.model_copy(
            update={
                "samples": Samples(
                    tuple(factor * s for s in one.samples.wall_s), tuple(factor * s for s in one.samples.cpu_s)
                )
            }
        )
        for one in records
    ]


def table(section: Section, name: str) -> Table:
    return next(part for part in section.parts if isinstance(part, Table) and part.name == name)


def verdicts(records: Sequence[Record], earlier: Sequence[Record]) -> dict[str, Verdict]:
    return {one.record.solver: one.verdict for one in compare_runs(records, earlier).times}


def test_one_slower_solver_of_twelve_is_claimed_and_no_other() -> None:
    before = cases()
    found = verdicts(slower(before, "solver_3", 1.5), before)
    assert found.pop("solver_3") is Verdict.REGRESSION
    assert set(found.values()) == {Verdict.UNDECIDED}
    assert verdicts(before, slower(before, "solver_3", 1.5))["solver_3"] is Verdict.IMPROVEMENT


def test_what_all_cases_share_is_the_machine_s_and_undecided() -> None:
    assert set(verdicts(cases(scale=1.5), cases()).values()) == {Verdict.UNDECIDED}


def test_two_per_cent_are_less_than_launches_differ_by() -> None:
    before = cases(noise=1e-4)
    assert verdicts(slower(before, "solver_3", 1.02), before)["solver_3"] is Verdict.UNDECIDED
    assert verdicts(slower(before, "solver_3", 1.06), before)["solver_3"] is Verdict.REGRESSION


def test_few_cases_and_few_samples_decide_nothing() -> None:
    before = cases()
    assert set(verdicts(slower(before, "solver_3", 3.0)[:7], before).values()) == {Verdict.UNDECIDED}
    thin = [one.model_copy(update={"samples": Samples((1e-4,) * 3, (1e-4,) * 3)}) for one in before]
    assert verdicts(slower(thin, "solver_3", 3.0), thin)["solver_3"] is Verdict.UNDECIDED


def test_the_clock_of_the_wall_alone_claims_nothing() -> None:
    before = cases()
    stopped = [
        one.model_copy(update={"samples": Samples(tuple(2 * s for s in one.samples.wall_s), one.samples.cpu_s)})
        if one.solver == "solver_3"
        else one
        for one in before
    ]
    assert verdicts(stopped, before)["solver_3"] is Verdict.UNDECIDED


@pytest.fixture(scope="module")
def launches() -> list[list[Record]]:
    """The launches of unchanged code that results/change_points recorded: four cases each, every call kept."""
    noise = json.loads((results_folder() / "change_points" / "noise_two_cores.json").read_text())
    columns = [
        [
            planted(f"cell_{i}", 1.0).model_copy(
                update={
                    "samples": Samples(
                        tuple(1e-9 * one for one in launch["wall_ns"]), tuple(1e-9 * one for one in launch["cpu_ns"])
                    )
                }
            )
            for launch in cell["launches"]
        ]
        for i, cell in enumerate(noise["cells"])
    ]
    return [list(one) for one in zip(*columns, strict=True)]


@pytest.mark.slow
def test_unchanged_code_is_called_changed_in_less_than_one_per_cent_of_cases(launches: list[list[Record]]) -> None:
    rng = np.random.default_rng(0)
    claimed = total = 0
    for a, b in rng.integers(0, len(launches) - 3, size=(300, 2)):
        if abs(a - b) < 3:
            continue
        found = compare_runs(side(launches, b), side(launches, a)).times
        total += len(found)
        claimed += sum(one.verdict is not Verdict.UNDECIDED for one in found)
    assert total > 3000
    assert claimed / total < 0.01


def side(launches: list[list[Record]], at: int) -> list[Record]:
    """Three launches in a row, as if each of their cases were one of a run."""
    return [
        record.model_copy(update={"case": f"{record.case} {i}"})
        for i, launch in enumerate(launches[at : at + 3])
        for record in launch
    ]


def test_answers_that_changed_are_told_without_statistics() -> None:
    before = [planted("a", 1e-4), planted("b", 1e-4, digits=9.0), planted("c", 1e-4, digits=9.0, status=Status.WRONG)]
    now = [planted("a", 1e-4, digits=4.0), planted("b", 1e-4, digits=9.2), planted("c", 1e-4, digits=9.0)]
    found = compare_runs(now, [*before, planted("gone", 1e-4)])
    told = [(one.record.solver, one.quantity, one.before, one.now, one.verdict) for one in found.answers]
    assert told == [
        ("a", "digits", "14.0", "4.0", Verdict.REGRESSION),
        ("c", "status", "wrong", "ok", Verdict.IMPROVEMENT),
    ]
    assert found.absent == (planted("gone", 1e-4).case,)


def test_trainings_answer_by_decades_of_excess_loss() -> None:
    def trained(excess: float) -> Record:
        return training("torch_sgd", 1e-4, 0.1, reached={"1e-6": 10}, excess=excess)

    (change,) = compare_runs([trained(1e-2)], [trained(1e-6)]).answers
    assert (change.quantity, change.verdict) == ("excess loss", Verdict.REGRESSION)


def judgement(case: str, verdict_: Verdict, expected: str = "ok") -> Judgement:
    return Judgement(case, "status", "wrong", expected, verdict_, "detail", "Do this.", "its source")


def test_the_worst_verdict_stands_first_and_the_machine_last() -> None:
    records = cases()
    gate = GateReport(
        (judgement(records[0].case, Verdict.IMPROVEMENT), judgement(records[1].case, Verdict.REGRESSION)), (), 0
    )
    doubt = Doubt("load", State.DOUBTFUL, "load 9 on 2 cores", "why", "Wait.", "source")
    fine = Doubt("swap", State.FINE, "none in use", "why", "", "source")
    known = evidence(records, gate=gate, expectations="e.toml", doubts=(fine, doubt), purpose=Purpose.GATE)
    found = verdict.section(known)
    assert found.conclusion == "The gate is breached in 2 cases."
    assert [row["verdict"] for row in table(found, "verdicts").rows] == ["regression"]
    assert [row["verdict"] for row in table(found, "gate").rows] == ["regression", "improvement"]
    assert "harness run" in found.missing  # no baseline
    first, *between, last = sections(known)
    assert [one.id for one in between][:2] == ["verdict", "accuracy"]
    assert first.parts[-1] == Note("The times are doubtful: load.", to=last.id)
    assert "doubtful: load (load 9 on 2 cores)" in last.conclusion
    assert [row["name"] for row in table(last, "doubts").rows] == ["load"]
    assert "Fine: swap." in table(last, "doubts").caption


def test_a_gate_that_holds_and_what_it_knows_and_what_is_missing() -> None:
    records = cases()
    held = GateReport((judgement(records[0].case, Verdict.UNCHANGED, "wrong"),), (), 0)
    found = verdict.section(evidence(records, gate=held, expectations="e.toml"))
    assert found.conclusion.startswith("The gate holds (1 expectation).")
    assert [row["solver"] for row in table(found, "known").rows] == ["solver_0"]
    cut_off = GateReport(held.judgements, ("a case that never came",), 0)
    going = verdict.section(evidence(records, gate=cut_off, expectations="e.toml"))
    assert going.conclusion.startswith("The gate holds as far as the run has got.")
    assert table(going, "gate").rows[0]["problem"] == "a case that never came"
    nothing = verdict.section(evidence(records))
    assert nothing.conclusion == "The gate judges nothing."
    assert not nothing.parts


def test_a_change_is_in_the_headline_the_table_and_the_figure() -> None:
    before = cases()
    base = run_of(before).model_copy(update={"id": "earlier"})
    now = slower(before, "solver_3", 2.0)
    found = verdict.section(evidence(now, baseline=base, baseline_records=tuple(before)))
    assert "1 case is slower since the baseline" in found.conclusion
    rows = table(found, "changes").rows
    assert (rows[0]["solver"], rows[0]["verdict"]) == ("solver_3", "regression")
    assert len(rows) == len(before)
    (figure,) = (part for part in found.parts if isinstance(part, Figure))
    assert "1 of them" in figure.description
    assert svg(figure).count("<path") > len(before)


def test_what_harness_ab_said_is_counted_and_shown_worst_first() -> None:
    records = cases()[:4]
    told = page_data.comparison(*(one.case for one in records))
    found = verdict.section(evidence(records, ab=told))
    said = "of 4 cases 2 slower, 1 wronger, 1 faster and 1 unchanged against main"
    assert said in found.conclusion
    (line,) = (row for row in table(found, "verdicts").rows if row["about"] == "Versions")
    assert line["verdict"] == "regression"
    assert "Slower: " in line["said"]
    assert "(1.2 times)" in line["said"]
    shown = table(found, "ab")
    assert [row["verdict"] for row in shown.rows] == ["regression", "regression", "regression", "unchanged"]
    slow, slower, wrong, same = (row["found"] for row in shown.rows)
    assert (slow, slower, same) == ("slower", "slower", "unchanged")
    assert wrong.startswith("faster, wronger: status: rank 2; digits: ")
    assert all(row["low"] < row["ratio"] < row["high"] for row in shown.rows)
    assert {row["case"] for row in shown.rows} == {one.case for one in records}, "a row opens the run's case"
    assert "false alarms 1.0 % [0.0, 5.4] of 100 cells" in shown.caption
    assert "--baseline" not in found.missing


def test_a_comparison_that_decides_nothing_or_is_of_another_commit_says_so() -> None:
    records = cases()[:1]
    gone = page_data.comparison("another case", calibrated=False)
    open_ = gone.model_copy(update={"exit_code": 3, "head": gone.head.model_copy(update={"commit": "f" * 40})})
    cell = open_.cells[0]
    none = {"verdict": Verdict.UNDECIDED, "ratio": None, "low": None, "high": None}
    undecided = cell.model_copy(
        update={"verdict": Verdict.UNDECIDED, "speed": cell.speed.model_copy(update=none), "why": "2 launches"}
    )
    known = run_of(records)
    environment_ = known.environment.model_copy(update={"commit": "e" * 40})
    run = known.model_copy(update={"environment": environment_})
    found = verdict.section(evidence(records, run=run, ab=open_.model_copy(update={"cells": (undecided,)})))
    assert "of 1 case 1 undecided against main" in found.conclusion
    (line,) = (row for row in table(found, "verdicts").rows if row["about"] == "Versions")
    assert line["verdict"] == "undecided"
    (row,) = table(found, "ab").rows
    assert (row["found"], row.get("case"), row["ratio"]) == ("undecided: 2 launches", None, None)
    assert "harness ab --calibrate" in table(found, "ab").caption
    notes = [part.text for part in found.parts if isinstance(part, Note)]
    assert any("head is commit ffffffffffff, the run's is eeeeeeeeeeee" in text for text in notes)


def test_accuracy_says_who_keeps_most_digits_and_what_is_wrong() -> None:
    ranks = Accuracy(digits=0.0, rank=2, exact_rank=3)
    records = [
        planted("good", 1e-4, digits=14.0),
        planted("good", 1e-4, digits=12.5, problem="everyday"),
        planted("bad", 1e-4, digits=13.0),
        planted("bad", 1e-4, problem="everyday", status=Status.WRONG, accuracy=ranks),
        training("torch_sgd", 1e-4, 0.1, reached={"1e-6": 40}, excess=1e-12),
        training("torch_sgd", 1e-4, 0.01, reached={"1e-6": None}, excess=1e-3),
    ]
    found = accuracy.section(evidence(records))
    assert "good keeps the most digits where it does worst, 12.5 on all of 2 problems" in found.conclusion
    assert "bad the fewest, 0.0 on everyday" in found.conclusion
    assert "bad on everyday:n=1000,p=10,seed=0 (rank 2 instead of 3)" in found.conclusion
    assert "Of 2 trainings 1 came within 1e-6 of the least loss." in found.conclusion
    assert table(found, "accuracy").rows[0]["status"] == "wrong"
    drawn = [svg(part) for part in found.parts if isinstance(part, Figure)]
    assert "0 ✗" in drawn[0]
    assert "-12" in drawn[1]


def test_an_earlier_environment_is_told_from_this_one() -> None:
    run = run_of(cases())
    alone = environment.section(evidence(cases()))
    assert [column.key for column in table(alone, "machine").columns] == ["what", "here"]
    versions = {**run.environment.versions, "numpy": "0.1"}
    other = run.environment.model_copy(update={"versions": versions, "cores": 64})
    base = run.model_copy(update={"id": "earlier", "environment": other})
    both = environment.section(evidence(cases(), baseline=base, baseline_records=tuple(cases())))
    assert "Other than in the baseline: cores, numpy" in both.conclusion
    same = environment.section(evidence(cases(), baseline=run, baseline_records=tuple(cases())))
    assert "the same machine" in same.conclusion


def constant(name: str, wall_s: float, calls: int = 30) -> Record:
    """A case all of whose calls took that long by both clocks."""
    return planted(name, 1e-4).model_copy(update={"samples": Samples((wall_s,) * calls, (wall_s,) * calls)})


@pytest.mark.parametrize(
    ("ratio", "verdict_"),
    [
        (1.041, Verdict.REGRESSION),
        (1.039, Verdict.UNDECIDED),
        (1 / 1.039, Verdict.UNDECIDED),
        (1 / 1.0405, Verdict.IMPROVEMENT),  # 0.9611: above 2 - 1.04
    ],
)
def test_a_time_has_changed_beyond_four_per_cent_either_way(ratio: float, verdict_: Verdict) -> None:
    """Where nothing scatters the margin is 1.04, and of an improvement its reciprocal: sides may be exchanged."""
    names = [f"solver_{i}" for i in range(9)]
    now = [constant(name, 1e-4 * (ratio if name == names[0] else 1.0)) for name in names]
    then = [constant(name, 1e-4) for name in names]
    assert verdicts(now, then)[names[0]] is verdict_
    opposite = {Verdict.REGRESSION: Verdict.IMPROVEMENT, Verdict.IMPROVEMENT: Verdict.REGRESSION}
    assert verdicts(then, now)[names[0]] is opposite.get(verdict_, verdict_)


@pytest.mark.parametrize("calls", [8, 9, 20, 30, 100])
def test_a_median_s_interval_is_the_narrowest_of_order_statistics_at_97_5_per_cent(calls: int) -> None:
    """Coverage by counting coins: P(k <= heads <= n - k), of n fair ones, for the k-th from either end."""

    def coverage(k: int) -> float:
        return float(sum(math.comb(calls, heads) for heads in range(k, calls - k + 1)) / 2**calls)

    k = max(k for k in range(1, calls // 2 + 1) if coverage(k) >= 0.975)
    times = tuple(1e-4 * (1 + i) for i in range(calls))
    now = planted("a", 1e-4).model_copy(update={"samples": Samples(times, times)})
    (found,) = compare_runs([now], [constant("a", 1e-4, calls)]).times
    assert (found.low, found.high) == pytest.approx((k, calls + 1 - k))


def test_versions_of_which_nothing_is_worse_are_an_improvement_or_unchanged() -> None:
    records = cases()[:4]
    told = page_data.comparison(*(one.case for one in records))
    same = told.cells[-1].model_copy(update={"verdict": Verdict.UNCHANGED})
    faster = same.model_copy(update={"verdict": Verdict.IMPROVEMENT})
    for cells, state in (((same, faster), "improvement"), ((same,), "unchanged")):
        found = verdict.section(evidence(records, ab=told.model_copy(update={"cells": cells, "exit_code": 0})))
        (line,) = (row for row in table(found, "verdicts").rows if row["about"] == "Versions")
        assert line["verdict"] == state
