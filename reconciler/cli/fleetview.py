"""How a fleet stands, as one document: what `fleet status` prints and the fleet's page shows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from reconciler.cli.history import when
from reconciler.cli.showing import access_of, named
from reconciler.cli.watch import noticed
from reconciler.errors import JournalError
from reconciler.fleet import standing
from reconciler.model.watching import Watched, WatchedScope
from reconciler.report.history import leases_document
from reconciler.version import __version__
from reconciler.web.app import fleet_page
from reconciler.web.board import Board
from reconciler.web.reading import Reading
from reconciler.web.serving import serving

if TYPE_CHECKING:
    from reconciler.cli.page import Shown
    from reconciler.fleet.standing import ScopeRow, Standing
    from reconciler.operations.asked import Surroundings
    from reconciler.operations.inforce import InForce
    from reconciler.report.document import Document

RENEW_S = 5.0
"""How often open pages are renewed: what workers do is told to the database alone."""


class Overview:
    """FleetView (see `ports`) over the database, with the manifests in force."""

    def __init__(self, url: str, in_force: InForce, around: Surroundings) -> None:
        assert around.book is not None, "it is open"
        self._url, self._in_force, self._book = url, in_force, around.book

    def overview(self, search: str, after: str, limit: int) -> Document:
        """Give workers, looks, leases, and a page of the scopes whose name has `search` in it."""
        declared = self._in_force.declared.scopes
        found = [name for name in sorted(declared) if search in name and name > after]
        shown = found[:limit]
        now = standing.standing(self._url, shown)
        return {
            "workers": [
                {"worker": one.number, "silent_s": round(one.silent_s, 1), "looks": one.looks}
                for one in now.workers
            ],
            "looks": dict(sorted(now.jobs.items())),
            "scopes": [self._row(name, now) for name in shown],
            "more": len(found) - len(shown),
            "declared": len(declared),
            **leases_document(self._book.holders(), when),
        }

    def scope(self, name: str) -> Document | None:
        """Give one scope, with its lease; None where it isn't declared."""
        if name not in self._in_force.declared.scopes:
            return None
        schedule = self._in_force.schedule(name)
        mine = [one for one in self._book.holders() if one.scope == name]
        return {
            **self._row(name, standing.standing(self._url, [name])),
            "schedule": schedule.words,
            "corrects": schedule.correct,
            **leases_document(mine, when),
        }

    def answers(self) -> bool:
        """Tell whether the database does."""
        try:
            standing.standing(self._url, [])
        except JournalError:
            return False
        return True

    def _row(self, name: str, now: Standing) -> Document:
        row = now.scopes.get(name) or standing.ScopeRow()
        last = next(iter(self._book.watched.ticks(name, 0.0, 1)), None)
        return {
            "scope": name,
            "standing": _word(row),
            "worker": row.worker,
            "due": None if row.due_s is None else when(row.due_s),
            "failures": row.failures,
            "last": None if last is None else when(last.began_s),
            "looked": None if last is None else last.looked,
            "counts": {} if last is None else dict(sorted(last.counts.items())),
        }


def _word(row: ScopeRow) -> str:
    if row.worker is not None:
        return "looked at"
    if row.paused_s is not None:
        return "paused"
    return "queued" if row.waits else "idle"


async def show(view: Overview, in_force: InForce, shown: Shown, around: Surroundings) -> int:
    """Show the page until a signal comes; manifests that change are read meanwhile."""
    assert shown.listen is not None, "it has a default"
    assert around.book is not None, "it is open"
    stop, board = asyncio.Event(), Board(_declared(in_force, around))
    reading = Reading(board=board, history=around.book.watched, utc_now=around.utc_now)
    good = [True]
    app = fleet_page(reading, view, access_of(shown, shown.listen[0], around), lambda: good[0])
    with serving(app, *shown.listen, board.audience.close) as port, noticed(stop):
        click.echo(f"The page is at http://{named(shown.listen[0])}:{port}", err=True)
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), RENEW_S)
            except TimeoutError:
                await in_force.fetch()
                await asyncio.to_thread(in_force.refresh)
                good[0] = await asyncio.to_thread(view.answers)
                board.changed(_declared(in_force, around))
    return 0


def _declared(in_force: InForce, around: Surroundings) -> Watched:
    return Watched(
        version=__version__,
        started_s=around.utc_now().timestamp(),
        manifests=in_force.manifests,
        scopes=tuple(
            WatchedScope(
                name=name,
                provider=scope.provider,
                simulated=scope.simulated,
                schedule="",
                corrects=False,
            )
            for name, scope in sorted(in_force.declared.scopes.items())
        ),
    )
