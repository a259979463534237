"""The real page on a socket, and Debian's chromium in front of it."""

from __future__ import annotations

import importlib
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.web.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.web.access import Token
    from reconciler.web.board import Board
    from tests.web.staged import Staged

# Playwright is a counterpart: where it isn't installed its types are unknown.
Browser: TypeAlias = Any

WAIT_MS = 10_000
"""How long the browser is given; nothing here is judged by its time."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a browser; it asks nobody but this machine."""
    sync_playwright = importlib.import_module("playwright.sync_api").sync_playwright
    program = shutil.which("chromium")
    assert program is not None, "apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """One tab, and everything that a browser complains about in it."""

    tab: Any
    address: str
    board: Board
    said: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page and wait until it hears news, where it does."""
        self.tab.goto(self.address + path)

    def text(self) -> str:
        """Give what is to be read."""
        found: str = self.tab.inner_text("main")
        return found


@contextmanager
def visiting(
    browser: Browser,
    stage: Staged,
    *,
    width: int = 1280,
    token: Token | None = None,
    **rest: object,
) -> Iterator[Visit]:
    """Serve a stage and visit it; `token` is the page's, all else the tab's."""
    board = stage.board()
    app = stage.app(board, token=token)
    with serving(app, "127.0.0.1", 0, board.audience.close) as port:
        context = browser.new_context(viewport={"width": width, "height": 800}, **rest)
        context.set_default_timeout(WAIT_MS)
        tab = context.new_page()
        visit = Visit(tab=tab, address=f"http://127.0.0.1:{port}", board=board)
        tab.on("console", lambda message: visit.said.append(message.text))
        tab.on("pageerror", lambda error: visit.said.append(str(error)))
        tab.on("dialog", lambda dialog: visit.said.append(f"dialog {dialog.message}"))
        yield visit
        context.close()
