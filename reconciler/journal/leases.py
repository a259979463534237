"""The lease: one run at a time may change a cloud, across processes and, by URL, machines.

1. A row without an owner is taken; another's is taken over when its beat stood still for a whole
   term while we were looking, or at once when its owner was a process of this machine and is gone.
2. Clocks of walls may jump: everybody counts by a clock of his own, and `expires` is for people.
3. The owner believes in its lease while its last durable beat is younger than a term less a
   margin; each changing call is a beat in the same transaction as its line, and leaves only if
   it is believed in still: it may have waited for its turn.
"""

from __future__ import annotations

import math
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select, update

from reconciler.errors import JournalError
from reconciler.journal import process
from reconciler.journal.tables import leases
from reconciler.model.history import Holder

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, Row

    from reconciler.journal.heart import Heart
    from reconciler.journal.store import Store

    LeaseRow = Row[tuple[object, ...]]

ID_LENGTH = 8
BEATS = 3
"""In a term: one may be lost to a busy disk."""
_BEAT = (
    update(leases)
    .where(leases.c.identity == bindparam("whose"), leases.c.token == bindparam("mine"))
    .values(beat=leases.c.beat + 1, expires_s=bindparam("until_s"))
)
"""Built once: each group of calls is one."""


def _awake_and_asleep_s() -> float:
    """Give seconds since the boot: a lid that was closed for an hour ends a belief."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """How long a lease holds without a beat, and by whose clock."""

    ttl_s: float = 15.0
    """A killed owner on another machine locks nobody out for longer than this."""
    margin_s: float = 5.0
    """Between the end of the owner's belief and the first moment of another one's claim."""
    look_s: float = 1.0
    """How much a look proves at most: whoever slept meanwhile has not watched."""
    clock_s: Callable[[], float] = _awake_and_asleep_s


class LeaseLostError(JournalError):
    """Another run may change this cloud by now: this one stops before its next request."""

    code = "lease-lost"
    hint = "see who has it with `reconciler lock list`, then run again: it adopts what is in flight"


class Lease:
    """One run's right to change one cloud identity."""

    def __init__(
        self, store: Store, terms: LeaseTerms, whose: tuple[str, str], heart: Heart
    ) -> None:
        self.beat_s = terms.ttl_s / BEATS
        self.run: str | None = None
        """The run that it was obtained for last."""
        self._terms = terms
        self._store = store
        self._heart = heart
        self._identity, self._scope = whose
        self._token: str | None = None
        self._beaten_s = 0.0
        self._date_less_clock_s = 0.0
        self._watched: tuple[str, int] | None = None
        self._quiet_s = 0.0
        self._looked_s = 0.0

    @property
    def held(self) -> bool:
        """True from a successful attempt until the release: whether it is still ours is asked."""
        return self._token is not None

    @property
    def believed(self) -> bool:
        """True while nobody else can have taken it over."""
        age_s = self._terms.clock_s() - self._beaten_s
        return self.held and age_s < self._terms.ttl_s - self._terms.margin_s

    def attempt(self, run: str, operation: str) -> Holder | None:
        """Try once to get it; give who has it, None: we."""
        began_s = self._terms.clock_s()
        token = uuid.uuid4().hex
        mine = self._row(run, operation, token)
        with self._store.durably() as connection:
            # A write first: SQLite then lets nobody in between the look and the taking.
            taken = self._store.insert_new(connection, leases, mine)
            row = None if taken else _row_of(connection, self._identity)
            if row is not None:
                taken = self._taken_over(connection, row, mine)
        if row is None and not taken:
            return self.attempt(run, operation)  # Given back between the two statements.
        holder = None if taken or row is None else holder_of(row, local=self._store.local)
        if holder is None:
            self._token, self._beaten_s, self.run = token, began_s, run
            self._watched = None
            self._heart.add(self)
        return holder

    def _row(self, run: str, operation: str, token: str) -> dict[str, object]:
        now_s = self._store.now_s()
        self._date_less_clock_s = now_s - self._terms.clock_s()
        return {
            "identity": self._identity,
            "scope": self._scope,
            "owner": process.owner(),
            "process": process.fingerprint(),
            "operation": operation,
            "run": run,
            "since_s": now_s,
            "expires_s": now_s + self._terms.ttl_s,
            "beat": 0,
            "token": token,
        }

    def _taken_over(self, connection: Connection, row: LeaseRow, mine: dict[str, object]) -> bool:
        """Take a dead owner's row; False where it isn't known to be dead, or lived just now."""
        if not (self._silent(row.token, row.beat) or process.gone(row.process)):
            return False
        unchanged = (leases.c.token == row.token) & (leases.c.beat == row.beat)
        taken = connection.execute(
            update(leases).where(leases.c.identity == self._identity).where(unchanged).values(mine)
        )
        return bool(taken.rowcount == 1)

    def _silent(self, token: str, beat: int) -> bool:
        """Tell whether that beat stood still for a whole term, as far as we have watched."""
        now_s = self._terms.clock_s()
        if self._watched == (token, beat):
            self._quiet_s += min(now_s - self._looked_s, self._terms.look_s)
        else:
            self._watched, self._quiet_s = (token, beat), 0.0
        self._looked_s = now_s
        return self._quiet_s >= self._terms.ttl_s

    def confirm(self, connection: Connection) -> float:
        """Beat in the transaction of another line. Raises LeaseLostError when it isn't ours.

        An update, not a look: whoever takes over meanwhile waits for the line's transaction. Gives
        the moment to be told to `beaten`, once the line is durable.
        """
        began_s = self._terms.clock_s()
        # Not by the run's own date: it may belong to the run's thread, and the heart has another.
        expires_s = self._date_less_clock_s + began_s + self._terms.ttl_s
        told = {"whose": self._identity, "mine": self._token, "until_s": expires_s}
        beaten = connection.execute(_BEAT, told)
        if beaten.rowcount != 1:
            raise LeaseLostError(self._lost(connection))
        return began_s

    def beaten(self, began_s: float) -> None:
        """Believe in a beat that is durable.

        Raises LeaseLostError where it took so long that another one may have come meanwhile.
        """
        self._beaten_s = max(self._beaten_s, began_s)
        if not self.believed:
            raise LeaseLostError(
                f"scope `{self._scope}`: the journal took so long for a line that the lease may be "
                "lost: nothing more was sent, and what was in flight is in the journal"
            )

    def _lost(self, connection: Connection) -> str:
        row = _row_of(connection, self._identity)
        now = "nobody has it now" if row is None else f"{row.owner} has it now ({row.operation})"
        return (
            f"the lease of scope `{self._scope}` is lost, and {now}: nothing more was sent, and "
            "what was in flight is in the journal"
        )

    def beat(self) -> bool:
        """Renew it; False when it isn't ours any more. Raises JournalError when nobody can tell."""
        if not self.held:
            return False
        try:
            with self._store.durably() as connection:
                began_s = self.confirm(connection)
            self.beaten(began_s)
        except LeaseLostError:
            self._beaten_s = -math.inf
            return False
        return True

    def release(self) -> None:
        """Let the next one in. Raises JournalError; the lease then ends with its term."""
        self._heart.remove(self)
        token, self._token = self._token, None
        with self._store.durably() as connection:
            connection.execute(
                delete(leases).where(leases.c.identity == self._identity, leases.c.token == token)
            )


def _row_of(connection: Connection, identity: str) -> LeaseRow | None:
    return connection.execute(select(leases).where(leases.c.identity == identity)).one_or_none()


def nobodys(connection: Connection, identity: str, scope: str) -> None:
    """Raise LeaseLostError when a line is to be written without a lease that another one holds."""
    row = _row_of(connection, identity)
    if row is not None:
        raise LeaseLostError(
            f"scope `{scope}` is being changed by {row.owner} ({row.operation}): nothing was sent"
        )


def holders(store: Store) -> tuple[Holder, ...]:
    """Give who holds what, sorted by identity."""
    with store.durably() as connection:
        rows = connection.execute(select(leases).order_by(leases.c.identity)).all()
    return tuple(holder_of(row, local=store.local) for row in rows)


def take_away(store: Store, holder: Holder) -> bool:
    """Delete exactly this holding; False when it ended by itself."""
    mine = (leases.c.identity == holder.identity) & leases.c.token.startswith(holder.id)
    with store.durably() as connection:
        return bool(connection.execute(delete(leases).where(mine)).rowcount == 1)


def holder_of(row: LeaseRow, *, local: bool) -> Holder:
    """Give a row as what others speak of."""
    return Holder(
        id=row.token[:ID_LENGTH],
        identity=row.identity,
        scope=row.scope,
        owner=row.owner,
        operation=row.operation,
        run=row.run,
        since_s=row.since_s,
        expires_s=row.expires_s,
        local=local,
        gone=process.gone(row.process),
    )
