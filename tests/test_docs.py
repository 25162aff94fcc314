"""What the documents say of commands, options, files and statuses is so."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import typer
from pydantic import BaseModel

from docs.hooks import glossary
from harness.cli import app
from harness.cli.interrupting import INTERRUPTED
from harness.errors import COULD_NOT_MEASURE, USAGE
from harness.judge.gate.expectations import Classes, Expectation, Expectations, Margins
from harness.judge.gate.rules import Rule
from harness.judge.studies.finding import Finding
from harness.measure.plan import single
from harness.measure.run import measure
from harness.problems.catalog import load
from harness.problems.sidecar import Sidecar
from harness.report.words.glossary import GLOSSARY
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.testing import plugin
from tests.documents import PAGES, ROOT, blocks

SUITES = "suites/README.md"
DOCUMENTS = ("README.md", "CONTRIBUTING.md", SUITES, *PAGES)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
COMMAND = re.compile(r"\bharness (?P<name>[a-z]+)(?: (?P<sub>[a-z]+))?(?P<rest>(?:(?!\bharness ).)*)")
OTHERS = {
    *("--constraint", "--quiet", "--no-deps"),  # pip
    *("--config", "--factor", "--quick", "--yes"),  # asv
    *("--cpus", "--cpuset-cpus", "--governor", "--max"),  # docker, cpupower
    *("--nworkers", "--nthreads", "--resources", "--memory-limit", "--name", "--exclusive"),  # dask, SLURM
}


class Recorder:
    """What a pytest plugin's options are added to."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def getgroup(self, *_: str) -> "Recorder":
        return self

    def addoption(self, *names: str, **_: object) -> None:
        self.names |= set(names)


OF_PYTEST = Recorder()
plugin.pytest_addoption(OF_PYTEST)  # type: ignore[arg-type]
OTHERS |= OF_PYTEST.names
EXIT_CODES = {0, 1, USAGE, COULD_NOT_MEASURE, INTERRUPTED}


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def code_of(page: str) -> Iterator[str]:
    """Every line of a page's blocks, and every piece of code in its sentences."""
    inside = {block.line + k for block in blocks(page) for k in range(len(block.lines))}
    yield from (line for block in blocks(page) for line in block.lines)
    prose = "\n".join(line for at, line in enumerate(text_of(page).splitlines(), 1) if at not in inside)
    yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose)


def options_of(command: Any) -> set[str]:
    return {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}


ROOT_COMMAND: Any = typer.main.get_command(app)
KNOWN: dict[str, set[str]] = {}
for one, found in ROOT_COMMAND.commands.items():
    KNOWN[one] = options_of(found)
    KNOWN |= {f"{one} {sub}": options_of(inner) for sub, inner in getattr(found, "commands", {}).items()}
ANY = set.union(options_of(ROOT_COMMAND), *KNOWN.values())


@pytest.mark.parametrize("page", DOCUMENTS)
def test_every_command_and_option_that_a_document_names_exists(page: str) -> None:
    for code in code_of(page):
        for said in COMMAND.finditer(code):
            name = f"{said['name']} {said['sub']}" if said["name"] == "store" and said["sub"] else said["name"]
            assert name in KNOWN, (page, code)
            strange = set(OPTION.findall(said["rest"])) - KNOWN[name] - OTHERS
            assert not strange, (page, code)
        assert set(OPTION.findall(code)) <= ANY | OTHERS, (page, code)


@pytest.mark.parametrize("page", DOCUMENTS)
def test_every_make_target_that_a_document_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), flags=re.MULTILINE))
    for code in code_of(page):
        for name in re.findall(r"(?:^|\$ )make ([a-z-]+)", code):
            assert name in targets, (page, code)


@pytest.mark.parametrize("page", DOCUMENTS)
def test_every_exit_code_that_a_document_names_exists(page: str) -> None:
    for code in re.findall(r"[Ee]xit code (\d+)", text_of(page)):
        assert int(code) in EXIT_CODES, page


def rows_of(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading."""
    under = text_of(page).partition(f"\n## {heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", under, flags=re.MULTILINE)
    assert table
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


def test_the_reference_has_every_exit_code_and_every_status() -> None:
    page = "docs/reference/exit-codes.md"
    assert {int(row[0]) for row in rows_of(page, "Exit codes")} == EXIT_CODES
    assert text_of(page).count(glossary.STATUSES) == 1  # that the table of the statuses is written there
    for status, row in zip(Status, glossary.statuses()[2:], strict=True):
        assert row.startswith(f"| `{status.value}` | {status.meaning} | {status.advice} | ")


@pytest.mark.parametrize("page", ["docs/index.md", "docs/tutorial.md", "docs/how-to/read-a-verdict.md"])
def test_words_of_the_glossary_are_linked_where_they_first_appear(page: str) -> None:
    """On the pages that are read first, in their prose: of the words that mean nothing else in English."""
    prose = re.sub(r"```.*?```|`[^`]*`|^[#<|].*?$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    anchors = {one.word: one.word.replace(" ", "-") for one in GLOSSARY}
    for word in ("problem", "solver", "excess loss", "condition number", "censored", "epoch"):
        first = re.search(rf"(?<![\w#/-]){word}s?(?![\w-])(?P<link>\*?\](?:\([^)]*\))?)?", prose)
        if first:
            assert f"glossary.md#{anchors[word]}" in (first["link"] or ""), (page, word)


def test_every_page_of_the_glossary_exists() -> None:
    assert text_of("docs/reference/glossary.md").count(glossary.WORDS) == 1
    for one in GLOSSARY:
        assert (ROOT / "docs" / one.page).is_file(), one


@pytest.mark.parametrize(
    ("page", "model"),
    [
        ("CONTRIBUTING.md", Sidecar),
        ("docs/reference/files.md", Expectations),
        ("docs/reference/files.md", Expectation),
        ("docs/reference/files.md", Margins),
        ("docs/reference/files.md", Classes),
        ("docs/reference/files.md", Finding),
        ("docs/reference/files.md", Rule),
    ],
)
def test_every_key_of_a_file_is_explained(page: str, model: type[BaseModel]) -> None:
    for key in model.model_fields:
        assert re.search(rf"`\[*(?:classes\.)?{key}[].`]", text_of(page)), key


def test_every_variable_of_the_environment_is_explained() -> None:
    sources = [path for room in ("harness", "suites") for path in (ROOT / room).rglob("*.py")]
    named = {name for path in sources for name in re.findall(r'"(HARNESS_[A-Z_]+)"', path.read_text(encoding="utf-8"))}
    assert named >= {"HARNESS_CACHE_DIR", "HARNESS_SUITE_PREIMPORT"}
    text = text_of("docs/reference/configuration.md")
    # This one the harness sets for its own workers, and takes away again.
    assert {name for name in named if f"`{name}`" not in text} <= {"HARNESS_STACK_PADDING"}


def test_the_solver_in_contributing_is_a_solver() -> None:
    """The example, executed as it stands, fits and verifies: one file is enough."""
    (code,) = re.findall(r"```python\n(.*?)```", text_of("CONTRIBUTING.md"), flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)  # noqa: S102  # the document's own example
    solver = names["ScipyPinv"]()  # type: ignore[operator]
    record = measure(single(load("diabetes"), solver, Options())).record
    assert record.status is Status.OK, record.message
    assert record.accuracy.digits is not None
    assert record.accuracy.digits > 11
    assert record.accuracy.rank == 11


def test_the_readme_is_short_and_leads_to_the_documents() -> None:
    text = text_of("README.md")
    assert text.count("\n") <= 80
    assert len(text.split()) <= 900
    assert max(map(len, text.splitlines())) <= 120
    linked = re.findall(r"\]\((docs/[^)#]+)", text)
    assert {"docs/tutorial.md", *(f"docs/{part}/index.md" for part in ("how-to", "explanation", "reference"))} <= set(
        linked
    )
    assert set(linked) <= set(PAGES)


@pytest.mark.parametrize("page", DOCUMENTS)
def test_files_that_a_document_names_exist(page: str) -> None:
    init = {"tests/test_least_squares.py"}  # what harness init makes
    made = {"results/harness.sqlite", "results/upgrade.json", "harness/solvers/closed_forms/scipy_pinv.py"} | init
    named = set(re.findall(r"`((?:harness|results|datasets|tests|suites|docs)/[\w./-]+\.\w+)`", text_of(page))) - made
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing


def test_the_everyday_story_of_the_readme_is_the_generator_s() -> None:
    problem = load("everyday")
    assert (problem.n, problem.p) == (2000, 2)
    assert np.round(problem.X.std(axis=0) / [25_000, 0.01], 1).tolist() == [1.0, 1.0]
