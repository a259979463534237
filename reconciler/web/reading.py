"""The documents that pages and JSON endpoints show alike; the journal is asked off the loop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from starlette.concurrency import run_in_threadpool

from reconciler.report.adopting import accepting, adopting
from reconciler.report.history import DetailedRun, history_document, run_document
from reconciler.report.standing import (
    difference_rows,
    scope_document,
    search_document,
    tick_row,
    watched_document,
)
from reconciler.report.watch import correction_row
from reconciler.web.asking import WrongQuestionError, when
from reconciler.web.timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.model.history import PastRun
    from reconciler.model.watching import WatchedScope
    from reconciler.ports import WatchHistory
    from reconciler.report.document import Document
    from reconciler.web.board import Board

T = TypeVar("T")

ACCEPTED_FOR = timedelta(days=7)
"""How long the YAML to copy accepts a difference: a week, and whoever copies it thinks again."""
ABSENT = 404
MOST_RUNS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What there is to read."""

    board: Board
    history: WatchHistory
    utc_now: Callable[[], datetime]

    def watched(self) -> Document:
        """Give the whole service."""
        return watched_document(self.board.now, when)

    def scope(self, name: str) -> Document:
        """Give one scope with its picture. Raises WrongQuestionError where there is none."""
        return scope_document(self._scope(name), when)

    def search(self, text: str) -> Document:
        """Give what bears a text."""
        return search_document(self.board.now, text, when)

    def difference(self, scope: str, server_id: str, volume_id: str) -> Document:
        """Give one difference that is there now, with the YAML that accepts or adopts it."""
        watched = self._scope(scope)
        rows = watched.last.differences if watched.last else ()
        # A volume that was moved is asked for by where it belongs or by where it is.
        found = [
            one
            for one in rows
            if one.key.volume_id == volume_id
            and server_id in {one.key.server_id, one.found_server_id}
        ]
        if not found or watched.last is None:
            raise WrongQuestionError("nothing differs there now", ABSENT)
        seen = watched.last.attachments
        until = (self.utc_now() + ACCEPTED_FOR).date()
        return {
            "scope": scope,
            "differences": [
                row | {"accept": accepting(one, seen, until), "adopt": adopting(one, seen)}
                for one in found
                for row in difference_rows([one], when)
            ],
        }

    def _scope(self, name: str) -> WatchedScope:
        found = next((one for one in self.board.now.scopes if one.name == name), None)
        if found is None:
            raise WrongQuestionError("there is no such scope", ABSENT)
        return found

    async def differences(self, scope: str, ago_s: float) -> Document:
        """Give what differs now, and what did since then."""
        whose = self._known(scope)
        rows = await self._asked(lambda h, from_s: h.differences(whose, from_s), ago_s)
        return {"differences": difference_rows(rows, when)}

    async def corrections(self, scope: str, ago_s: float) -> Document:
        """Give what was corrected since then, newest first."""
        whose = self._known(scope)
        rows = await self._asked(lambda h, from_s: h.corrections(whose, from_s), ago_s)
        return {"corrections": [correction_row(one, when) for one in rows]}

    async def ticks(self, scope: str, ago_s: float, limit: int) -> Document:
        """Give ticks since then, newest first."""
        whose = self._known(scope)
        rows = await self._asked(lambda h, from_s: h.ticks(whose, from_s, limit), ago_s)
        return {"ticks": [tick_row(one, when) for one in rows]}

    async def runs(self, ago_s: float) -> Document:
        """Give the runs since then, newest first."""
        rows = await self._asked(lambda h, from_s: h.runs(from_s), ago_s)
        return history_document(rows[:MOST_RUNS], when)

    async def run(self, prefix: str) -> Document:
        """Give one run with its calls, and its steps where it goes on."""

        def detailed() -> tuple[DetailedRun, ...]:
            found = self.history.runs(0.0, prefix)
            return tuple(DetailedRun(run=run, calls=self.history.calls(run)) for run in found)

        parts = await run_in_threadpool(detailed)
        _one_run([part.run for part in parts])
        run_id = parts[0].run.id
        steps = [
            {
                "step": one.step_id,
                "verb": one.call.verb.value,
                "attachments": len(one.call.keys),
                "verdicts": None
                if one.outcomes is None
                else sorted({outcome.verdict.value for outcome in one.outcomes.values()}),
            }
            for one in self.board.progress(run_id)
        ]
        return {
            "id": run_id,
            **run_document(parts, when),
            "timeline": timeline(parts, self.utc_now().timestamp()),
            "steps": steps,
        }

    def _known(self, scope: str) -> str | None:
        if scope:
            self._scope(scope)
        return scope or None

    async def _asked(self, ask: Callable[[WatchHistory, float], T], ago_s: float) -> T:
        from_s = max(0.0, self.utc_now().timestamp() - ago_s)
        return await run_in_threadpool(ask, self.history, from_s)


def _one_run(found: list[PastRun]) -> None:
    """Raise WrongQuestionError unless the beginning of an id means one run."""
    ids = {run.id for run in found}
    if not ids:
        raise WrongQuestionError("there is no such run", ABSENT)
    if len(ids) > 1:
        raise WrongQuestionError(f"{len(ids)} runs have ids that begin so", ABSENT)
