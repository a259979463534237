"""What is stuck, over all scopes: list, look again, ask the servers themselves; read-only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from reconciler.errors import ProviderError
from reconciler.model.attachment import Witness
from reconciler.model.finding import Finding
from reconciler.operations.sessions import opened, unreadable
from reconciler.planning.diagnosis import Evidence, diagnose, suspects, unexplained
from reconciler.planning.doubts import merged
from reconciler.planning.ground import ground
from reconciler.planning.resolve import resolve
from reconciler.report.diagnosis import ScopeDiagnoses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.operations.sessions import Request, Session
    from reconciler.operations.wiring import Surroundings
    from reconciler.planning.ground import Ground
    from reconciler.ports import StatusReset

PAUSE_S = 2.0
"""Before what looks stuck is looked at again: a listing may have caught a change midway."""
ASKED_AT_MOST = 50
"""Servers that are asked one by one; an account with more such rows has them on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What is stuck in the scopes that could be read, and what is wrong with the others."""

    scopes: tuple[ScopeDiagnoses, ...]
    findings: tuple[Finding, ...]

    @property
    def stuck(self) -> bool:
        """True when anything is."""
        return any(made.stuck for scope in self.scopes for made in scope.diagnoses)


async def examine(request: Request, around: Surroundings) -> Examined:
    """Look at every scope of a request. Raises FindingsError, JournalError."""
    async with opened(request, around, writing=False) as now:
        findings = list(now.findings)
        seen: list[tuple[Session, Live]] = []
        for session in now.sessions:
            try:
                live = await _seen(session)
            except ProviderError as error:
                findings.append(unreadable(session.scope, error))
                continue
            if live.complete:
                seen.append((session, live))
            else:
                findings.append(_incomplete(live))
        scopes = [await _diagnosed(session, live, seen) for session, live in seen]
    return Examined(scopes=tuple(scopes), findings=tuple(findings))


def _grounded(session: Session, live: Live) -> Ground:
    about = session.circumstances()
    wanted = resolve(session.entries, live)
    return ground(wanted, live, session.policy, session.spec.can, about)


async def _seen(session: Session) -> Live:
    """List, and look once more by id at what may be stuck."""
    patience, provider = session.patience, session.provider
    live = await patience.read(provider.list_live)
    odd = suspects(_grounded(session, live)) if live.complete else ()
    if not odd:
        return live
    await patience.clock.sleep(PAUSE_S)
    return merged(live, await patience.read(lambda: provider.observe(odd)), odd)


async def _diagnosed(
    session: Session, live: Live, seen: list[tuple[Session, Live]]
) -> ScopeDiagnoses:
    elsewhere = {
        server_id: other.scope.name
        for other, theirs in reversed(seen)
        if other is not session
        for server_id in theirs.servers
    }
    on = _grounded(session, live)
    resets = getattr(session.provider, "reset", None) is not None
    asked = unexplained(on, elsewhere)[:ASKED_AT_MOST] if resets else ()
    beside = Evidence(
        witnesses=await _witnesses(session, asked),
        elsewhere=elsewhere,
        open_calls=session.pages.open_intents() if session.pages is not None else (),
        last=session.pages.runs.last_calls() if session.pages is not None else {},
        resets=resets,
    )
    return ScopeDiagnoses(
        scope=session.scope.name,
        simulated=session.scope.simulated,
        attachments=len(live.observed),
        diagnoses=diagnose(on, beside),
    )


async def _witnesses(
    session: Session, keys: tuple[AttachmentKey, ...]
) -> Mapping[AttachmentKey, Witness]:
    """Ask servers themselves; a question that fails leaves it unclear."""
    resets = cast("StatusReset", session.provider)
    said: dict[AttachmentKey, Witness] = {}
    for key in keys:
        try:
            said[key] = await resets.witness(key)
        except ProviderError:
            said[key] = Witness.UNCLEAR
    return said


def _incomplete(live: Live) -> Finding:
    return Finding(
        code="incomplete-listing",
        summary=f"the listing can't be trusted: {live.notices[0]}",
        hint="run it again; if it stays, the cloud's listing is at fault",
        scope=live.scope,
    )
