"""The page by HTTP for one person of this machine, and its version, by which an open page knows that it is old.

Every user of a machine reaches every port of it. So the URL has a token that nobody can guess, as Jupyter's has; who
has come with it gets it as a cookie, with which the page asks for its version.
"""

import hashlib
import hmac
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import escape
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import parse_qs, urlsplit

from harness.errors import UsageError

HOST = "127.0.0.1"
LOCAL = (HOST, "localhost")
TOKEN_BYTES = 24
"""Of chance: 192 bits."""
PATIENCE_S = 30.0
"""For a client that says nothing more: its thread is not kept for ever."""


class Served:
    """The page that is handed out now; whoever makes a newer one puts it here."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._body = b""

    def put(self, body: bytes) -> None:
        """From now on this is the page."""
        with self._lock:
            self._body = body

    def get(self) -> bytes:
        """The page as it is now."""
        with self._lock:
            return self._body


def version_of(made_of: object) -> str:
    """A short name of what a page was made of: another one whenever that is another."""
    return hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]


@contextmanager
def serving(page: Served, version: Served, port: int) -> Iterator[str]:
    """Serve while this lasts; the URL with its token. Port 0 is any that is free.

    Raises UsageError if the port cannot be had.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    try:
        server = _Server(port, page, version, token)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"--port {port}: cannot serve there: {reason}: name another, or 0 for any") from None
    thread = Thread(target=server.serve_forever, name="page", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/?token={token}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def private_link(url: str) -> Iterator[str]:
    """The URL of a file of this user's alone that leads to `url`: other users see with what words a browser began."""
    with tempfile.TemporaryDirectory(prefix="harness-page-") as folder:  # mode 0700
        path = Path(folder) / "open.html"
        path.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={escape(url)}">', encoding="utf-8")
        yield path.as_uri()


class _Server(ThreadingHTTPServer):
    """Two things to get, `served` by their paths, for who has the `token`."""

    daemon_threads = True

    def __init__(self, port: int, page: Served, version: Served, token: str) -> None:
        self.token = token
        self.served = {"/": (page, "text/html; charset=utf-8"), "/version": (version, "text/plain; charset=utf-8")}
        super().__init__((HOST, port), _Handler)

    def handle_error(self, *_: object) -> None:
        """A client that leaves in the middle is no error; a terminal is no place for what else a request did."""


class _Handler(BaseHTTPRequestHandler):
    """Answers who asks this machine by its own name: no other site's page."""

    server: _Server
    timeout = PATIENCE_S

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        held, kind = self.server.served.get(asked.path, (None, ""))
        # A name of somebody else's that resolves to this machine would make his page ours (DNS rebinding).
        host = self.headers.get("Host", "").rpartition(":")[0]
        by_url = _is(self.server.token, parse_qs(asked.query).get("token", [""])[0])
        if host not in LOCAL:
            self.send_error(403, "this page is served to this machine alone")
        elif not (by_url or _is(self.server.token, self._cookie())):
            self.send_error(403, "the page is for who has its token: open the URL that harness report printed")
        elif held is None:
            self.send_error(404)
        else:
            self._answer(held.get(), kind, with_cookie=by_url)

    @property
    def _cookie_name(self) -> str:
        """Cookies are a host's, whatever the port: two pages that are served have two."""
        return f"harness-{self.connection.getsockname()[1]}"

    def _cookie(self) -> str:
        with suppress(CookieError):
            found = SimpleCookie(self.headers.get("Cookie", "")).get(self._cookie_name)
            return found.value if found else ""
        return ""

    def _answer(self, body: bytes, kind: str, *, with_cookie: bool) -> None:
        self.send_response(200)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
        if with_cookie:
            headers["Set-Cookie"] = f"{self._cookie_name}={self.server.token}; HttpOnly; SameSite=Strict; Path=/"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A terminal with a run's progress in it is no place for an access log."""


def _is(token: str, said: str) -> bool:
    """Compared in a time that says nothing of where they differ."""
    return hmac.compare_digest(token.encode(), said.encode("utf-8", "replace"))
