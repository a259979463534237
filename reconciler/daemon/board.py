"""What a service knows at this moment, and who is told when that changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.call import Call
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.record import OpenIntent
    from reconciler.model.watching import Manifests, Tick, Watched, WatchedScope
    from reconciler.ports import WatchListener


class Board:
    """WatchView (see `ports`), and the one who tells every listener, in a fixed order."""

    def __init__(self, whole: Watched, listeners: Sequence[WatchListener]) -> None:
        self._whole = whole
        self._scopes: dict[str, WatchedScope] = {}
        self.listeners = tuple(listeners)

    def now(self) -> Watched:
        """Give the service as it is at this moment."""
        ordered = (self._scopes[name] for name in sorted(self._scopes))
        return replace(self._whole, scopes=tuple(ordered))

    def follow(self, scope: WatchedScope) -> None:
        """Take in a scope that is watched from now on, or watched otherwise."""
        known = self._scopes.get(scope.name)
        if known is not None:
            scope = replace(
                scope,
                last=known.last,
                looked_s=known.looked_s,
                ticking_s=known.ticking_s,
                next_s=known.next_s,
            )
        self._scopes[scope.name] = scope

    def leave(self, name: str) -> None:
        """Forget a scope that isn't watched any more."""
        self._scopes.pop(name, None)

    def changed(self, manifests: Manifests, *, stopping: bool = False) -> None:
        """Tell that it started or stops, or which manifests are in force now."""
        self._whole = replace(self._whole, manifests=manifests, stopping=stopping)
        now = self.now()
        for one in self.listeners:
            one.changed(now)

    def waits(self, name: str, until_s: float | None) -> None:
        """Take in when a scope is looked at next."""
        known = self._scopes.get(name)
        if known is not None:
            self._scopes[name] = replace(known, next_s=until_s)

    def began(self, name: str, at_s: float) -> None:
        """Tell that a scope is about to be looked at."""
        known = self._scopes.get(name)
        if known is not None:
            self._scopes[name] = replace(known, ticking_s=at_s, next_s=None)
        for one in self.listeners:
            one.tick_began(name, at_s)

    def ticked(self, tick: Tick) -> None:
        """Tell what a look saw, and what was done about it."""
        known = self._scopes.get(tick.scope)
        if known is not None:  # It may have been declared no more meanwhile.
            looked_s = tick.began_s if tick.looked else known.looked_s
            self._scopes[tick.scope] = replace(
                known, last=tick, looked_s=looked_s, ticking_s=None, next_s=tick.next_s
            )
        for one in self.listeners:
            one.ticked(tick)


class Told:
    """Events (see `ports`) of one run, for every listener."""

    def __init__(self, board: Board, scope: str, run: str) -> None:
        self._board, self._scope, self._run = board, scope, run

    def step_started(self, step_id: str, call: Call) -> None:
        """Tell that a call is about to be made."""
        for one in self._board.listeners:
            one.step_began(self._scope, self._run, step_id, call)

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Each attachment of the call has its outcome."""
        for one in self._board.listeners:
            one.step_ended(self._scope, self._run, step_id, call, outcomes)

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Tell it like a step of this run: what an earlier one left has its end now."""
        outcomes: dict[AttachmentKey, Outcome] = dict.fromkeys(intent.call.keys, outcome)
        for one in self._board.listeners:
            one.step_ended(self._scope, self._run, intent.step_id, intent.call, outcomes)
