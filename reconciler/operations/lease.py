"""Wait until this run alone may change its clouds, and let the next one in.

1. In the order of identities: two runs never each hold what the other one waits for.
2. All of them or none; what was obtained is given back before anybody is told of the other.
3. Whoever only looks never asks.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.errors import JournalError
from reconciler.model.finding import Finding, FindingsError
from reconciler.operations import wiring

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.model.history import Holder
    from reconciler.operations.sessions import Session
    from reconciler.operations.wiring import Surroundings
    from reconciler.ports import Lease

LOCK_TIMEOUT_S = 30.0
"""Two terms of a lease: a killed owner is outlived, and a short run is waited for."""
LOOK_S = 0.5


class LockedError(FindingsError):
    """Another run changes one of these clouds; nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who asks for a lease, and how long."""

    run: str
    operation: str
    timeout_s: float
    """0: it is asked for once."""
    tell: Callable[[str], None]
    """Hears whom a wait is for; once a wait."""


class Leases:
    """What one run needs to change the clouds of its sessions."""

    def __init__(self, sessions: Sequence[Session], claim: Claim) -> None:
        self._sessions = sorted(sessions, key=lambda session: str(session.identity))
        self._claim = claim

    async def obtain(self) -> None:
        """Wait for every lease. Raises LockedError, JournalError; nothing is held then."""
        until_s = asyncio.get_running_loop().time() + self._claim.timeout_s
        try:
            for session in self._sessions:
                await self._obtained(session, until_s)
        except BaseException:
            self.release()
            raise

    async def _obtained(self, session: Session, until_s: float) -> None:
        lease, told = _lease(session), False
        while (holder := lease.attempt(self._claim.run, self._claim.operation)) is not None:
            left_s = until_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                raise LockedError(_locked(session, holder))
            if not told:
                self._claim.tell(f"waiting for {_whose(session, holder)}")
                told = True
            await asyncio.sleep(min(LOOK_S, left_s))

    def release(self) -> None:
        """Give back what is held; a lease that can't be given back ends with its term."""
        for lease in (_lease(session) for session in self._sessions):
            if lease.held:
                with suppress(JournalError):
                    lease.release()


def _lease(session: Session) -> Lease:
    assert session.pages is not None, "whoever changes something has a journal"
    return session.pages.lease


def _whose(session: Session, holder: Holder) -> str:
    since = datetime.fromtimestamp(holder.since_s, tz=UTC).isoformat(" ", "seconds")
    local = " local" if holder.local else ""
    return (
        f"the{local} lease of scope `{session.scope.name}`: {holder.owner} has it for "
        f"`{holder.operation}` since {since}"
    )


def _locked(session: Session, holder: Holder) -> Finding:
    return Finding(
        code="locked",
        summary=f"another run has {_whose(session, holder)}",
        hint=f"wait for it, or longer with `--lock-timeout`; `reconciler lock list` shows it as "
        f"`{holder.id}`",
        place=session.scope.place,
        scope=session.scope.name,
    )


def holders(around: Surroundings) -> tuple[Holder, ...]:
    """Give who holds which lease, sorted by identity. Raises JournalError."""
    book = wiring.book(around, writing=False)
    if book is None:
        return ()
    try:
        return book.holders()
    finally:
        book.close()


def holder(prefix: str, around: Surroundings) -> Holder:
    """Give the one lease whose id begins so. Raises FindingsError, JournalError."""
    found = [one for one in holders(around) if prefix and one.id.startswith(prefix)]
    if len(found) != 1:
        raise FindingsError(
            Finding(
                code="unknown-lease",
                summary=f"`{prefix}` is {len(found)} of the leases that are held now",
                hint="write an id that `reconciler lock list` shows",
            )
        )
    return found[0]


def take_away(one: Holder, around: Surroundings) -> bool:
    """End exactly this holding, which a person was asked about; False: it ended by itself."""
    book = wiring.book(around, writing=False)
    if book is None:
        return False
    try:
        return book.take_away(one)
    finally:
        book.close()
