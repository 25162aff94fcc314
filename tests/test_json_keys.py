"""No key of any JSON, and no column of any frame, is lost: those that scripts read are listed in json_keys.json.

Values are free, and so are keys that are data: names of options, of problems, of libraries. A new key is added to the
list by hand; one that is gone is a broken promise to whoever reads it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

import harness
from harness.judge.gate.gate import GateReport
from harness.judge.studies.bars import Bar
from harness.judge.studies.implementations import Compared, Parting
from harness.judge.studies.published import Ending, Line, Summary
from harness.judge.versions.ab import judge_ab
from harness.judge.versions.calibration import Calibration
from harness.records.ab import Library
from harness.records.bisection import Bisection, Commit, Mark, Marked, Step
from harness.records.environment import Environment
from harness.records.record import Record
from harness.records.run import Run, Selection
from harness.report.render.ab_file import AbFile, ab_json
from harness.report.render.upgrade_file import UpgradeFile
from harness.report.words.accuracy import accuracy_json
from harness.report.words.bisect import bisection_json
from harness.store.conditions import Conditions, begin
from harness.store.entries import KINDS
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from tests import ab_cells, sweep_data
from tests.conftest import RunCli
from tests.history_site import HERE, Planted, make_commits, record
from tests.page_records import small_run
from tests.planted_machine import QUIET
from tests.test_ab_judge import SIDES
from tests.test_instructions_judge import SAME, a_count, line_of

pytestmark = pytest.mark.usefixtures("in_process")

EXPECTED: Mapping[str, list[str]] = json.loads((Path(__file__).parent / "json_keys.json").read_text(encoding="utf-8"))
DATA = {"options", "versions", "epochs_to", "seconds_to", "r2", "mse", "parameters", "steps", "solved", "measured"} | {
    "other_machines"
}
"""Objects whose keys are data, beside those that a pydantic model describes as such."""
SPLIT = "{}"


def paths(value: object, above: str = "") -> Iterator[str]:
    """Every key with those above it, as `cells[].speed.ratio`."""
    if isinstance(value, dict):
        data = above.rpartition(".")[2] in DATA
        for name, inner in value.items():
            path = f"{above}.{SPLIT if data else name}".removeprefix(".")
            yield path
            yield from paths(inner, path)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{above}[]")


def of_model(model: type[BaseModel]) -> set[str]:
    """Every key that a model can write, of parts that a value here may not have too."""
    schema = model.model_json_schema(mode="serialization")
    return set(_of_schema(schema, schema.get("$defs", {}), ""))


def _of_schema(schema: Any, named: Mapping[str, Any], above: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = named[schema["$ref"].rpartition("/")[2]]
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _of_schema(one, named, above)
    for items in (schema.get("items"), *schema.get("prefixItems", ())):
        if isinstance(items, dict):
            yield from _of_schema(items, named, f"{above}[]")
    data = above.rpartition(".")[2] in DATA
    for name, inner in schema.get("properties", {}).items():
        path = f"{above}.{SPLIT if data else name}".removeprefix(".")
        yield path
        yield from _of_schema(inner, named, path)
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        yield f"{above}.{SPLIT}"
        yield from _of_schema(more, named, f"{above}.{SPLIT}")


def check(name: str, found: set[str]) -> None:
    """Fails with what is lost, and with what is not in the list yet."""
    expected = set(EXPECTED[name])
    assert not expected - found, f"{name}: lost {sorted(expected - found)}"
    assert not found - expected, f"{name}: add to tests/json_keys.json: {sorted(found - expected)}"


def printed(text: str) -> set[str]:
    return set(paths(json.loads(text)))


def planted_run(run_id: str, records: list[Record], environment: Environment = HERE) -> Run:
    return Run(
        id=run_id,
        started_at="2026-03-01T12:00:00+00:00",
        command="harness run",
        selection=Selection(),
        planned=tuple(one.case for one in records),
        environment=environment,
    )


def expectations(folder: Path, entry: str) -> Path:
    """A file with one entry."""
    path = folder / "expectations.toml"
    head = "schema_version = 1\ndefault_problems = []\n[margins]\ndigits = 1\nexcess_loss = 10\nr2 = 0.1\nmse = 0.1\n"
    path.write_text(f'{head}[[expect]]\n{entry}\nsource = "planted"\n')
    return path


@pytest.fixture
def store(store_path: Path) -> Store:
    """A run with records of every kind, measured on both devices, and a sweep."""
    store = Store(str(store_path))
    records = list(small_run())
    store.keep(planted_run("run-1", records), records)
    kept = SweepStore(store)
    kept.start(sweep_data.sweep())
    predicted = ((12, 13, 14) * 2, (24, 26, 28) * 2, (36, 38, 41) * 2)
    cells = [
        sweep_data.cell(
            optimizer,
            lr,
            (30 + k, 40 + k, 50) * 2,
            problem=problem,
            predicted=predicted,
            stability_limit=1.0,
            curvature=(0.5, 2.0),
        )
        for problem in ("auto_mpg", "diabetes")
        for k, optimizer in enumerate(("sgd", "adam"))
        for lr in (0.01, 0.1, 1.0)
    ]
    kept.add(sweep_data.sweep().id, cells)
    return store


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_run_and_fit_print_records(run_cli: RunCli, store_path: Path) -> None:
    case = ("--in-process", "--json")
    ran = run_cli("run", "--problem", "four_points", "--solver", "numpy_lstsq", "--store", store_path, *case)
    fitted = run_cli("fit", "four_points", "numpy_lstsq", *case)
    check("record", of_model(Record))
    for found in (json.loads(ran.stdout)[0], json.loads(fitted.stdout)):
        assert set(found) == {path for path in EXPECTED["record"] if "." not in path and "[" not in path}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("compare", ("compare", "--by", "solver")),
        ("compare --by device", ("compare", "--by", "device")),
        ("sweep", ("sweep", "--show", "a1")),
    ],
)
def test_what_is_printed_of_a_store(name: str, words: tuple[str, ...], store: Store, run_cli: RunCli) -> None:
    check(name, printed(run_cli(*words, "--store", store.url, "--json").stdout))


def test_gate(store: Store, run_cli: RunCli, tmp_path: Path) -> None:
    records = list(small_run())
    store.keep(planted_run("run-2", records), records[:-1])
    path = expectations(
        tmp_path, 'problem = "diabetes"\nsolver = "sklearn"\nexpected_failure = "planted"\nstatus = "wrong"'
    )
    ended = run_cli("gate", "--store", store.url, "--expectations", path, "--json")
    check("gate", printed(ended.stdout))


def test_accuracy(run_cli: RunCli) -> None:
    records = list(small_run())
    bar = Bar("digits", held=True)
    check("accuracy", printed(accuracy_json("run-1", records, [bar], GateReport((), (), 1), 1)))
    check("accuracy --certified", printed(run_cli("accuracy", "--certified", "--json").stdout))


@pytest.mark.slow
def test_findings(run_cli: RunCli) -> None:
    check("findings", printed(run_cli("findings", "--json").stdout))
    listed = [one["id"] for one in json.loads(run_cli("findings", "--json").stdout)]
    full = set().union(*(printed(run_cli("findings", name, "--json").stdout) for name in listed))
    check("findings ID", full)


def test_published(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(
        tutorial="t", figure="f", printed=1.0, reproduced=None, count=1, matched=0, deviation=None, tolerance_text="",
        outcome=Ending.NOT_RUN, reason="planted",
    )  # fmt: skip
    monkeypatch.setattr("harness.studies.published.reproduce", lambda *_, **__: [line])
    check("published", printed(run_cli("published", "--json").stdout))
    check("published", of_model(Summary))


def test_sweep_implementations(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Compared(problem="p", optimizer="sgd", dtype="float32", implementation="foreach", status=Parting.SAME)
    monkeypatch.setattr("harness.sweep.implementations.compare", lambda *_, **__: [line])
    words = ("sweep", "--implementations", "--problem", "four_points", "--optimizer", "sgd", "--json")
    check("sweep --implementations", printed(run_cli(*words).stdout))


def test_doctor(store: Store, run_cli: RunCli) -> None:
    begin(store, "run-1", Conditions(before=QUIET, after=QUIET))
    found = printed(run_cli("doctor", "--run", "run-1", "--store", store.url, "--json").stdout)
    check("doctor", {path for path in found if not path.startswith("readings[].")})
    check("conditions", of_model(Conditions))
    assert {path.removeprefix("readings[].") for path in found if path.startswith("readings[].")} <= set(
        EXPECTED["conditions"]
    )


@pytest.mark.slow
def test_history(run_cli: RunCli, tmp_path: Path, store_path: Path) -> None:
    commits = make_commits(tmp_path, 4)
    planted = Planted(Store(str(store_path)))
    for i, one in enumerate(commits):
        versions = {"numpy": "2.3.1" if i < 3 else "2.4.6", "ls-harness": "0.1.0"}
        accuracy = replace(record().accuracy, digits=13.0 if i < 2 else 7.0)
        planted.launch(one, 1e-3, environment=HERE.model_copy(update={"versions": versions}), accuracy=accuracy)
    words = ("history", "four_points", "numpy_lstsq", "--quantity", "digits", "--store", store_path, "--json")
    check("history", printed(run_cli(*words).stdout))


def test_nightly(run_cli: RunCli, store_path: Path) -> None:
    planted = Planted(Store(str(store_path)))
    other = record(solver="normal_equations")
    for i, machine in enumerate(("other", "bench", "bench")):
        planted.machine = machine
        fitted = record().model_copy(update={"accuracy": replace(record().accuracy, digits=13.0 - 5 * i)})
        planted.launch("a" * 40, 1e-3, records=[fitted, other.model_copy(update={"data_sha256": str(i) * 64})])
    run = planted.store.runs()[-1].id
    check("nightly", printed(run_cli("nightly", "--run", run, "--store", store_path, "--json").stdout))


def test_ab() -> None:
    rng = np.random.default_rng(0)
    text = ab_json(
        judge_ab([ab_cells.cell(rng, 1.2), ab_cells.cell(rng, 1.0, case="lost", head={"status": "wrong"})]), *SIDES
    )
    check("ab", of_model(AbFile))
    assert printed(text) <= set(EXPECTED["ab"])
    check("ab --calibrate", of_model(Calibration))


def test_ab_instructions(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.ab.process.identify", lambda *_: SIDES[0])
    monkeypatch.setattr("harness.ab.instructions.need_valgrind", lambda: None)
    monkeypatch.setattr("harness.ab.instructions.count_and_judge", lambda *_: [line_of(a_count(1e6), a_count(1.01e6))])
    check("ab --instructions", printed(run_cli(*SAME, "--json").stdout))


def test_upgrade() -> None:
    check("upgrade", of_model(UpgradeFile))


def test_bisect() -> None:
    found = Bisection((Step("a", Marked(Mark.BAD, "slow", (Library(name="numpy"),))),), ("a",))
    check("bisect", printed(bisection_json("case", "time", found, [Commit("a", "who", "when", "what", ("file",))])))


@pytest.mark.parametrize("kind", list(KINDS))
def test_export(kind: str) -> None:
    check(f"store export: {kind}", of_model(KINDS[kind]))


@pytest.mark.slow
def test_export_writes_them(store: Store, run_cli: RunCli, tmp_path: Path) -> None:
    run_cli("store", "export", "all.jsonl", "--store", store.url)
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    seen = {next(kind for kind in KINDS if kind in line) for line in lines}
    assert seen == set(KINDS) - {"conditions"}
    for line in lines:
        kind = next(kind for kind in KINDS if kind in line)
        assert set(paths(line)) <= set(EXPECTED[f"store export: {kind}"])


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_frames(store_path: Path, store: Store, tmp_path: Path) -> None:
    made = harness.run(problems="four_points", solvers="numpy_lstsq", store=None)
    path = expectations(tmp_path, 'problem = "four_points"\nsolver = "numpy_lstsq"\ndigits_min = 1.0')
    loaded = harness.load(store=store_path, run="run-1")
    frames = {
        "run": made,
        "load": loaded,
        "compare": harness.compare(loaded, by="solver"),
        "compare by device": harness.compare(loaded, by="device"),
        "gate": harness.gate(made, expectations=path),
    }
    for name, frame in frames.items():
        check(f"frame of {name}", set(frame.columns))
