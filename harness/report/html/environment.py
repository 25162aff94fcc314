"""Section 8: what the run ran on and how it was started, and the exact command that made the page."""

from collections.abc import Mapping, Sequence

from harness.errors import counted
from harness.records.record import Record
from harness.records.run import Run
from harness.report.figures.rows import Row
from harness.report.html.evidence import Evidence
from harness.report.html.section import Column, Kind, Section, Table
from harness.report.tables.numbers import size

CAPTIONS = {
    "started": "How the run was started, and this page made.",
    "machine": "What it ran on.",
    "versions": "Libraries.",
}


def section(evidence: Evidence) -> Section:
    """How the run was started, what it ran on, and the libraries; with a baseline, its values beside them."""
    run, before = evidence.run, evidence.baseline
    columns = [Column("what", "What"), Column("here", "This run", Kind.CODE)]
    if before is not None:
        columns += [Column("before", "Baseline", Kind.CODE), Column("same", "The same")]
    started = {**_started(run, evidence.records), "command of this page": evidence.command}
    sides = {
        "started": (started, {} if before is None else _started(before, evidence.baseline_records)),
        "machine": (_machine(run), {} if before is None else _machine(before)),
        "versions": (run.environment.versions, {} if before is None else before.environment.versions),
    }
    rows = {name: _beside(*both) for name, both in sides.items()}
    changed = [str(row["what"]) for row in (*rows["machine"], *rows["versions"]) if row.get("same") == "no"]
    tables = tuple(Table(name, caption, columns, rows[name]) for name, caption in CAPTIONS.items())
    return Section("environment", "Environment", _conclusion(evidence, changed), tables)


def _started(run: Run, records: Sequence[Record]) -> dict[str, str]:
    commit, dirty = run.environment.commit, run.environment.dirty
    return {
        "run": run.id,
        "started": run.started_at,
        "finished": run.finished_at or "not yet, or cut off",
        "command of the run": run.command,
        "commit": f"{commit or 'none: not in a git checkout'}{' with uncommitted changes' if dirty else ''}",
        "threads of BLAS, OpenMP and torch": ", ".join(map(str, sorted({record.threads for record in records}))),
    }


def _machine(run: Run) -> dict[str, str]:
    found = run.environment
    entries = {
        "processor": found.cpu,
        "cores": found.cores,
        "memory": size(found.memory_bytes),
        "system": found.system,
        "Python": found.python,
        "BLAS and OpenMP": ", ".join(found.blas),
        "GPU": found.gpu,
        "driver": found.driver,
        "CUDA": found.cuda,
        "TF32 in torch": found.tf32,
        **{f"{one.device} as it was found": one.in_full for one in found.devices},
        **found.variables,
    }
    return {name: str(value) for name, value in entries.items() if value not in (None, "")}


def _beside(here: Mapping[str, str], before: Mapping[str, str]) -> list[Row]:
    names = [*here, *(name for name in before if name not in here)]
    rows: list[Row] = []
    for name in names:
        row = {"what": name, "here": here.get(name)}
        if before:
            row |= {"before": before.get(name), "same": "yes" if here.get(name) == before.get(name) else "no"}
        rows.append(row)
    return rows


def _conclusion(evidence: Evidence, changed: list[str]) -> str:
    environment = evidence.run.environment
    commit = "outside a git checkout" if environment.commit is None else f"at commit {environment.commit[:12]}"
    dirty = " with uncommitted changes, so that nobody can repeat it exactly" if environment.dirty else ""
    first = f"Measured on {environment.cpu} ({counted(environment.cores, 'core')}) {commit}{dirty}."
    if evidence.baseline is None:
        return first
    if not changed:
        return f"{first} The baseline ran on the same machine with the same libraries."
    return f"{first} Other than in the baseline: {', '.join(changed)}: a difference in time may be theirs."
