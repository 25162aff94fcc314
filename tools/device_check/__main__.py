"""`python -m tools.device_check --device cuda`: all steps, a folder of results; exit code 1 if something failed."""

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import main
from harness.timing.device import CPU, check_device
from tools.device_check.steps import ROOT, STEPS, Seen, Step

LIMIT_S = 480.0
"""Eight minutes: after them no further step begins."""

app = typer.Typer(name="python -m tools.device_check", pretty_exceptions_enable=False, add_completion=False)


@app.command()
def check(
    device: Annotated[str, typer.Option(help="cuda, cuda:1, xpu or mps; cpu: a dry run.")] = "cuda",
    output: Annotated[Path | None, typer.Option(help="The folder of results; in results/devices by default.")] = None,
) -> None:
    """Check all that only a device can show, and keep it; say what could not be checked here."""
    check_device(device)
    started = datetime.now(UTC)
    folder = output or _folder(device, started)
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    lines: list[dict[str, object]] = []
    for name, step in STEPS:
        before = time.monotonic()
        seen = _seen(step, device, folder) if before - began < LIMIT_S else Seen("", "the eight minutes were over")
        line: dict[str, object] = {"step": name, "seconds": round(time.monotonic() - before, 1), **vars(seen)}
        lines.append(line)
        print(_text(line), flush=True)
    total_s = time.monotonic() - began
    summary = {"device": device, "started_at": started.isoformat(), "seconds": round(total_s, 1), "steps": lines}
    (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    unchecked = sum(bool(line["missing"]) for line in lines)
    failed = sum(bool(line["failed"]) for line in lines)
    print(
        f"{len(lines)} steps in {total_s:.0f} s: {failed} failed, {unchecked} with something not checked; in {folder}"
    )
    raise typer.Exit(bool(failed))


def _seen(step: Step, device: str, folder: Path) -> Seen:
    """The step's outcome; what it raises is one."""
    try:
        return step(device, folder)
    except Exception as error:  # noqa: BLE001  # the other steps go on, on a machine that nobody knows
        return Seen("", failed=f"{type(error).__name__}: {error}".splitlines()[0])


def _text(line: dict[str, object]) -> str:
    words = f"{line['step']} ({line['seconds']} s): {line['text']}"
    words += f"\n  NOT CHECKED: {line['missing']}" if line["missing"] else ""
    return words + (f"\n  FAILED: {line['failed']}" if line["failed"] else "")


def _folder(device: str, started: datetime) -> Path:
    """Of a device among the results that are committed; of the dry run in the temporary folder."""
    name = f"{started:%Y%m%d-%H%M%S}_{device.replace(':', '_')}"
    return (
        Path(tempfile.gettempdir()) / f"device-check_{name}" if device == CPU else ROOT / "results" / "devices" / name
    )


if __name__ == "__main__":
    main(app)
