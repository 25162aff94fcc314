"""Every command in the documents runs as it is printed, and prints what they show."""

from collections import Counter
from pathlib import Path

import pytest

from tests.documents import PAGES, Session, blocks
from tests.shown import alike
from tools.documents import rewritten

pytestmark = pytest.mark.slow

DOCUMENTS = ("README.md", *PAGES)
INSTALLS, LONG, CUDA = "installs packages or builds environments", "takes minutes", "there is no CUDA device"
ELSEWHERE = "another test runs it"
CLUSTER = "there is no such cluster"
NOW = "its output is about this machine at this moment"
NOT_RUN = {
    ("README.md", "makes the environment and takes minutes"): INSTALLS,
    ("README.md", "tests/test_api.py runs it, with a cars.csv"): ELSEWHERE,
    ("docs/tutorial.md", "makes the environment and runs the default grid, some minutes"): INSTALLS,
    ("docs/tutorial.md", "installs packages"): INSTALLS,
    ("docs/how-to/compare-devices.md", "needs a CUDA device"): CUDA,
    ("docs/how-to/compare-optimizers.md", "64 seeds of a network take minutes"): LONG,
    ("docs/how-to/compare-optimizers.md", "trains a network for minutes and writes into results/targets"): LONG,
    ("docs/how-to/doctor.md", "its output is about this machine at this moment"): NOW,
    ("docs/how-to/doctor.md", "its exit code is about this machine at this moment"): NOW,
    ("docs/how-to/library-versions.md", "installs two environments and measures for minutes"): INSTALLS,
    ("docs/how-to/library-versions.md", "builds four environments with asv, tens of minutes"): INSTALLS,
    ("docs/how-to/library-versions.md", "builds environments with asv, tens of minutes"): INSTALLS,
    ("docs/how-to/many-machines.md", "starts processes that serve until they are ended"): LONG,
    ("docs/how-to/many-machines.md", "needs a cluster"): LONG,
    ("docs/how-to/many-machines.md", "needs SLURM"): CLUSTER,
    ("docs/how-to/upgrade.md", "installs two environments and measures for a minute"): INSTALLS,
    ("docs/how-to/report.md", "may fit tutorials, a minute or two"): LONG,
    ("docs/how-to/report.md", "needs Chromium"): INSTALLS,
    ("docs/how-to/report.md", "serves until Ctrl-C"): LONG,
    ("docs/explanation/error-rates.md", "takes an hour"): LONG,
}
"""Each reason that a document gives for a block that is not run, and what sort of reason it is."""
AT_MOST = 23
"""Blocks that are not run: some share a reason."""


WITH_WORKERS = ("README.md", "docs/explanation/isolation.md")
"""Pages whose commands measure in a worker process as a reader's do; those of the others measure here."""


@pytest.mark.parametrize("page", DOCUMENTS)
def test_what_a_page_shows_is_what_its_commands_print(
    page: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if page not in WITH_WORKERS:
        request.getfixturevalue("in_process")
    for block, step, got in Session(tmp_path).follow(blocks(page)):
        what = step.command if step else block.text
        pytest.fail(f"{page}:{block.line}: {what}\nprints\n{got}\n(`python -m tools.documents {page}` writes it there)")


def test_only_blocks_with_a_known_reason_are_not_run() -> None:
    given = Counter((page, block.reason) for page in DOCUMENTS for block in blocks(page) if block.reason)
    assert set(given) == set(NOT_RUN)
    assert sum(given.values()) <= AT_MOST


def test_most_commands_are_run() -> None:
    ran = [block for page in DOCUMENTS for block in blocks(page) if block.language == "console" and not block.reason]
    assert len(ran) > 20


SHOWN = """\
solver      one call of   digits  excess
numpy_lstsq  45.6 µs fit    10.6 2.3e-20
2 cases: 1 ok, 1 wrong
run 20261121-130213-e3d55b7b is in a.sqlite"""
OTHER_RUN = """\
solver        one call of digits  excess
numpy_lstsq    1.2 ms fit    11.1 8.8e-21
2 cases: 1 ok, 1 wrong
doubtful: load 3.9 on 2 cores; others used 1.9 of 2 cores: harness doctor --run
20261121-130213-e3d55b7b
run 20261122-010203-00000000 is in a.sqlite
"""


def test_times_ids_doubts_and_spaces_are_not_compared() -> None:
    assert alike(SHOWN, OTHER_RUN)


SWEPT = """\
On auto_mpg sgd at lr 0.1 is fastest: 34 epochs.
{}On auto_mpg this grid leaves undecided
who is best.
sweep 20261121-130213-e3d55b7b is in a.sqlite
"""
SECONDS = """\
On auto_mpg, in seconds of the textbook loop, it is {} at lr 0.1 too: 2.93 ms,
5.09 times less [4.29, 5.90] than adam.
"""


def test_what_a_sweep_concludes_from_seconds_is_not_compared_and_the_rest_is() -> None:
    assert alike(SWEPT.format(SECONDS.format("sgd")), SWEPT.format(SECONDS.format("adam")))
    assert alike(SWEPT.format(SECONDS.format("sgd")), SWEPT.format(""))
    assert not alike(SWEPT.format(""), SWEPT.format("").replace("34", "44"))
    assert not alike(SWEPT.format(""), SWEPT.format("").replace("best", "worst"))


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("numpy_lstsq", "numpy"),  # a name
        ("10.6", "8.9"),  # digits, by more than the margin of another machine's arithmetic
        ("10.6", "–"),  # a number that is gone
        ("2.3e-20", "2.3e-15"),  # excess loss, by more than two decades
        ("1 wrong", "2 wrong"),  # a count
        ("45.6 µs", "–"),  # a time that is gone
        (" fit", ""),  # a word
    ],
)
def test_what_a_document_says_is_compared(word: str, other: str) -> None:
    assert word in SHOWN
    assert not alike(SHOWN, SHOWN.replace(word, other))
    assert not alike(SHOWN.replace(word, other), SHOWN)


def test_what_is_left_out_may_be_anything_and_the_rest_may_not() -> None:
    assert alike("first\n[...]\nlast 3", "first\nsecond 1\nthird\nlast 3")
    assert alike("first [...]", "first")
    assert not alike("first\n[...]\nlast 3", "first\nsecond\nlast 4")
    assert not alike("[...]\nmiddle\n[...]", "first\nlast")
    assert not alike("one [...] one", "one")


def test_a_command_that_cannot_be_run_needs_a_reason(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no comment says why"):
        Session(tmp_path).run("pip install harness")


def test_a_page_that_shows_something_else_is_found_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tests.documents", "tools.documents"):
        monkeypatch.setattr(f"{module}.ROOT", tmp_path)
    (tmp_path / "results").mkdir()
    page = tmp_path / "page.md"
    page.write_text(
        "Text.\n\n```console\n$ harness fit auto_mgp sklearn\nnothing\n$ echo $?\n0\n```\n\n```pycon\n>>> 1\n1\n```\n"
    )
    found = list(Session(tmp_path / "there").follow(blocks("page.md")))
    assert [step.command for _, step, _ in found if step] == ["harness fit auto_mgp sklearn", "echo $?"]
    page.write_text(rewritten("page.md", found))
    assert "harness: unknown problem 'auto_mgp': did you mean 'auto_mpg'?\n$ echo $?\n2\n```" in page.read_text()
    assert not list(Session(tmp_path / "again").follow(blocks("page.md")))
