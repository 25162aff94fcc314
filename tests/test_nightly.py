"""harness nightly: nights that are planted in a store, and what is said of each. No clock, no fit."""

import json
import statistics
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.webhook import posted
from harness.history.nights import nights_of
from harness.judge.history.night import NightReport
from harness.judge.verdict import Verdict
from harness.problems.problem import OWN
from harness.records.environment import Environment
from harness.records.record import Record, Samples
from harness.records.run import this_command
from harness.report.html.order import sections
from harness.report.html.section import Note, Table
from harness.report.purpose import Purpose
from harness.report.tables.night import night_object
from harness.report.words.night import blame, conclusion, heading, night
from harness.solvers.status import Status
from harness.store.store import Store
from harness.store.thinning import thinned
from tests.conftest import RunCli
from tests.history_site import HERE, Planted, record
from tests.page_site import evidence
from tests.test_page_decision import facts

CASES = tuple(f"p{i}" for i in range(10))
NEWER = HERE.model_copy(update={"versions": HERE.versions | {"numpy": "2.4.6"}})
OTHER_CPU = HERE.model_copy(update={"cpu": "another"})
A, B = "a" * 40, "b" * 40


def record_of(name: str, **changed: object) -> Record:
    key = f"{name} numpy_lstsq cpu threads=1 dtype=float64"
    return record().model_copy(update={"problem": name, "problem_name": name, "case": key, **changed})


def with_digits(name: str, digits: float, status: Status = Status.OK) -> Record:
    return record_of(name, accuracy=replace(record().accuracy, digits=digits), status=status)


class Bench(Planted):
    """Nights of ten cases, or as many as are named, each of a millisecond unless said otherwise."""

    machine = "bench"
    calls = 8

    def night(
        self,
        commit: str | None = A,
        environment: Environment = HERE,
        *,
        cases: Sequence[str] = CASES,
        slower: dict[str, float] | None = None,
        instead: Sequence[Record] = (),
    ) -> NightReport:
        """One more night; `slower`: factors by case; `instead`: records in the place of those of their names."""
        own = {name: record_of(name) for name in cases} | {one.problem: one for one in instead}
        times = [1e-3 * (slower or {}).get(name, 1.0) * self._noise(name) for name in own]
        self.launch(commit, times, environment=environment, records=list(own.values()))
        return self.report()

    def _noise(self, name: str) -> float:
        """Half a per cent, the same in every test."""
        seed = [self.launches, int(name[1:])]
        return float(np.exp(np.random.default_rng(seed).normal(0, 0.005)))

    def report(self) -> NightReport:
        return nights_of(self.store, self.store.runs()[-1]).report()


@pytest.fixture
def bench(store_path: Path) -> Bench:
    made = Bench(Store(str(store_path)))
    made.machine, made.calls = Bench.machine, Bench.calls
    return made


def told(report: NightReport) -> list[tuple[str, str, str]]:
    return [(one.verdict.value, one.record.problem, one.quantity) for one in report.changes]


def text_of(report: NightReport) -> str:
    document = night(report)
    return "\n".join(f"{getattr(part, 'word', '')} {getattr(part, 'text', '')}" for part in document.parts)


@pytest.mark.slow
def test_a_week_of_nights(bench: Bench) -> None:
    first = bench.night()
    assert (first.exit_code, first.changes) == (3, ())
    assert conclusion(first) == "The first night on bench: nothing is compared, 10 cases kept."

    quiet = bench.night()
    assert (quiet.exit_code, quiet.changes, quiet.moved) == (0, (), ())
    assert conclusion(quiet) == "Nothing changed: 10 cases compared with 1 night before."

    upgrade = bench.night(environment=NEWER, instead=[with_digits("p3", 4.0, Status.WRONG)])
    assert upgrade.exit_code == 1
    assert upgrade.moved == ("numpy 2.3.1 → 2.4.6",)
    assert told(upgrade) == [("regression", "p3", "status"), ("regression", "p3", "digits")]
    assert blame(upgrade.changes[0]).endswith("numpy 2.3.1 → 2.4.6; no commit is to blame")

    same = bench.night(environment=NEWER, instead=[with_digits("p3", 4.0, Status.WRONG)])
    assert (same.exit_code, same.changes) == (0, ())
    assert [case.split()[0] for case in same.failing] == ["p3"]

    broken = [with_digits("p3", 4.0, Status.WRONG)]
    changed = record_of("p5", data_sha256="f" * 64)
    edited = bench.night(B, NEWER, instead=[*broken, changed], slower={"p5": 3.0})
    assert (edited.exit_code, edited.changes, len(edited.compared)) == (0, (), 9)
    assert [one.record.problem for one in edited.other_data] == ["p5"]
    assert "1 case not compared, and no commit is to blame" in text_of(edited)
    assert conclusion(edited) == (
        "Nothing else changed: 9 cases compared with 4 nights before; of 1 case the data changed."
    )

    slower = bench.night("c" * 40, NEWER, instead=[*broken, changed], slower={"p7": 1.4, "p5": 3.0})
    assert (slower.exit_code, told(slower)) == (1, [("regression", "p7", "time")])
    assert slower.changes[0].ratio == pytest.approx(1.4, abs=0.03)
    assert "commit bbbbbbbb → cccccccc; versions and data are the same" in blame(slower.changes[0])

    bench.launches -= 3  # the clock goes back: this night is dated before the last one
    late = bench.night("c" * 40, NEWER, instead=[*broken, changed], slower={"p7": 1.4, "p5": 3.0})
    assert (late.exit_code, late.changes, late.clock_back) == (0, (), True)
    assert late.last is not None
    assert late.last.id == slower.run.id
    assert "it was set back" in text_of(late)


@pytest.mark.slow
def test_the_page_of_a_night_begins_with_what_the_night_says(bench: Bench) -> None:
    first = sections(evidence((), purpose=Purpose.GATE, night=bench.night()))[0]
    assert (first.tone, facts(first)) == ("doubt", {"kept": "10"})
    worse = bench.night(B, NEWER, instead=[with_digits("p3", 4.0)])
    found, *_ = sections(evidence((), purpose=Purpose.GATE, night=worse))
    assert found.asked == f"What changed last night? {heading(worse).replace('night', 'Night', 1)}."
    assert (found.conclusion, found.tone) == (conclusion(worse), "bad")
    assert facts(found) == {"worse": "1", "better": "0", "not compared": "0"}
    assert any("numpy 2.3.1 → 2.4.6" in part.text for part in found.parts if isinstance(part, Note))
    (row,) = next(part.rows for part in found.parts if isinstance(part, Table))
    assert (row["problem"], row["quantity"], row["now"]) == ("p3", "digits", "4.0")


@pytest.mark.slow
def test_a_night_whose_hardware_changed_compares_answers_and_no_times(bench: Bench) -> None:
    for _ in range(5):
        bench.night()
    report = bench.night(B, OTHER_CPU, slower=dict.fromkeys(CASES, 2.0), instead=[with_digits("p1", 3.0)])
    assert told(report) == [("regression", "p1", "digits")]
    assert report.moved == ("commit aaaaaaaa → bbbbbbbb", "cpu planted → another")
    assert blame(report.changes[0]).endswith("which of them did it is not known")
    assert "times of 10 cases" in text_of(report)


def test_a_night_of_which_all_data_changed_exits_3(bench: Bench) -> None:
    bench.night(cases=("p1",))
    report = bench.night(cases=(), instead=[record_of("p1", data_sha256="f" * 64)])
    assert (report.exit_code, conclusion(report)) == (3, "Nothing is compared: the data of 1 case changed.")


@pytest.mark.slow
def test_a_file_that_was_moved_is_the_same_case_until_both_are_there(bench: Bench) -> None:
    def own(path: str, content: str) -> Record:
        key = f"{path}:y numpy_lstsq cpu threads=1 dtype=float64"
        said = {"problem": f"{path}:y", "case": key, "family": OWN, "data_sha256": content}
        return record_of("flats", accuracy=replace(record().accuracy, digits=9.0), **said)

    def night(*records: Record) -> NightReport:
        bench.launch(A, [1e-3] * len(records), records=list(records))
        return bench.report()

    night(own("flats.csv", "a"), record_of("p1"))
    worse = own("moved/flats.csv", "a").model_copy(update={"accuracy": record().accuracy})
    moved = night(worse, record_of("p1"))
    assert (moved.added, moved.gone, len(moved.compared)) == ((), (), 2)
    assert told(moved) == [("improvement", "moved/flats.csv:y", "digits")]
    edited = night(own("moved/flats.csv", "b"), record_of("p1"))
    assert [one.record.problem for one in edited.other_data] == ["moved/flats.csv:y"]
    both = night(own("flats.csv", "a"), own("moved/flats.csv", "b"), record_of("p1"))
    assert (both.gone, both.cases) == ((), 3)
    left = night(record_of("p1"))
    assert [case.split(":")[0] for case in left.gone] == ["flats.csv", "moved/flats.csv"]


@pytest.mark.slow
def test_each_machine_of_a_store_has_a_series_of_its_own(bench: Bench) -> None:
    bench.night(slower=dict.fromkeys(CASES, 5.0))
    bench.machine = "laptop"
    first = bench.night()
    assert (first.exit_code, first.last) == (3, None)
    assert "other machines in this store: bench (1 night)" in conclusion(first)
    bench.machine = "bench"
    again = bench.night(slower=dict.fromkeys(CASES, 5.0))
    assert (again.exit_code, again.changes, again.nights) == (0, (), 1)


@pytest.mark.slow
@pytest.mark.parametrize("cases", [("p0", "p1"), ("p0", "p1", "p2", "p3")])
def test_few_cases_are_judged_by_the_nights_before(bench: Bench, cases: tuple[str, ...]) -> None:
    for _ in range(5):
        assert bench.night(cases=cases).changes == ()
    report = bench.night(B, cases=cases, slower={"p0": 1.3})
    assert told(report) == [("regression", "p0", "time")]
    # It is told once: the next night that is as slow changes nothing, and neither does the history's step of it.
    for _ in range(3):
        assert bench.night(B, cases=cases, slower={"p0": 1.3}).changes == ()


@pytest.mark.slow
def test_where_all_cases_are_slower_at_once_the_machine_may_be(bench: Bench) -> None:
    for _ in range(5):
        bench.night()
    slow = dict.fromkeys(CASES, 1.5)
    assert bench.night(slower=slow).changes == ()
    lasting = bench.night(slower=slow)
    assert {(one.quantity, one.verdict) for one in lasting.changes} == {("time", Verdict.REGRESSION)}
    assert lasting.machine_wide
    assert "the machine, hardly a commit" in text_of(lasting)
    assert bench.night(slower=slow).changes == ()


@pytest.mark.slow
def test_a_slow_loss_of_digits_is_told_when_it_is_half_a_digit(bench: Bench) -> None:
    reports = [bench.night(instead=[with_digits("p1", digits)]) for digits in (13.0, 12.8, 12.6, 12.4, 12.3)]
    assert [told(report) for report in reports] == [[], [], [], [("regression", "p1", "digits")], []]
    assert (reports[3].changes[0].before, reports[3].changes[0].now) == ("12.6", "12.4")


@pytest.mark.slow
def test_a_case_that_can_no_longer_be_run_is_worse(bench: Bench) -> None:
    bench.night()
    gone = record_of("p2", status=Status.UNSUPPORTED, message="jax is not installed")
    report = bench.night(instead=[gone])
    assert told(report) == [("regression", "p2", "status")]


def test_new_cases_and_those_that_are_gone_are_named(bench: Bench) -> None:
    bench.night(cases=("p1", "p2"))
    report = bench.night(cases=("p2", "p3"))
    assert [one.split()[0] for one in (*report.added, *report.gone)] == ["p3", "p1"]
    assert report.exit_code == 0


# What is printed, written and sent.


class _Hook(BaseHTTPRequestHandler):
    answer = 200
    got: list[Any]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append(json.loads(body))
        self.send_response(self.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hook(answer: int = 200) -> Iterator[tuple[str, list[Any]]]:
    """A server that keeps what is posted to it, with an address whose path is a secret."""
    kept: list[Any] = []
    kind = type("Hook", (_Hook,), {"answer": answer, "got": kept})
    with HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/SECRET", kept
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.slow
def test_a_night_is_written_in_every_form(bench: Bench, run_cli: RunCli, store_path: Path, tmp_path: Path) -> None:
    bench.night()
    bench.night(B, NEWER, instead=[with_digits("p3", 4.0)])
    files = {name: tmp_path / f"night.{name}" for name in ("junit", "markdown", "atom")}
    asked = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    run = bench.store.runs()[-1].id
    with hook() as (url, got):
        ended = run_cli("nightly", "--run", run, "--store", store_path, *asked, "--webhook", url)
        assert run_cli("nightly", "--run", run, "--store", store_path, "--webhook", url, "--slack", "-q").code == 1
    assert (ended.code, ended.stderr) == (1, "")
    assert "1 case worse: 10 cases compared with 1 night before." in ended.stdout
    suite = fromstring(files["junit"].read_text())  # noqa: S314  # our own
    assert (suite.get("tests"), suite.get("failures")) == ("10", "1")
    assert files["markdown"].read_text().startswith("### ❌ 1 case worse")
    feed = fromstring(files["atom"].read_text())  # noqa: S314  # our own
    (entry,) = feed.findall("{*}entry")
    assert "numpy 2.3.1 → 2.4.6" in (entry.findtext("{*}content") or "")
    assert got[0] == night_object(bench.report(), conclusion(bench.report())) | {"changes": got[0]["changes"]}
    assert [one["quantity"] for one in got[0]["changes"]] == ["digits"]
    assert set(got[1]) == {"text"}
    assert "• worse: digits of numpy_lstsq on p3: " in got[1]["text"]


@pytest.mark.slow
@pytest.mark.parametrize("answer", [404, None])
def test_a_message_that_does_not_arrive_is_one_line_and_costs_nothing(
    bench: Bench, run_cli: RunCli, store_path: Path, answer: int | None
) -> None:
    bench.night()
    bench.night()
    with hook(answer or 200) as (url, _):
        where = url if answer else "http://127.0.0.1:1/SECRET"
        run = bench.store.runs()[-1].id
        ended = run_cli("nightly", "--run", run, "--store", store_path, "--webhook", where)
    assert (ended.code, ended.stderr.count("\n")) == (0, 1)
    assert "was not delivered" in ended.stderr
    assert "SECRET" not in ended.stdout + ended.stderr


def test_the_address_of_a_webhook_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["--webhook", "https://h/SECRET"], ["--webhook=https://h/SECRET"]):
        monkeypatch.setattr("sys.argv", ["harness", "nightly", *words, "--slack"])
        assert "SECRET" not in this_command()
        assert this_command().endswith("--slack")
    assert "SECRET" not in posted("http://127.0.0.1:1/SECRET", {})


def test_wrong_words_are_one_line(bench: Bench, run_cli: RunCli, store_path: Path, tmp_path: Path) -> None:
    bench.machine = ""
    bench.launch(A, 1e-3)
    run = bench.store.runs()[-1].id
    for words, said in (
        (("--run", run), "is no night"),
        (("--run", "nothing"), "no run 'nothing'"),
        (("--run", run, "--machine", "b"), "drop --machine"),
        (("--slack",), "--webhook"),
        (("--webhook", "file:///etc/passwd"), "begins with https://"),
        (("--page", "page.txt"), "suffix is .html"),
    ):
        ended = run_cli("nightly", *words, "--store", store_path)
        assert (ended.code, ended.stdout, ended.stderr.count("\n")) == (2, "", 1), words
        assert said in ended.stderr
    assert "names no problem and no solver" in run_cli("nightly", "--store", store_path).stderr
    (tmp_path / "harness.toml").write_text("[nightly]\nwhole = 0\n")
    assert "nightly" in run_cli("nightly", "--store", store_path).stderr


@pytest.mark.slow
def test_a_night_is_measured_without_git_and_the_next_is_compared(run_cli: RunCli, tmp_path: Path) -> None:
    said = 'problems = ["four_points"]\nsolvers = ["numpy_lstsq"]\n[nightly]\nmachine = "bench"\n'
    (tmp_path / "harness.toml").write_text(said)
    first = run_cli("nightly")
    assert (first.code, "The first night on bench" in first.stdout) == (3, True), first.stderr
    again = run_cli("nightly", "--json")
    shown = json.loads(again.stdout)
    assert (again.code, shown["compared"], shown["nights_before"], shown["commit"]) == (0, 1, 1, None)
    assert run_cli("nightly", "--run", shown["run"], "--quiet").stdout == ""


# Samples of old nights.

calls = st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=60)


@pytest.mark.slow
@given(wall_s=calls, cpu_s=calls)
def test_thinning_keeps_the_medians_and_the_ends(wall_s: list[float], cpu_s: list[float]) -> None:
    before = record().model_copy(update={"samples": Samples(tuple(wall_s), tuple(cpu_s))})
    after = thinned(before)
    for clock in ("wall", "cpu"):
        old, new = before.samples.by(clock), after.samples.by(clock)
        assert (statistics.median(new), min(new), max(new)) == (statistics.median(old), min(old), max(old))
        assert len(new) == len(old) or len(new) in (9, 10)
    assert after.call_s == before.call_s
    assert (after.thinned_from is None) == (max(len(wall_s), len(cpu_s)) <= 10)
    assert thinned(after) is after


@pytest.mark.slow
def test_old_nights_are_thinned_and_say_so(bench: Bench, run_cli: RunCli, store_path: Path, tmp_path: Path) -> None:
    bench.calls = 30
    for _ in range(3):
        bench.night(cases=("p0", "p1"))
    copy = tmp_path / "copy.sqlite"
    assert run_cli("store", "merge", str(store_path), "--store", copy).code == 0
    (tmp_path / "harness.toml").write_text("[nightly]\nwhole = 2\n")
    newest = bench.store.runs()[-1].id
    before = [one.call_s for run in bench.store.runs() for one in bench.store.records(run.id)]
    for _ in range(2):  # the second time there is nothing left to thin
        assert run_cli("nightly", "--run", newest, "--store", store_path).code == 0
    runs = [bench.store.records(run.id) for run in bench.store.runs()]
    assert [[(len(one.samples.wall_s), one.thinned_from) for one in records] for records in runs] == [
        [(10, 30)] * 2,
        [(30, None)] * 2,
        [(30, None)] * 2,
    ]
    assert [one.call_s for records in runs for one in records] == before
    assert run_cli("store", "check", "--store", store_path).code == 0
    for source, into in ((store_path, copy), (copy, store_path)):
        merged = run_cli("store", "merge", str(source), "--store", into)
        assert merged.code == 0, merged.stderr
