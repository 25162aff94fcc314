"""A page that is served or watched shows a new record without anybody's doing."""

import os
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from harness.page.serving import private_link
from harness.records.record import Record
from harness.store.store import Store
from tests import page_data
from tests.browser import browser, complaints
from tests.page_checks import ready
from tests.page_driver import Reader
from tests.page_records import record

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_process")]

ended_with: dict[int, str] = {}
"""What a process that `reporting` ended said on standard error, by its id; where that was asked for."""
FIRST, SECOND = "numpy_lstsq", "a_late_solver"
SOONER = """
from harness.cli import script
from harness.page import watch
watch.POLL_S, watch.RELOAD_S = 0.1, 0.5
script()
"""
"""`harness`, which looks into the store and loads its page anew more often."""


@contextmanager
def reporting(store: Path, *words: str, stderr: int | None = None) -> Iterator["subprocess.Popen[str]"]:
    """`harness report` in a process of its own, with no browser to open; ended as by Ctrl-C."""
    command = [sys.executable, "-c", SOONER, "report", "--store", str(store), "--quick", *words]
    process = subprocess.Popen(
        command,
        cwd=store.parent,
        env={**os.environ, "BROWSER": "true", "HARNESS_CACHE_DIR": str(store.parent / "cache")},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        ended_with[process.pid] = process.communicate(timeout=60)[1]


def line_with(process: "subprocess.Popen[str]", pattern: str) -> str:
    """The first line of the process's output that the pattern is in."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found.group()
    raise AssertionError(f"the process ended, with exit code {process.wait()}, before it said {pattern}")


class Growing:
    """A store of a run that goes on."""

    def __init__(self, path: Path) -> None:
        self.path, self.store = path, Store(str(path))
        cases = (record("four_points", FIRST), record("four_points", SECOND))
        self.run = page_data.run_of(cases)
        self.store.start(self.run)
        self.add(cases[0])

    def add(self, one: Record) -> None:
        """One case more has ended."""
        self.store.add_samples(self.store.add(self.run.id, one), one.samples)


class Server(NamedTuple):
    """A page that is served and watched: its address with the token in it, its store."""

    url: str
    growing: Growing


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One process for all that ask a server; whatever they asked, it ends well and says nothing on standard error."""
    growing = Growing(tmp_path_factory.mktemp("served") / "store.sqlite")
    with reporting(growing.path, "--serve", "--port", "0", "--watch", stderr=subprocess.PIPE) as process:
        yield Server(line_with(process, r"http://127\.0\.0\.1:\d+/\?token=\S+"), growing)
    assert process.returncode in (0, 130)
    assert ended_with[process.pid] == ""


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with browser() as page:
        yield Reader(page)


def text_of(reader: Reader) -> str:
    """All of the page's text; empty while it is being loaded anew."""
    return str(reader.page.execute_script("return document.body?.textContent ?? ''"))


def seen(reader: Reader, solver: str) -> bool:
    """Whether a row of a table names the solver."""
    rows = "return [...document.querySelectorAll('tbody tr')].some(row => row.textContent.includes(arguments[0]))"
    return bool(reader.page.execute_script(rows, solver))


def test_a_served_page_takes_up_a_new_record(reader: Reader, served: Server) -> None:
    reader.page.get(served.url)
    ready(reader.page)
    assert seen(reader, FIRST)
    assert not seen(reader, SECOND)
    reader.page.execute_script("location.hash = '#accuracy&solver=numpy_lstsq,a_late_solver'")
    served.growing.add(record("four_points", SECOND))
    reader.until(lambda: seen(reader, SECOND))
    assert complaints(reader.page) == []


def test_a_watched_file_loads_itself_anew(reader: Reader, store_path: Path, tmp_path: Path) -> None:
    growing = Growing(store_path)
    page = tmp_path / "report.html"
    with reporting(growing.path, "--watch", "-o", str(page)) as process:
        line_with(process, "written")
        reader.page.get(page.as_uri())
        ready(reader.page)
        assert not seen(reader, SECOND)
        growing.add(record("four_points", SECOND))
        reader.until(lambda: seen(reader, SECOND))
    assert process.returncode in (0, 130)
    assert "location.reload" in page.read_text("utf-8")
    reader.page.get(page.as_uri())
    ready(reader.page)
    live = reader.page.execute_script("return JSON.parse(document.getElementById('data').textContent).live")
    assert live["reload_s"] is None, "a file that is left behind does not load itself anew"


def status_of(url: str, **headers: str) -> int:
    """What the server answers."""
    try:
        with urlopen(Request(url, headers=headers)) as answer:  # noqa: S310  # the address is ours
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_the_server_hands_out_the_page_and_its_version_and_nothing_else(served: Server) -> None:
    place, _, token = served.url.partition("?token=")
    with urlopen(served.url) as answer:  # noqa: S310  # the address is ours
        assert b"harness report" in answer.read()
        cookie = answer.headers["Set-Cookie"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert cookie.endswith("; HttpOnly; SameSite=Strict; Path=/")
    kept = {"Cookie": f"other=1; {cookie.partition(';')[0]}"}
    with urlopen(Request(f"{place}version", headers=kept)) as answer:  # noqa: S310
        assert re.fullmatch(rb"[0-9a-f]{16}", answer.read())
    for path in ("store.sqlite", "../store.sqlite", "%2e%2e/store.sqlite", "version/x"):
        assert status_of(place + path, **kept) == 404
    assert status_of(served.url, Host="evil.example:80") == 403
    for path in ("", "version", "?token=", f"?token={token[:-1]}", "?token=%ff", f"?token=x&token={token}"):
        assert status_of(place + path) == 403
    name = cookie.partition("=")[0]
    for wrong in (f"{name}=", f"{name}={token[:-1]}x", f"harness-1={token}", "\x80=;;", "token=" + token):
        assert status_of(place, Cookie=wrong) == 403


def test_a_client_that_leaves_is_no_traceback(served: Server) -> None:
    port = int(re.findall(r":(\d+)/", served.url)[0])
    for request in (
        f"GET /?{served.url.partition('?')[2]} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n",
        "GET / HT",
        "\x00\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leaves by a reset
            client.sendall(request.encode())
    assert status_of(served.url) == 200


def test_no_other_user_sees_the_token_among_the_words_of_a_browser() -> None:
    url = "http://127.0.0.1:1/?token=secret"
    with private_link(url) as link:
        assert "secret" not in link
        path = Path(link.removeprefix("file://"))
        assert url in path.read_text()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()
