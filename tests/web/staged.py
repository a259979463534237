"""A service on a stage: what it saw is set by the test, and the real page shows it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.errors import JournalError
from reconciler.web.access import Access, Token
from reconciler.web.app import page
from reconciler.web.board import Board
from reconciler.web.reading import Reading
from tests.rig.watched import ANOTHER_S, difference, watched
from tests.web.stories import a_run, calls, edge, lab, nights, shop, vdi

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from reconciler.model.history import PastCall, PastRun
    from reconciler.model.watching import Correction, Difference, Tick, Watched

TOKEN = "a-token-of-thirty-two-characters"
HOSTILE = '"><script>document.title="owned"</script>\u202e\x1b[31m{{7*7}}'
NOW = datetime.fromtimestamp(ANOTHER_S + 60, tz=UTC)


@dataclass
class Staged:
    """A view and a history that a test sets."""

    watched: Watched = field(default_factory=lambda: watched("shop"))
    past: tuple[Difference, ...] = ()
    corrected: tuple[Correction, ...] = ()
    past_ticks: tuple[Tick, ...] = ()
    past_runs: tuple[PastRun, ...] = ()
    past_calls: tuple[PastCall, ...] = ()
    broken: bool = False

    def ticks(self, scope: str | None, since_s: float, limit: int) -> tuple[Tick, ...]:
        self._whole()
        found = [t for t in self.past_ticks if scope in {None, t.scope} and t.began_s >= since_s]
        return tuple(found[:limit])

    def differences(self, scope: str | None, since_s: float) -> tuple[Difference, ...]:
        self._whole()
        return tuple(d for d in self.past if scope in {None, d.key.scope} and d.last_s >= since_s)

    def corrections(self, scope: str | None, since_s: float) -> tuple[Correction, ...]:
        self._whole()
        return tuple(
            c for c in self.corrected if scope in {None, c.key.scope} and c.at_s >= since_s
        )

    def runs(self, since_s: float, prefix: str = "") -> tuple[PastRun, ...]:
        self._whole()
        return tuple(r for r in self.past_runs if r.id.startswith(prefix) and r.began_s >= since_s)

    def calls(self, run: PastRun) -> tuple[PastCall, ...]:
        self._whole()
        return tuple(c for c in self.past_calls if c.run == run.id)

    def _whole(self) -> None:
        if self.broken:
            raise JournalError("the disk is full")

    def board(self) -> Board:
        return Board(self.watched)

    def app(self, board: Board | None = None, **access: object) -> ASGIApp:
        reading = Reading(board=board or self.board(), history=self, utc_now=lambda: NOW)
        terms = Access(utc_now=lambda: NOW)
        return page(reading, replace(terms, **access), lambda: b"# metrics\n")  # type: ignore[arg-type]  # any field of it


def token() -> Token:
    return Token(TOKEN.encode())


PROVIDERS = {"vdi": "huawei-workspace"}


def staged() -> Staged:
    """Give a service of five scopes: a bit of everything, well, unreadable, fought over, new."""
    first = shop()
    ticks = {"shop": first, "lab": lab(), "vdi": vdi(), "edge": edge()}
    now = watched(*ticks, "new", ticks=ticks)
    scopes = (
        replace(
            one,
            corrects=one.name == "shop",
            simulated=one.name == "lab",
            provider=PROVIDERS.get(one.name, one.provider),
        )
        for one in now.scopes
    )
    return Staged(
        watched=replace(now, scopes=tuple(scopes)),
        past=(*first.differences, replace(difference("web-9"), gone_s=ANOTHER_S - 60)),
        corrected=first.corrections,
        past_ticks=tuple(nights()),
        past_runs=(a_run(),),
        past_calls=calls(),
    )
