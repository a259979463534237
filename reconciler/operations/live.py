"""What is attached now, in both views; nothing is compared and nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.operations.sessions import opened, unreadable

if TYPE_CHECKING:
    from reconciler.model.finding import Finding
    from reconciler.model.live import Live
    from reconciler.operations.sessions import Request
    from reconciler.operations.wiring import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The scopes that could be read, sorted by name, and what is wrong with the others."""

    scopes: tuple[Live, ...]
    simulated: tuple[str, ...]
    findings: tuple[Finding, ...]


async def see(request: Request, around: Surroundings) -> Seen:
    """List every scope of a request. Raises FindingsError, JournalError."""
    async with opened(request, around, writing=False) as now:
        scopes: list[Live] = []
        findings = list(now.findings)
        for session in now.sessions:
            try:
                scopes.append(await session.patience.read(session.provider.list_live))
            except ProviderError as error:
                findings.append(unreadable(session.scope, error))
        simulated = tuple(s.scope.name for s in now.sessions if s.scope.simulated)
    return Seen(scopes=tuple(scopes), simulated=simulated, findings=tuple(findings))
