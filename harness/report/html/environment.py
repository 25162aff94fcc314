"""The last section: how the run was started, what it ran on, the command that made the page, the machine's doubts."""

from collections.abc import Mapping, Sequence

from harness.errors import counted
from harness.judge.machine.doubts import Doubt, State, doubtful
from harness.judge.versions.upgrade.answer import UpgradeAnswer
from harness.records.ab import Side
from harness.records.record import Record
from harness.records.run import Run
from harness.records.sweep import Sweep
from harness.report.figures.rows import Row
from harness.report.html.evidence import Evidence
from harness.report.html.section import Column, Kind, Section, Table, table_of
from harness.report.tables.doubts import PAGE
from harness.report.tables.numbers import size
from harness.report.words.doubts import worst_first
from harness.report.words.sentences import listed

ID, TITLE = "environment", "Environment"
CAPTIONS = {
    "started": "How the run was started, and this page made.",
    "machine": "What it ran on.",
    "versions": "Libraries.",
}


def section(evidence: Evidence) -> Section:
    """How the run was started, what it ran on, and the libraries; with a baseline, its values beside them.

    What was doubtful of the machine stands last.
    """
    if evidence.upgrade is not None:
        return _of_upgrade(evidence.upgrade, evidence.command)
    run, before = evidence.run or evidence.sweep, evidence.baseline
    if run is None and evidence.upgrade is None:
        said = f"All numbers are from asv's results; nothing was run for this page, which '{evidence.command}' made."
        return Section("environment", "Environment", said)
    if run is None:
        return Section(ID, TITLE, "No run and no sweep: it is not known what was measured, and on what.")
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
    doubts = (doubt_table(evidence.doubts),) if evidence.doubts else ()
    conclusion = f"{_conclusion(run, before, changed)} {_machine_words(evidence.doubts)}"
    return Section(ID, TITLE, conclusion, (*tables, *doubts))


def _of_upgrade(answer: UpgradeAnswer, command: str) -> Section:
    """The machine, what both sides held, what differs first, and the doubts about the machine."""
    machine = answer.machine
    sides = _beside(_held(answer.head), _held(answer.base))
    sides.sort(key=lambda row: row["same"] == "yes")
    differ = [str(row["what"]) for row in sides if row["same"] == "no"]
    columns = [
        *(Column("what", "What"), Column("before", "Before", Kind.CODE), Column("here", "After", Kind.CODE)),
        Column("same", "The same"),
    ]
    parts = [Table("sides", "What both sides held: what differs first.", columns, sides)]
    timed = any(one.before_s is not None or one.after_s is not None for one in answer.cases)
    said = "Both sides were fitted and timed in turns, in processes of their own" if timed else "Nothing was timed"
    asked: dict[str, str] = {"command of this page": command}
    if machine is not None:
        said += f", on {machine.cpu} ({counted(machine.cores, 'core')})"
        asked = {"processor": machine.cpu, "cores": str(machine.cores), "memory": size(machine.memory_bytes),
                 "system": machine.system, **asked}  # fmt: skip
        parts.append(doubt_table(machine.doubts))
    own = [Column("what", "What"), Column("here", "Here", Kind.CODE)]
    parts.insert(0, Table("machine", "What it ran on, and how this page was made.", own, _beside(asked, {})))
    differing = f"They differ in {listed(differ, len(differ))}" if differ else "They held the same"
    return Section(ID, TITLE, f"{said}. {differing}. {_machine_words(machine.doubts if machine else ())}", tuple(parts))


def _held(side: Side) -> dict[str, str]:
    return {"Python": side.python, **side.versions}


def _started(run: Run | Sweep, records: Sequence[Record]) -> dict[str, str]:
    commit, dirty = run.environment.commit, run.environment.dirty
    return {
        "run": run.id,
        "started": run.started_at,
        "finished": run.finished_at or "not yet, or cut off",
        "command of the run": run.command,
        "commit": f"{commit or 'none: not in a git checkout'}{' with uncommitted changes' if dirty else ''}",
        "threads of BLAS, OpenMP and torch": ", ".join(map(str, sorted({record.threads for record in records}))),
    }


def _machine(run: Run | Sweep) -> dict[str, str]:
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


def _conclusion(run: Run | Sweep, baseline: Run | None, changed: list[str]) -> str:
    environment = run.environment
    commit = "outside a git checkout" if environment.commit is None else f"at commit {environment.commit[:12]}"
    dirty = " with uncommitted changes, so that nobody can repeat it exactly" if environment.dirty else ""
    first = f"Measured on {environment.cpu} ({counted(environment.cores, 'core')}) {commit}{dirty}."
    if baseline is None:
        return first
    if not changed:
        return f"{first} The baseline ran on the same machine with the same libraries."
    return f"{first} Other than in the baseline: {', '.join(changed)}: a difference in time may be theirs."


def _machine_words(doubts: Sequence[Doubt]) -> str:
    """Whether what the machine was like makes the times doubtful."""
    if not doubts:
        return "What the machine was like was not kept."
    against = doubtful(doubts)
    if not against:
        return "Nothing that was looked at makes the times doubtful."
    return f"The times are doubtful: {listed([f'{one.name} ({one.seen})' for one in against], len(against))}."


def doubt_table(doubts: Sequence[Doubt]) -> Table:
    """What is not fine, the worst first; what is fine is named only."""
    fine = [one.name for one in doubts if one.state is State.FINE]
    also = f" Fine: {listed(fine, len(fine))}." if fine else ""
    left = [one for one in worst_first(doubts) if one.state is not State.FINE]
    return table_of("doubts", f"What the machine was like while this ran, the worst first.{also}", PAGE, left)
