"""What is live against what was last applied and what the manifests ask; nothing is changed.

Read-only by construction: nothing here knows how to send a change, and the journal is only read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.operations.plans import Terms, planned
from reconciler.operations.sessions import opened, untrusted
from reconciler.planning.differing import compare
from reconciler.report.drift import ScopeDrift

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.model.finding import Finding
    from reconciler.model.watching import Difference
    from reconciler.operations.asked import Request, Surroundings
    from reconciler.operations.plans import Planned, ScopePlan
    from reconciler.planning.differing import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """The scopes that could be read whole, sorted by name, and what is wrong with the others."""

    scopes: tuple[ScopeDrift, ...]
    findings: tuple[Finding, ...]
    planned: Planned
    """What they were read for."""


async def drift(
    request: Request, around: Surroundings, tell: Callable[[str], None] = lambda _: None
) -> Drifted:
    """Compare every scope of a request; `tell` hears what is waited for.

    Raises FindingsError, JournalError.
    """
    async with opened(request, around, writing=False) as now:
        made = await planned(now.sessions, now.findings, Terms(destroys=None, tell=tell))
        scopes = tuple(_told(scope) for scope in made.scopes if scope.on.live.complete)
    # What a listing lost would be missing, or gone with its entry; what it hides would be in line.
    doubtful = (
        untrusted(scope.session.scope, scope.on.live)
        for scope in made.scopes
        if not scope.on.live.complete
    )
    return Drifted(scopes=scopes, findings=(*made.findings, *doubtful), planned=made)


def compared(scope: ScopePlan) -> Comparison:
    """Compare live, applied and manifests of one planned scope."""
    pages = scope.session.pages
    rows = pages.watch.owned_rows() if pages is not None else frozenset()
    return compare(scope.plan, scope.on, scope.session.entries, rows)


def _told(scope: ScopePlan) -> ScopeDrift:
    session, desired, pages = scope.session, scope.on.desired, scope.session.pages
    found = compared(scope)
    known = pages.watch.lasting() if pages is not None else ()
    return ScopeDrift(
        scope=session.scope.name,
        provider=session.spec.name,
        simulated=session.scope.simulated,
        comparison=replace(found, differences=_since(found.differences, known)),
        findings=(*desired.entry_findings, *desired.scope_findings),
    )


def _since(seen: Sequence[Difference], known: Sequence[Difference]) -> tuple[Difference, ...]:
    """Give differences with the moment when a service saw them first, where one did."""
    first = {one.identity: one.first_s for one in known}
    return tuple(replace(one, first_s=first.get(one.identity, 0.0)) for one in seen)
