"""What cannot be written is 3, in one line; a reader that went away is quiet; never 1, never a traceback."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import REPOSITORY, STORE, WORDS, Runs, leaves

NAMES = sorted(WORDS)


def test_every_command_of_the_parser_is_tried() -> None:
    assert {name for name, _ in leaves()} == set(WORDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stdout", ["full", "closed"])
def test_output_that_cannot_be_written_is_3_in_one_line(name: str, stdout: str, folder: Path, runs: Runs) -> None:
    words = (*name.split(), *WORDS[name])
    ended = runs(folder, words, stdout)
    assert ended.code == 3, ended.stderr
    assert "Traceback" not in ended.stderr
    last = ended.stderr.splitlines()[-1]
    reason = {"full": "No space left on device", "closed": "Bad file descriptor"}[stdout]
    assert last == f"harness: standard output cannot be written: {reason}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_reader_that_went_away_is_quiet(name: str, furnished: Path, folder: Path, runs: Runs) -> None:
    words = (*name.split(), *WORDS[name])
    kept = runs(folder, words)
    assert kept.stdout, kept.stderr
    ended = runs(shutil.copytree(furnished, folder / "again"), words, "gone")
    assert ended.code == {1: 3}.get(kept.code, kept.code)
    assert "cannot be written" not in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_a_verdict_that_nobody_may_have_seen_is_not_1(folder: Path, runs: Runs) -> None:
    expected = folder / "expected.toml"
    expected.write_text(expected.read_text().replace("5.0", "15.9"))
    words = ("gate", *WORDS["gate"], "--markdown", "gate.md")
    assert runs(folder, words).code == 1
    for stdout in ("full", "gone", "closed"):
        (folder / "gate.md").unlink()
        assert runs(folder, words, stdout).code == 3
        assert (folder / "gate.md").read_text().startswith("### ❌"), "what a command still has to write it writes"


FILES = {
    "gate": ("--markdown", "--junit"),
    "store export": ("",),
    "report": ("-o",),
    "history": ("--plot",),
    "accuracy": ("--markdown",),
    "fit": ("--plot",),
    "plot": ("-o",),
}
SUFFIXES = {"report": ".html", "history": ".svg", "fit": ".svg", "plot": ".svg", "store export": ".jsonl"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "option"), [(name, option) for name in FILES for option in FILES[name]])
def test_a_file_on_a_full_disk_is_3_in_one_line(name: str, option: str, folder: Path, runs: Runs) -> None:
    full = folder / f"full{SUFFIXES.get(name, '.txt')}"
    full.symlink_to("/dev/full")
    given = {
        "store export": (str(full), *STORE),
        "report": ("--quick", *STORE),
        "plot": ("accuracy-digits", *STORE),
    }.get(name)
    words = given or WORDS[name]
    ended = runs(folder, (*name.split(), *words, *((option, str(full)) if option else ())))
    assert ended.code == 3, ended
    assert ended.stderr.splitlines()[-1].endswith("cannot be written: No space left on device: make room")
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("how", ["> /dev/full", ">&-", "| head -c 0", "2> /dev/full", "2>&-"])
def test_a_process_of_its_own_ends_so(how: str) -> None:
    line = f"set -o pipefail; {sys.executable} -m harness list problems {how}"
    shell = shutil.which("bash")
    assert shell
    ended = subprocess.run([shell, "-c", line], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    wrong = how in ("> /dev/full", ">&-")
    assert ended.returncode == (3 if wrong else 0), ended.stderr
    assert len(ended.stderr.splitlines()) == wrong
