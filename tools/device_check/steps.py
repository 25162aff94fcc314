"""The steps of the check: each leaves its files in the folder and says in a line what was seen, or why it was not."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from harness.measure.conditions import doubts_now, probe
from harness.measure.isolation.isolated import Isolated
from harness.measure.plan import single
from harness.problems.catalog import load
from harness.records.environment import environment
from harness.report.words.doubts import doctor_json
from harness.solvers.catalog import get
from harness.solvers.options import Options
from harness.solvers.solver import Solver
from harness.solvers.status import Status
from harness.store.store import Store
from harness.timing.device import CPU, CUDA, kind_of
from tools.device_check.ceilings import ceilings, gram_bars
from tools.device_check.faults import INDEX_OUT_OF_RANGE, MODULE, TOO_LARGE

ROOT = Path(__file__).resolve().parents[2]
SIZES = ("1e3", "1e4", "1e5", "1e6")
CLOSED_FORMS = ("torch_gels", "normal_equations_torch", "streaming")
TRAINING = ("--solver", "torch_sgd", "--lr", "0.1", "--epochs", "100")
LIMITS_S = {"tests": 180.0, "bars": 90.0, "run": 60.0, "compare": 30.0}
"""Of each process, so that all steps end within eight minutes."""


@dataclass(frozen=True)
class Seen:
    """How a step came out. `missing`: what could not be checked here, and why; `failed`: what is not as it should."""

    text: str
    missing: str = ""
    failed: str = ""


Step = Callable[[str, Path], Seen]


def state(device: str, folder: Path) -> Seen:
    """The environment, the doctor's checks, and all that the driver's tool prints."""
    found = environment(devices=[device])
    _write(folder / "environment.json", found.model_dump(mode="json"))
    watched = probe()
    doubts = doctor_json(doubts_now(watched), None, [watched.model_dump(mode="json")])
    (folder / "doctor.json").write_text(doubts + "\n", encoding="utf-8")
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return Seen(f"{found.cpu}, torch {found.versions.get('torch')}", "no nvidia-smi: the driver says nothing here")
    done = subprocess.run([smi, "-q"], capture_output=True, text=True, check=False, timeout=LIMITS_S["compare"])
    (folder / "nvidia-smi.txt").write_text(done.stdout, encoding="utf-8")
    return Seen(", ".join(map(str, found.devices)) or found.cpu)


def measured_ceilings(device: str, folder: Path) -> Seen:
    """Copies, launches, products, transfers, and the Gram matrix's bar."""
    found = list(ceilings(device))
    bars = gram_bars(found)
    _write(folder / "ceilings.json", {"ceilings": [asdict(one) for one in found], "bars": bars})
    (folder / "ceilings.txt").write_text("".join(one.text + "\n" for one in found), encoding="utf-8")
    broken = [f"{bar['name']}: {bar['share']:.2f} of what is possible" for bar in bars if bar["held"] is False]
    missing = [f"{one.name}: {one.note}" for one in found if one.seconds is None]
    if device == CPU:
        missing.append("the Gram matrix's bar: it is a device's")
    text = "; ".join(one.text for one in found[:2])
    return Seen(text, "; ".join(missing), "" if device == CPU else "; ".join(broken))


def marked_tests(_device: str, folder: Path) -> Seen:
    """The tests marked cuda."""
    report = folder / "tests.xml"
    words = ["-m", "pytest", "-m", "cuda", "-q", "-n", "0", "-p", "no:cacheprovider", f"--junitxml={report}", "tests"]
    rc = _process(words, folder / "tests.txt", LIMITS_S["tests"])
    if not report.exists():
        return Seen("", failed=f"the tests did not end (exit code {rc}): see tests.txt")
    counted = [dict(one.attrib) for one in ET.parse(report).iter("testsuite")]  # noqa: S314  # pytest has just written it
    total, skipped, wrong = (
        sum(int(one.get(name, 0)) for one in counted for name in names)
        for names in (("tests",), ("skipped",), ("failures", "errors"))
    )
    text = f"{total} tests: {total - skipped - wrong} passed, {wrong} failed, {skipped} skipped"
    missing = f"{skipped} tests marked cuda were skipped" if skipped else ""
    return Seen(text, missing, f"{wrong} tests failed: see tests.txt" if wrong else "")


def training_bars(device: str, folder: Path) -> Seen:
    """What graphs and batches must gain on CUDA."""
    if kind_of(device) != CUDA:
        return Seen("", f"the bars of training on CUDA: {device} is none")
    words = ["-m", "benchmarks", "training", "--device", device, "--json"]
    rc = _process(words, folder / "bars.json", LIMITS_S["bars"])
    with suppress(ValueError):
        bars = [one for one in json.loads((folder / "bars.json").read_text())["bars"] if "CUDA" in one["text"]]
        broken = [f"{one['text']}: {one['measured']}" for one in bars if one["ruling"] == "not held"]
        unmeasured = [f"{one['text']}: {one['measured']}" for one in bars if one["ruling"] == "not measured"]
        return Seen(f"{len(bars)} bars", "; ".join(unmeasured), "; ".join(broken))
    return Seen("", failed=f"the benchmark did not end (exit code {rc}): see bars.json.err")


def run_and_compare(device: str, folder: Path) -> Seen:
    """One drawn problem at several sizes on all devices, and with all threads of the CPU; then the comparison."""
    store, where = str(folder / "store.sqlite"), device if device == CPU else "all"
    cores = str(len(os.sched_getaffinity(0)))
    problem = [word for n in (SIZES[:2] if device == CPU else SIZES) for word in ("--n", n)]
    closed_forms = tuple(word for name in CLOSED_FORMS for word in ("--solver", name))
    asked = ["-m", "harness", "run", "--problem", "synthetic", *problem, "--store", store]
    codes = [
        _process([*asked, *solvers, "--device", *place], folder / f"run_{what}_{name}.txt", LIMITS_S["run"])
        for what, solvers in (("closed_forms", closed_forms), ("training", TRAINING))
        for name, place in (("on_all_devices", (where,)), ("with_all_threads", (CPU, "--threads", cores)))
    ]
    if any(code not in (0, 1) for code in codes):  # 1: a case ended wrong, which its row says
        return Seen("", failed=f"the runs ended with exit codes {codes}: see run_*.txt")
    ids = [run.id for run in Store(store, create=False).runs()]
    words = ["-m", "harness", "compare", "--by", "device", "--store", store]
    words += [word for one in ids for word in ("--run", one)]
    _process(words, folder / "compare.txt", LIMITS_S["compare"])
    code = _process([*words, "--json"], folder / "compare.json", LIMITS_S["compare"])
    text = f"{len(ids)} runs, compared in compare.txt"
    if device == CPU:
        return Seen(text, "CPU against a device: there is none in this dry run")
    return Seen(text, failed="" if code == 0 else f"the comparison ended with exit code {code}: see compare.txt")


def faults(device: str, folder: Path) -> Seen:
    """An index out of range and 200 GB, each with a good case after it, in workers."""
    good = get("normal_equations_torch")
    solvers: list[Solver] = [good, INDEX_OUT_OF_RANGE, good]
    if device != CPU:
        solvers += [TOO_LARGE, good]
    wanted = [Status.OK, Status.ERROR, Status.OK, Status.OUT_OF_MEMORY, Status.OK]
    problem = load("synthetic:n=2000,p=4")
    with closing(Isolated(solvers=MODULE)) as place:
        records = [place.fit(single(problem, solver, Options(device=device))) for solver in solvers]
    _write(folder / "faults.json", [record.model_dump(mode="json", exclude={"samples"}) for record in records])
    wrong = [
        f"{record.solver} after {number} cases is {record.status}, not {expected}"
        for number, (record, expected) in enumerate(zip(records, wanted, strict=False))
        if record.status is not expected
    ]
    missing = "200 GB, and that a device's context is lost: the CPU loses none" if device == CPU else ""
    return Seen(", ".join(record.status for record in records), missing, "; ".join(wrong))


def deficient_design(device: str, folder: Path) -> Seen:
    """What torch.linalg.lstsq says of a design without full rank (pytorch 117122 and 180157)."""
    import numpy as np
    import torch

    A = torch.arange(1.0, 10.0, dtype=torch.float64).reshape(3, 3)
    known = np.linalg.lstsq(A.numpy(), A.numpy(), rcond=None)[0]
    try:
        answer = torch.linalg.lstsq(A.to(device), A.to(device), driver="gels").solution.cpu().numpy()
        said = f"no error, and {abs(answer - known).max():.2g} from the least solution"
    except (RuntimeError, NotImplementedError) as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
    _write(folder / "deficient_design.json", {"torch": torch.__version__, "device": device, "said": said})
    missing = "what CUDA answers for a deficient design" if kind_of(device) != CUDA else ""
    return Seen(f"gels of rank 2 of 3: {said}", missing)


STEPS: Sequence[tuple[str, Step]] = (
    ("state of the device", state),
    ("ceilings", measured_ceilings),
    ("two faults", faults),
    ("deficient design", deficient_design),
    ("run and compare", run_and_compare),
    ("bars of training", training_bars),
    ("tests marked cuda", marked_tests),
)


def _process(words: Sequence[str], output: Path, limit_s: float) -> int:
    """Python with these words in the checkout, its standard output in a file and its errors beside it; its exit code.

    124 where it was ended after so many seconds, as timeout(1) has it.
    """
    with output.open("wb") as out, output.with_name(output.name + ".err").open("wb") as err:
        try:
            command = [sys.executable, *words]
            return subprocess.run(command, cwd=ROOT, stdout=out, stderr=err, timeout=limit_s, check=False).returncode
        except subprocess.TimeoutExpired:
            return 124


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, default=str) + "\n", encoding="utf-8")
