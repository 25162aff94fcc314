"""The findings: the files, what is installed here, and each defect reproduced by its case and its script."""

import os
import subprocess  # the scripts run as a person would run them
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.errors import CannotMeasureError, UsageError, unknown
from harness.judge.studies.finding import Finding, read_finding
from harness.judge.studies.findings import Ending, FindingLine, judge
from harness.judge.studies.symptom import ERROR, Measurement
from harness.measure.place import InTurn
from harness.measure.plan import Case, single
from harness.measure.run import InProcess
from harness.paths import results_folder
from harness.problems import catalog as problems
from harness.records.record import Record
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.timing.sampling import UNTIMED
from harness.timing.threads import ONE_THREAD, limited

TIMEOUT_S = 120
"""Of one script: each takes seconds, most of them the library's import."""


def finding_files() -> dict[str, Path]:
    """Id -> file of every finding. Raises CannotMeasureError if there is none."""
    return files_in(results_folder() / "findings", "findings")


def files_in(folder: Path, what: str) -> dict[str, Path]:
    """Name -> file of each that is committed there. Raises CannotMeasureError if there is none."""
    found = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    if not found:
        raise CannotMeasureError(f"no {what} in {folder}: restore the folder")
    return found


def findings(name: str | None = None) -> list[Finding]:
    """Every finding, or the one of that id, by library. Raises UsageError, one line, for a bad file or name."""
    known = finding_files()
    if name is not None and name not in known:
        raise unknown("finding", name, known)
    chosen = known.values() if name is None else [known[name]]
    return sorted(map(read_finding, chosen), key=lambda finding: (finding.library, finding.id))


def installed(library: str) -> str | None:
    """The version of a distribution that is installed here, if it is."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def survey(chosen: Sequence[Finding]) -> list[FindingLine]:
    """Whether each finding's defect is here, by the installed version; nothing is run."""
    return [judge(finding, installed(finding.library)) for finding in chosen]


def reproduce(
    chosen: Sequence[Finding], on_finding: Callable[[str], None] | None = None, place: InTurn | None = None
) -> list[FindingLine]:
    """Run the case, in `place`, and the script of every finding whose library is here, and judge both.

    `on_finding` is told of each before it runs; `place` is this process unless it is given. Raises UsageError for
    an unknown problem or solver before anything is run. What a library does is a line, never an exception.
    """
    cases = {finding.id: _case(finding) for finding in chosen}
    lines = []
    for finding in chosen:
        here = installed(finding.library)
        if here is None:
            lines.append(judge(finding, None))
            continue
        if on_finding:
            on_finding(finding.id)
        case = cases[finding.id]
        seen = None if case is None else _seen(case, finding.repeats, place or InProcess())
        lines.append(judge(finding, here, seen, run_script(finding)))
    return lines


def failed(lines: Sequence[FindingLine]) -> bool:
    """Whether a finding's file is not true here."""
    return any(line.outcome is Ending.NOT_AS_SAID for line in lines)


def measured(lines: Sequence[FindingLine]) -> bool:
    """Whether any finding was checked: its library is here, and its script ran."""
    return any(line.outcome is not Ending.NOT_CHECKED for line in lines)


def _case(finding: Finding) -> Case | None:
    """The finding's case, resolved; None where it has none."""
    if finding.problem is None or finding.solver is None:
        return None
    try:
        return single(problems.named(finding.problem), solvers.get(finding.solver), Options())
    except UsageError as error:
        raise UsageError(f"{finding_files()[finding.id]}: {error}") from None


def _seen(case: Case, repeats: int, place: InTurn) -> Measurement:
    """What the record of the case says; of the last one, with how many different answers the repeats gave."""
    with limited(1):
        records = [place.fit(case) for _ in range(repeats)]
        place.time(UNTIMED)
    last, accuracy = records[-1], records[-1].accuracy
    return Measurement(
        status=last.status,
        digits=accuracy.digits,
        standard_error_digits=accuracy.standard_error_digits,
        rank=accuracy.rank,
        different=len(set(map(_answer, records))) if repeats > 1 else None,
        warned=bool(last.warnings),
        message=last.message,
    )


def _answer(record: Record) -> tuple[float, ...]:
    return record.solution.computed if record.solution else ()


def run_script(finding: Finding) -> str:
    """The last line that the script prints in a process of its own with one thread, or the error that ends it."""
    environment = os.environ | dict.fromkeys(ONE_THREAD, "1")
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(  # noqa: S603  # a script of this project, by the interpreter that runs it
                [sys.executable, "-c", finding.script],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"{ERROR}still running after {TIMEOUT_S} s"
    if done.returncode:
        return ERROR + (_error(done.stderr) or f"exit code {done.returncode}")
    printed = done.stdout.strip().splitlines()
    return printed[-1].strip() if printed else "the script printed nothing"


def _error(text: str) -> str:
    """The exception that ended a script: the first line after its traceback."""
    lines = text.splitlines()
    frames = [i for i, line in enumerate(lines) if line.startswith("  ")]
    after = [line for line in lines[frames[-1] + 1 :] if line.strip()] if frames else lines[-1:]
    return after[0].strip() if after else ""
