"""A page that is served, or kept up with a run that goes on, until Ctrl-C."""

import time
import webbrowser
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from harness.files.writing import write
from harness.page.gather import PageRequest
from harness.page.making import encoded, make, on_paper
from harness.page.paper import print_pdf
from harness.page.serving import Served, private_link, serving, version_of
from harness.store.store import ChangeToken, Store

POLL_S = 2.0
"""How often the store is asked whether it holds something new."""
RELOAD_S = 5.0
"""How often an open file that is kept up loads itself anew: unlike a served page it cannot ask whether it is old."""


@dataclass
class Keeper:
    """A page of `store` that goes to `path`, if that is given, and where it is served from.

    `say` is told what a person should know; `busy` is entered while the page is made.
    """

    store: Store | None
    asked: PageRequest
    path: Path | None
    say: Callable[[str], None]
    busy: Callable[[], AbstractContextManager[object]] = nullcontext
    page: Served = field(default_factory=Served)
    version: Served = field(default_factory=Served)

    def once(self) -> None:
        """Make the page and write it. Raises what `gather`, `render` and `write` raise."""
        self._write(self._made())

    def keep(self, *, watch: bool, port: int | None, browser: Callable[[str], object] = webbrowser.open) -> None:
        """Serve it at `port` unless None, make it anew as records come if `watch`, until KeyboardInterrupt.

        The browser is opened where it is served. A file that is left behind does not load itself anew any more.
        """
        with ExitStack() as open_:
            try:
                known = self._renew(watch=watch, served=port is not None)
                if port is not None:
                    url = open_.enter_context(serving(self.page, self.version, port))
                    self.say(f"{url} until Ctrl-C")
                    browser(open_.enter_context(private_link(url)))
                while True:
                    time.sleep(POLL_S)
                    if watch and self.store is not None and self.store.change_token() != known:
                        known = self._renew(watch=True, served=port is not None)
            except KeyboardInterrupt:
                if watch and self.path is not None:
                    self.once()

    def _renew(self, *, watch: bool, served: bool) -> ChangeToken:
        """Make the page, and put it where it is served from and written to; what of the store it is of."""
        assert self.store is not None  # noqa: S101  # what is kept up is of a store
        held = self.store.change_token()  # before it is read: what comes meanwhile is seen the next time
        name = version_of(held) if watch and served else None
        text = self._made(reload_s=RELOAD_S if watch and not served else None, version=name)
        self.page.put(encoded(text))
        self.version.put((name or "").encode())
        self._write(text)
        return held

    def _made(self, *, reload_s: float | None = None, version: str | None = None) -> str:
        with self.busy():
            return make(self.store, self.asked, reload_s=reload_s, version=version, paper=on_paper(self.path))

    def _write(self, text: str) -> None:
        if self.path is None:
            return
        if on_paper(self.path):
            with self.busy():
                size = print_pdf(encoded(text), self.path)
        else:
            size = len(encoded(text))
            write(self.path, encoded(text))
        self.say(f"{self.path}: written, {size / 1e6:.1f} MB")
