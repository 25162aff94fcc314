"""Two versions measured and judged, for harness ab and harness upgrade; and how often such verdicts err here."""

from functools import partial
from typing import TYPE_CHECKING

from harness.cli.printing import PrintGroup, note, working
from harness.config import expectations_file
from harness.errors import UsageError, counted

if TYPE_CHECKING:
    from harness.ab.measure import Decide, Task
    from harness.judge.versions.ab import AbReport


def check_numbers(budget: float, effect: float, named: str = "--effect") -> None:
    """Raises UsageError for numbers that mean nothing; `named`: the option of the fraction."""
    if not 0 < budget < float("inf"):
        raise UsageError(f"--budget is seconds above 0, not {budget:g}")
    if not 0 < effect < 1:
        raise UsageError(f"{named} is a fraction between 0 and 1, as 0.03, not {effect:g}")


def compared_task(task: "Task", effect: float, *, quiet: bool, decide: "Decide | None" = None) -> "AbReport":
    """Measure until everything is decided or the budget is spent, and judge."""
    from harness.ab.calibrate import calibration_file
    from harness.ab.measure import measured
    from harness.asv.gate import rules_of_repository
    from harness.judge.gate.expectations import read_expectations
    from harness.judge.versions.ab import decided, judge_ab
    from harness.judge.versions.calibration import read_calibration
    from harness.records.environment import environment

    with working("starting", quiet=quiet) as status:
        compared = measured(task, decide or partial(decided, effect=effect), status.update)
    if not quiet:
        note(
            f"{counted(compared.launches, 'launch', 'launches')} in {compared.spent_s:.0f} s; "
            f"the newest took {compared.started_s:.1f} s to start both versions and {compared.visited_s:.1f} s with "
            "its cells"
        )
    expectations = read_expectations(expectations_file())
    is_foreign = task.sides.head.scratch is not None
    return judge_ab(
        compared.cells,
        effect=effect,
        expectations=None if is_foreign else expectations,
        calibration=None if is_foreign else read_calibration(calibration_file(environment(), task.manner)),
        versions=compared.head.versions,
        rules=(*rules_of_repository(), *expectations.asv.rules) if is_foreign else (),
    )


def calibrate_machine(task: "Task", effect: float, printed: PrintGroup) -> None:
    """Measure one version against itself in every arm; count the errors, store and print them."""
    from harness.ab.calibrate import calibrate, calibration_file, write_ratios
    from harness.judge.versions.ab import decided
    from harness.judge.versions.calibration import Calibration, error_rates, write_calibration
    from harness.records.environment import environment
    from harness.records.run import now
    from harness.report.words.ab import calibration

    here = environment()
    path = calibration_file(here, task.manner)
    with working("starting") as status:
        arms = calibrate(task, path.with_suffix(".jsonl"), partial(decided, effect=effect), status.update)
    found = Calibration(
        environment=here,
        measured_at=now(),
        budget_s=task.allowance.budget_s,
        effect=effect,
        arms=error_rates({one: [each.cells for each in repeats] for one, repeats in arms.items()}, effect=effect),
    )
    write_calibration(found, path)
    write_ratios(arms, path.with_suffix(".csv"))
    printed.print(found.model_dump_json, lambda: calibration(found))
