"""What harness gate prints and writes of what it judged: of a run, or of asv's results."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.outputs import OutputsGroup
from harness.cli.printing import PrintGroup, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.judge.gate.gate import GateReport


@dataclass(frozen=True)
class Verdicts:
    """Where verdicts go; `path`: the file of the expectations."""

    path: Path
    printed: PrintGroup
    written: OutputsGroup

    def show(self, name: str, report: "GateReport", update: str | None = None) -> None:
        """Print a report, by the name of what was judged. `update`: the command that sets the limits."""
        from harness.judge.gate.gate import UPDATE
        from harness.report.words.gate import verdict

        if self.printed.wants(report.exit_code):
            self.printed.print(
                lambda: json.dumps(_as_object(name, report)),
                lambda: verdict(report, name, str(self.path), update or UPDATE),
            )

    def print_json(self, judged: "Sequence[tuple[str, GateReport]]") -> None:
        """Print one JSON document: a report as `show` does, several as a list of them."""
        objects = [_as_object(name, report) for name, report in judged]
        print_json(json.dumps(objects[0] if len(objects) == 1 else objects))

    def write(self, judged: "Sequence[tuple[str, GateReport]]") -> None:
        """Write all reports to where they are asked for."""
        from harness.report.render.formats import Judged
        from harness.report.words.checks import gate_checks
        from harness.report.words.gate import verdict

        documents = [verdict(report, name, str(self.path)) for name, report in judged]
        checks = [check for _, report in judged for check in gate_checks(report)]
        self.written.write(Judged("harness gate", documents, checks, str(self.path)))


def _as_object(name: str, report: "GateReport") -> dict[str, object]:
    return {"run": name, "exit_code": report.exit_code, **asdict(report)}
