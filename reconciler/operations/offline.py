"""Plan from a snapshot: no credentials, no journal, no request; what it doesn't tell is refused.

Such a plan approves nothing: it is never saved, and whoever applies looks at the clouds again.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.execution.clock import LoopClock
from reconciler.execution.pace import ScopePace
from reconciler.execution.retry import Patience
from reconciler.model.counting import counted
from reconciler.model.finding import Finding
from reconciler.model.record import Identity
from reconciler.operations import wiring
from reconciler.operations.drift import drift
from reconciler.operations.older import memories_of
from reconciler.operations.plans import Terms, check_selection, planned
from reconciler.operations.sessions import Session, asked_of
from reconciler.operations.snapshot import moment, read, signing_key, told_age, write
from reconciler.operations.snapshot_rows import fingerprint, live_of, row_of
from reconciler.planning.cutting import cut
from reconciler.providers import spec_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.call import Call
    from reconciler.model.declared import Declared, DeclaredScope
    from reconciler.model.live import Live
    from reconciler.model.outcome import Progress, Receipt
    from reconciler.operations.asked import Request, Surroundings
    from reconciler.operations.drift import Drifted
    from reconciler.operations.plans import Planned
    from reconciler.operations.snapshot import Snapshot

OLDEST = timedelta(days=2)
"""How old a snapshot may be unless a flag says: one nightly run may have failed."""


async def drift_with_snapshot(
    request: Request, around: Surroundings, path: Path, tell: Callable[[str], None] = lambda _: None
) -> Drifted:
    """Give the drift, and write what was seen for it, cut and signed; only scopes that were read.

    `tell` hears what is waited for. Raises FindingsError, JournalError; without a key before
    anything is asked.
    """
    key, made = signing_key(around.environ), around.utc_now()
    found = await drift(request, around, tell)
    rows = {
        one.session.scope.name: row_of(
            one.session.scope, cut(one.on.live, one.on.desired, one.session.entries)
        )
        for one in found.planned.scopes
    }
    write(path, rows, key, made)
    return found


async def plan_offline(request: Request, around: Surroundings) -> Planned:
    """Plan what a request names on its snapshot. Raises FindingsError."""
    assert request.snapshot is not None, "its caller looks"
    asked, older = asked_of(request, around)
    age_s = request.snapshot_age_s
    oldest = OLDEST if age_s is None else timedelta(seconds=age_s)
    path, now = Path(request.snapshot), around.utc_now()
    snapshot = read(path, request.files, around.environ, now, oldest)
    sessions: list[Session] = []
    findings: list[Finding] = []
    for _, scope in sorted(asked.scopes.items()):
        row = snapshot.scopes.get(scope.name)
        if row is None or row.cloud != fingerprint(scope):
            findings.append(_not_there(scope, known=row is not None))
            continue
        live = live_of(scope.name, row, _notices(snapshot, scope.name))
        session = _session(scope, asked, live, request, around)
        sessions.append(replace(session, older=memories_of(scope, older)))
    made = await planned(sessions, findings, Terms(destroys=None, rest_s=0.0))
    check_selection(made)
    return made


def _notices(snapshot: Snapshot, scope: str) -> tuple[str, ...]:
    row = snapshot.scopes[scope]
    when = f"planned from a snapshot of {moment(snapshot.made)}, {told_age(snapshot.age)} old"
    told = [f"{when}, without a journal: what changed since isn't seen, and an apply looks again"]
    if not row.complete:
        told.insert(0, "rows were missing when the snapshot was made")
    if row.rest.attachments:
        rest = counted(row.rest.attachments, "attachment")
        told.append(f"of what no manifest named there is only a count: {rest}")
    return tuple(told)


def _not_there(scope: DeclaredScope, *, known: bool) -> Finding:
    what = "is another cloud in the snapshot" if known else "isn't in the snapshot"
    return Finding(
        code="scope-not-in-snapshot",
        summary=f"scope `{scope.name}` {what}",
        hint="have it planned by somebody with credentials; the next snapshot of the main branch "
        "has it once this is merged",
        place=scope.place,
        scope=scope.name,
    )


class _Shown:
    """The provider of a picture: it can be looked at, and that is all."""

    def __init__(self, live: Live) -> None:
        self._live = live

    async def list_live(self) -> Live:
        """Give the picture."""
        return self._live

    async def observe(self, keys: Collection[AttachmentKey]) -> Live:
        """Give it again: there is nothing newer to see."""
        del keys
        return replace(self._live, notices=())

    async def submit(self, call: Call) -> Receipt:
        """Never be asked to."""
        raise AssertionError(f"nothing is sent offline: {call}")

    async def track(self, handle: str) -> Progress:
        """Never be asked to."""
        raise AssertionError(f"nothing was sent offline: {handle}")

    async def aclose(self) -> None:
        """Close nothing."""


def _session(
    scope: DeclaredScope, asked: Declared, live: Live, request: Request, around: Surroundings
) -> Session:
    spec, clock = spec_of(scope.provider), LoopClock()
    wiring.check_keys(scope, spec)
    return Session(
        scope=scope,
        entries=asked.entries[scope.name],
        policy=asked.policies[scope.name],
        spec=spec,
        provider=_Shown(live),
        identity=Identity(
            provider=spec.name, endpoint="snapshot", project=scope.name, region=scope.region
        ),
        pace=ScopePace(clock, None),
        patience=Patience(clock=clock, chance=random.random),
        pages=None,
        request=request,
        utc_now=around.utc_now,
        hooks=wiring.guest_hooks(around, ()),
    )
