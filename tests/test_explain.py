"""harness explain: words, statuses and columns by any way of writing them, and a case of a run."""

import pytest

from harness.report.tables import case
from harness.report.words.glossary import GLOSSARY, explained
from harness.solvers.status import Status
from tests.conftest import RunCli

WORDS = [*(one.word for one in GLOSSARY), *(status.value for status in Status), *case.COLUMNS]


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_explained_however_it_is_written(word: str) -> None:
    assert explained(word) == explained(word.upper().replace("_", " ")) == explained(word.replace(" ", "-"))
    assert explained(word) is not None


@pytest.mark.parametrize("one", GLOSSARY, ids=lambda one: one.word)
def test_a_word_is_explained_once(one: object) -> None:
    assert [other for other in GLOSSARY if other.word == getattr(one, "word", "")] == [one]


def test_a_word_that_is_in_no_table_is_refused_with_the_nearest(run_cli: RunCli) -> None:
    done = run_cli("explain", "digts")
    assert (done.code, "'digits'" in done.stderr) == (2, True)


@pytest.mark.slow
def test_a_case_of_the_newest_run_is_explained_number_by_number(run_cli: RunCli) -> None:
    ran = run_cli("run", "--problem", "four_points", "--solver", "numpy_lstsq", "--in-process", "--quiet")
    assert ran.code == 0
    done = run_cli("explain", "four_points", "numpy_lstsq")
    assert done.code == 0
    digits = next(line for line in done.stdout.splitlines() if line.startswith("Digits "))
    assert "correct significant digits" in digits
    assert f"{Status.OK}: {Status.OK.meaning}" in done.stdout
    other = run_cli("explain", "four_points", "sklearn")
    assert (other.code, "'four_points sklearn'" in other.stderr) == (2, True)
