"""The page by HTTP on this machine alone, and its version, by which an open page knows that it is old."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from harness.errors import UsageError

HOST = "127.0.0.1"
LOCAL = (HOST, "localhost")


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
    """Serve while this lasts; the URL. Port 0 is any that is free. Raises UsageError if the port cannot be had."""
    try:
        server = ThreadingHTTPServer((HOST, port), _handler(page, version))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"--port {port}: cannot serve there: {reason}: name another, or 0 for any") from None
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, name="page", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(page: Served, version: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Two things to get, for who asks this machine by its own name: no other site's page may read them."""

        def do_GET(self) -> None:
            known = {"/": (page, "text/html; charset=utf-8"), "/version": (version, "text/plain; charset=utf-8")}
            held, kind = known.get(self.path.partition("?")[0], (None, ""))
            # A name of somebody else's that resolves to this machine would make his page ours (DNS rebinding).
            host = self.headers.get("Host", "").rpartition(":")[0]
            if host not in LOCAL:
                self.send_error(403, "this page is served to this machine alone")
            elif held is None:
                self.send_error(404)
            else:
                self._answer(held.get(), kind)

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("X-Frame-Options", "DENY")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A terminal with a run's progress in it is no place for an access log."""

    return Handler
