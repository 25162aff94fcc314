"""The documents build without a warning into a site that needs no network and has every command and option."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typer

from harness.cli import app
from tests.documents import ROOT

pytestmark = pytest.mark.slow

pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install '.[docs]'")


class _Page(HTMLParser):
    """What a page loads, links to and says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: set[str] = set()
        self.linked: set[str] = set()
        self.ids: set[str] = set()
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given["id"]} if "id" in given else set()
        if tag == "a":
            self.linked.add(given.get("href", ""))
        elif tag == "link":
            self.loaded.add(given.get("href", ""))
        elif "src" in given:
            self.loaded.add(given["src"])

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make docs` builds it, but not into the checkout."""
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    return {path: _Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_document_is_a_page(site: Path) -> None:
    for path in (ROOT / "docs").rglob("*.md"):
        assert (site / path.relative_to(ROOT / "docs").with_suffix(".html")).is_file(), path


def test_no_page_loads_anything_from_elsewhere(pages: dict[Path, _Page]) -> None:
    for path, page in pages.items():
        assert page.loaded
        assert not [one for one in page.loaded if "//" in one], path


def test_every_link_within_the_site_leads_to_a_place(site: Path, pages: dict[Path, _Page]) -> None:
    followed = 0
    for path, page in pages.items():
        if path.name == "404.html":  # its links are from the root of wherever it is served
            continue
        for link in page.linked:
            if "//" in link or link.startswith("mailto:"):
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file not in ("", ".") else path
            assert target.is_file(), (path, link)
            assert not anchor or anchor in pages[target].ids, (path, link)
            followed += 1
    assert followed > len(pages)
    assert site


def test_the_reference_has_every_command_argument_and_option(site: Path, pages: dict[Path, _Page]) -> None:
    page = pages[site / "reference" / "commands.html"]
    text = "".join(page.said)
    known = typer.main.get_command(app)

    def check(command: Any, name: str) -> None:
        assert name.replace(" ", "-") in page.ids, name
        section = text.partition(f"\n{name}¶")[2].partition("¶")[0]
        for param in command.params:
            for said in param.opts if param.param_type_name == "option" else [param.metavar or param.name]:
                assert said in section, (name, said)
        for inner, found in getattr(command, "commands", {}).items():
            check(found, f"{name} {inner}")

    for inner, found in known.commands.items():  # type: ignore[attr-defined]  # the group of all commands
        check(found, f"harness {inner}")


def test_the_reference_has_the_docstrings(site: Path, pages: dict[Path, _Page]) -> None:
    from harness.problems.problem import Problem
    from harness.records.record import Record
    from harness.solvers.solver import Prepared

    for page, found in (("problems", Problem), ("records", Record), ("solvers", Prepared)):
        text = "".join(pages[site / "reference" / "python" / f"{page}.html"].said)
        assert (found.__doc__ or "").splitlines()[0].replace("`", "") in text
