"""harness report and the page's figures in harness plot: what is gathered, written, served and kept up."""

import json
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from PIL import Image

from harness.errors import CannotWriteError, UsageError
from harness.files.writing import write
from harness.judge.gate.expectations import read_expectations
from harness.page import watch as keeping
from harness.page.gather import PageRequest, baseline_of, gather
from harness.page.making import check_output
from harness.page.paper import BROWSERS
from harness.page.serving import Served, serving
from harness.page.watch import Keeper
from harness.paths import results_folder
from harness.records.record import Record
from harness.records.run import Run
from harness.report.figures.figure import Figure
from harness.report.figures.files import drawn
from harness.report.figures.panels import layered
from harness.store.store import Store
from tests import page_data, page_site
from tests.conftest import RunCli
from tests.page_site import planted

EXPECTED = results_folder() / "expectations.toml"


def run_of(records: Sequence[Record], name: str, commit: str | None, *, minute: int = 0) -> Run:
    run = page_site.run_of(records)
    environment = run.environment.model_copy(update={"commit": commit, "dirty": False})
    at = f"2026-03-01T12:{minute:02}:00.000000+00:00"
    return run.model_copy(update={"id": name, "environment": environment, "started_at": at, "finished_at": at})


def asked(**more: object) -> PageRequest:
    return PageRequest("harness report", read_expectations(EXPECTED), "e.toml", quick=True, **more)  # type: ignore[arg-type]


@pytest.fixture
def store(store_path: Path) -> Store:
    """Two runs of two commits, twelve cases each."""
    made = Store(str(store_path))
    records = [planted(f"solver_{i}", 1e-4) for i in range(12)]
    made.keep(run_of(records, "first", "a" * 40), records)
    made.keep(run_of(records, "second", "b" * 40, minute=5), records)
    return made


def fit_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that no quick figure has is sought among those that are fitted and timed: not for a test."""
    monkeypatch.setattr("harness.page.gather._tutorials", lambda *_: ((), {}))
    monkeypatch.setattr("harness.page.gather.floors", lambda *_: ((), "not in a test"))


@pytest.mark.slow
def test_the_newest_run_is_compared_with_the_newest_earlier_one_of_another_commit(store: Store) -> None:
    found = gather(store, asked())
    assert (found.run and found.run.id, found.baseline and found.baseline.id) == ("second", "first")
    assert len(found.records) == len(found.baseline_records) == 12
    assert found.gate is not None
    assert found.doubts
    assert not found.findings  # no case shows one
    named = gather(store, asked(run="first", baseline="second"))
    assert (named.run and named.run.id, named.baseline and named.baseline.id) == ("first", "second")
    assert gather(store, asked(run="first")).baseline is None


def test_a_baseline_shares_a_case_and_has_a_commit() -> None:
    records, others = [planted("a", 1e-4)], [planted("b", 1e-4)]
    now = run_of(records, "now", "a" * 40, minute=9)
    assert baseline_of([run_of(others, "elsewhere", "b" * 40), now], now, None) is None
    assert baseline_of([run_of(records, "nowhere", None), now], now, None) is None
    assert baseline_of([run_of(records, "same", "a" * 40), now], now, None) is None
    older, newer = run_of(records, "older", "b" * 40, minute=1), run_of(records, "newer", "c" * 40, minute=2)
    assert baseline_of([older, newer, now], now, None) is newer
    with pytest.raises(UsageError, match="no run 'x'"):
        baseline_of([older, now], now, "x")
    with pytest.raises(UsageError, match="that is the run itself"):
        baseline_of([older, now], now, "now")


@pytest.mark.slow
def test_the_page_is_written_and_says_how_it_was_made(store: Store, run_cli: RunCli, tmp_path: Path) -> None:
    ended = run_cli("report", "-o", "page.html", "--quick", "--store", store.url)
    assert ended.code == 0
    assert "page.html: written" in ended.stdout
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "harness report -o page.html --quick --store" in text
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".html" or path.name.startswith(".")] == [
        "page.html"
    ]


@pytest.mark.slow
def test_what_harness_ab_printed_is_on_the_page(store: Store, run_cli: RunCli, tmp_path: Path) -> None:
    told = page_data.comparison(gather(store, asked()).records[0].case)
    (tmp_path / "ab.json").write_text(told.model_dump_json())
    ended = run_cli("report", "-o", "page.html", "--quick", "--ab", "ab.json", "--store", store.url)
    assert ended.code == 0
    assert "of 1 case 1 slower against main" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("report", "--run", "x"), 2, "no run 'x'"),
        (("report", "--baseline", "x"), 2, "no run 'x'"),
        (("report", "-o", "page.gif"), 2, "a page's suffix is .html or .pdf"),
        (("report", "-o", "page.pdf"), 3, "a PDF is printed by Chromium: HARNESS_CHROMIUM=nowhere: no such program"),
        (("report", "--for", "upgrade"), 2, "'harness upgrade ... --json > upgrade.json' makes such a file"),
        (("report", "up.json"), 2, "up.json: a file goes with --for upgrade"),
        (("report", "-o", "nowhere/page.html"), 2, "its folder does not exist"),
        (("report", "--port", "80"), 2, "--port goes with --serve"),
        (("report", "--expectations", "none.toml"), 2, "none.toml"),
        (("report", "--ab", "none.json"), 2, "no such file: none.json: 'harness ab BASE HEAD --json > none.json'"),
        (("report", "--store", "none.sqlite"), 3, "no store there yet"),
        (("plot", "no-such-figure", "-o", "x.svg"), 2, "unknown plot 'no-such-figure'"),
        (("plot", "verdict-times"), 2, "where to?"),
        (("plot", "verdict-times", "-o", "x.gif"), 2, "a picture's suffix"),
        (("plot", "verdict-times", "-o", "x.svg", "--lr", "0.1"), 2, "--lr goes with the tutorials' pictures"),
        (("plot", "fit", "-o", "x.svg", "--run", "first"), 2, "plot fit is fitted now"),
    ],
)
def test_a_mistake_is_one_line(
    store: Store, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, words: Sequence[str], code: int, says: str
) -> None:
    fit_nothing(monkeypatch)
    monkeypatch.setenv("HARNESS_CHROMIUM", "nowhere")
    given = words if "--store" in words else (*words, "--store", store.url)
    ended = run_cli(*given)
    assert ended.code == code
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "begins"), [("x.svg", b"<svg"), ("x.png", b"\x89PNG"), ("x.pdf", b"%PDF")])
def test_each_figure_of_the_page_is_drawn_without_a_browser(
    store: Store, run_cli: RunCli, tmp_path: Path, name: str, begins: bytes
) -> None:
    assert run_cli("plot", "verdict-times", "-o", name, "--store", store.url).code == 0
    assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.slow
def test_a_page_is_printed_by_chromium_and_has_every_table_s_words(
    store: Store, run_cli: RunCli, tmp_path: Path
) -> None:
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip("no Chromium is installed")
    ended = run_cli("report", "-o", "page.pdf", "--quick", "--title", "For the price model", "--store", store.url)
    assert (ended.code, ended.stdout.split(",")[0]) == (0, "page.pdf: written")
    made = (tmp_path / "page.pdf").read_bytes()
    assert made.startswith(b"%PDF")
    assert made.count(b"/Type /Page\n") in range(1, 9)
    assert b"/Font" in made, "text, and no picture of it"


def panelled(names: Sequence[str]) -> Figure:
    """A figure that the page draws a panel of: points beyond `names` in none of which another has any."""
    rows = [{"panel": name, "place": i, "x": x, "y": x + 10 * i} for i, name in enumerate(names) for x in (1, 2, 3)]
    axis = {key: {"field": key, "type": "quantitative"} for key in ("x", "y")}
    layer = {"mark": {"type": "point", "shape": "diamond"}}
    return Figure("several", "Several panels", "", layered([layer], axis, names, 200), rows)


@pytest.mark.slow
def test_a_figure_with_a_list_of_panels_is_drawn_with_all_of_them_in_one_file() -> None:
    names = ["first", "constructor", "<third & last>"]
    root = fromstring(drawn(panelled(names), ".svg"))  # noqa: S314  # our own
    svg = "{http://www.w3.org/2000/svg}"
    tops = [float(one.attrib["y"]) for one in root.findall(f"{svg}svg")]
    heights = [float(one.attrib["height"]) for one in root.findall(f"{svg}svg")]
    assert tops[0] == 0
    assert all(top + high <= below for top, high, below in zip(tops, heights, tops[1:], strict=False)), "none overlaps"
    assert float(root.attrib["height"]) == tops[-1] + heights[-1]
    texts = [[text.text or "" for text in one.iter(f"{svg}text")] for one in root.findall(f"{svg}svg")]
    assert [[name for name in names if name in {text.rstrip("\u200b") for text in each}] for each in texts] == [
        [name] for name in names
    ]
    assert sum("Several panels" in each for each in texts) == 1
    alone = drawn(panelled(names[:1]), ".svg").decode()
    assert (alone.count("<svg"), ">first<" in alone, ">Several panels<" in alone) == (1, True, True)


@pytest.mark.slow
def test_a_picture_of_many_panels_is_one_that_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def size(count: int) -> tuple[int, int]:
        return Image.open(BytesIO(drawn(panelled([str(i) for i in range(count)]), ".png"))).size

    one, three = size(1), size(3)
    assert three[1] > 2.9 * one[1]
    monkeypatch.setattr("harness.report.figures.files.TALLEST_PX", 500)
    assert 490 <= size(3)[1] <= 500
    assert drawn(panelled(["a", "b"]), ".pdf").startswith(b"%PDF")


@pytest.mark.slow
def test_all_figures_are_listed(store: Store, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    fit_nothing(monkeypatch)
    listed = run_cli("plot", "list", "--store", store.url).stdout
    assert {"learning-rates", "verdict-times", "accuracy-digits"} <= {line.split()[0] for line in listed.splitlines()}
    nothing = run_cli("plot", "list", "--store", "none.sqlite")
    assert nothing.code == 0
    assert "learning-rates" in nothing.stdout
    assert "no store there yet" in nothing.stderr


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CannotWriteError, match="cannot be written: No space left"):
        write(path, "new")
    assert path.read_text() == "old"
    folder = tmp_path / "folder.html"
    folder.mkdir()
    with pytest.raises(UsageError, match="it is a folder"):
        check_output(folder)


def test_a_stamp_changes_with_every_record_and_end(store: Store) -> None:
    seen = [store.change_token()]
    record = planted("new", 1e-4)
    run = run_of([record], "third", "c" * 40, minute=9)
    store.start(run)
    seen.append(store.change_token())
    key = store.add(run.id, record)
    seen.append(store.change_token())
    store.add_samples(key, record.samples)
    seen.append(store.change_token())
    store.finish(run.id)
    seen.append(store.change_token())
    assert len(set(seen)) == len(seen)
    assert store.change_token() == seen[-1]


def asleep(*steps: Callable[[], object]) -> Callable[[float], None]:
    """A clock's sleep that does one step after the other instead, then is interrupted."""
    left = list(steps)

    def sleep(_: float) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    return sleep


@pytest.mark.slow
def test_watching_makes_the_page_anew_only_when_something_came(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, said, seen = tmp_path / "page.html", list[str](), list[dict[str, object]]()
    record = planted("new", 1e-4)

    def look() -> None:
        text = path.read_text(encoding="utf-8")
        seen.append(json.loads(text.split('id="data">')[1].split("</script>")[0]))

    def add() -> None:
        store.keep(run_of([record], "third", "c" * 40, minute=9), [record])

    monkeypatch.setattr("harness.page.watch.time.sleep", asleep(look, lambda: None, add, look))
    Keeper(store, asked(), path, said.append).keep(watch=True, port=None)
    look()
    assert [len(one["cases"]) for one in seen] == [12, 1, 1]  # type: ignore[arg-type]  # a list
    assert [one["live"] for one in seen] == [
        {"reload_s": keeping.RELOAD_S, "version": None},
        {"reload_s": keeping.RELOAD_S, "version": None},
        {"reload_s": None, "version": None},
    ]
    assert len(said) == 3


@pytest.mark.slow
def test_a_served_page_is_this_machine_s_and_knows_when_it_is_old(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, versions, record = list[str](), list[str](), planted("new", 1e-4)

    def ask() -> None:
        url = said[0].split()[0]
        version = get(url.replace("/?", "/version?"))
        assert f'"version":"{version}"' in get(url)
        versions.append(version)

    def add() -> None:
        store.keep(run_of([record], "third", "c" * 40, minute=9), [record])

    opened: list[str] = []
    monkeypatch.setattr("harness.page.watch.time.sleep", asleep(ask, add, ask))
    Keeper(store, asked(), None, said.append).keep(watch=True, port=0, browser=opened.append)
    assert [one.partition("/harness-page-")[0] for one in opened] == [f"file://{tempfile.gettempdir()}"]
    assert len(set(versions)) == 2
    with pytest.raises(urllib.error.URLError):
        get(said[0].split()[0])  # it has ended


def get(url: str, **headers: str) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:  # noqa: S310  # ours
        return str(answer.read().decode())


@pytest.mark.slow
def test_another_site_s_name_for_this_machine_gets_nothing() -> None:
    page = Served()
    page.put(b"private")
    with serving(page, Served(), 0) as url:
        assert get(url) == "private"
        place, _, token = url.partition("?")
        elsewhere = f"{place}../etc/passwd?{token}"
        for headers, asked_for, code in (
            ({"Host": "evil.example:80"}, url, 403),
            ({}, elsewhere, 404),
            ({}, place, 403),
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                get(asked_for, **headers)
            assert refused.value.code == code
        port = int(place.rstrip("/").rpartition(":")[2])
        with pytest.raises(UsageError, match=f"--port {port}: cannot serve there"), serving(page, Served(), port):
            pass
