"""Open scopes: a provider, its pages of the journal, and everything that planning it needs."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.execution.clock import LoopClock
from reconciler.execution.pace import ScopePace
from reconciler.execution.retry import Patience
from reconciler.model.attachment import AttachmentKey
from reconciler.model.declared import Unmanaged
from reconciler.model.endpoint import canonical
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.memory import Memory, Remembers
from reconciler.model.plan import Circumstances
from reconciler.operations import wiring
from reconciler.operations.asked import Request, loaded
from reconciler.operations.older import memories_of, older_manifests
from reconciler.planning.windows import permits
from reconciler.providers import spec_of
from reconciler.providers.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from datetime import date, datetime

    from reconciler.journal.journal import Book, Pages
    from reconciler.model.declared import Declared, DeclaredScope, Entry
    from reconciler.model.live import Live
    from reconciler.model.plan import Approved, Plan
    from reconciler.model.policy import Policy
    from reconciler.model.record import Identity, NamedAttachment
    from reconciler.operations.asked import Surroundings
    from reconciler.ports import GuestHooks, Lease, Provider
    from reconciler.providers.spec import Opening, ProviderSpec

__all__ = ["Opened", "Request", "Session", "loaded", "opened", "unreadable", "untrusted"]
IN_PROCESS = "http://simulator"
"""The address of a simulated scope when a transport of the surroundings carries its requests."""

REACH = (
    "check that this machine reaches that host, and that `region`, `cloud` and `endpoint` of the "
    "Scope name the right host"
)
BETWEEN = (
    "another machine may have answered, such as a proxy or a sign-in page: check what lies "
    "between, and the endpoint; nothing was changed"
)
NEXT_STEPS = {
    "not-sent": REACH,
    "no-answer": REACH,
    "bad-answer": BETWEEN,
    "answer-too-long": BETWEEN,
    "bad-certificates": "correct the variable, or take it out; nothing was sent",
    "bad-proxy": "correct the variable, or take it out; nothing was sent",
}

NOTHING_TYPED: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One open scope."""

    scope: DeclaredScope
    entries: tuple[Entry, ...]
    policy: Policy
    spec: ProviderSpec
    provider: Provider
    identity: Identity
    pace: ScopePace
    patience: Patience
    pages: Pages | None
    """None where nothing was ever applied from here, and nothing is going to be."""
    request: Request
    utc_now: Callable[[], datetime]
    hooks: GuestHooks
    older: tuple[Memory, ...] = ()
    """What another commit says of the scope, where one was asked for."""
    protects: tuple[Entry, ...] = ()
    """What today's entries protect, where other rows than theirs are planned."""

    def today(self) -> date:
        """Give the date, in UTC."""
        return self.utc_now().date()

    def closed(self) -> bool:
        """Tell whether no window of the policy lets changes be made now."""
        windows = self.policy.windows
        return bool(windows) and not permits(windows, self.utc_now())

    @property
    def deadline_s(self) -> float:
        """How long one change may take before it counts as unknown."""
        return self.scope.limits.step_timeout_s or self.spec.can.step_deadline_s

    @property
    def at_once(self) -> int:
        """How many changes may be in flight."""
        return self.scope.limits.max_concurrency or self.spec.can.max_concurrency

    def _applied(self) -> frozenset[NamedAttachment] | None:
        if self.pages is None or self.request.rows is not None:
            return None
        return self.pages.applied()

    def _destroyed(self) -> frozenset[NamedAttachment]:
        if self.pages is None or self.spec.can.detach_keeps_data:
            return frozenset()
        return self.pages.runs.destroyed()

    def circumstances(
        self,
        approved: tuple[Approved, ...] | None = None,
        unsettled: frozenset[AttachmentKey] = frozenset(),
        destroys: frozenset[str] | None = frozenset(),
        typed: Mapping[str, int] | None = NOTHING_TYPED,
    ) -> Circumstances:
        """Give what the plan depends on beside manifests and live state."""
        acks = self.request.acks or {}
        said = acks.get(self.scope.name, acks.get(""))
        return Circumstances(
            cloud=self.identity.cloud,
            asks_detach=typed is None,
            ack_detach=(typed or {}).get(self.scope.name, said),
            applied=self._applied(),
            destroyed=self._destroyed(),
            memories=self._memories(),
            undoes=self.request.rows is not None,
            protects=self.protects,
            needs_memory=not self.request.first_apply,
            targets=self.request.targets,
            excludes=self.request.excludes,
            forces=self.request.forces,
            unmanaged=self.scope.unmanaged,
            owed=self._owed(),
            documents=self.documents,
            now=self.utc_now(),
            enforced=destroys is not None,
            destroys=destroys,
            unsettled=unsettled,
            approved=approved,
        )

    def _owed(self) -> Mapping[AttachmentKey, str]:
        """Give the attachments whose hook after an attach is to run once more."""
        if self.pages is None or self.policy.after_attach is None or self.request.rows is not None:
            return {}
        owed = self.pages.hooks.owed().items()
        return {AttachmentKey(self.scope.name, *ends): why for ends, why in owed}

    def _memories(self) -> tuple[Memory, ...]:
        """Give what is remembered of the scope."""
        kept = self.pages.remembered() if self.pages is not None else None
        return self.older if kept is None else (kept, *self.older)

    def memory_of(self, plan: Plan) -> Memory:
        """Give what is to be remembered once this plan is made."""
        return Memory(
            of=Remembers.JOURNAL,
            policy=replace(self.policy, accept=()),
            protected=frozenset(plan.protected),
            documents=self.documents,
        )

    @property
    def documents(self) -> frozenset[str]:
        """Give the names of the documents that have entries of the scope."""
        return frozenset(entry.document for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The scopes that could be opened, and what is to be told of the others."""

    sessions: tuple[Session, ...]
    findings: tuple[Finding, ...] = ()


@asynccontextmanager
async def opened(request: Request, around: Surroundings, *, writing: bool) -> AsyncIterator[Opened]:
    """Open every scope of a request; the scopes that can't be opened are findings.

    Raises FindingsError when the manifests, the credentials or the endpoints are wrong, and
    JournalError when the journal can't be trusted.
    """
    asked, older = asked_of(request, around)
    async with AsyncExitStack() as stack:
        book = around.book or wiring.book(around, writing=writing)
        if book is not None and around.book is None:
            stack.callback(book.close)
        # Everything that needs no request is checked for every scope before the first one leaves.
        breaker = Breaker()
        ready = [
            _prepared(scope, around, stack, breaker) for _, scope in sorted(asked.scopes.items())
        ]
        secrets = (secret for one in ready for secret in one.opening.secrets.values())
        hooks = wiring.guest_hooks(around, secrets)
        sessions: list[Session] = []
        findings: list[Finding] = []
        for prepared in ready:
            try:
                session = await _opened(prepared, asked, request, book, hooks)
            except ProviderError as error:
                findings.append(unreadable(prepared.scope, error))
                continue
            stack.push_async_callback(session.provider.aclose)
            sessions.append(replace(session, older=memories_of(session.scope, older)))
        _distinct(sessions)
        yield Opened(sessions=tuple(sessions), findings=tuple(findings))


def asked_of(request: Request, around: Surroundings) -> tuple[Declared, Declared | None]:
    """Give what the manifests of a request declare, and what they did at its base revision.

    Raises FindingsError where they are wrong, declare no scope, or don't fit the request.
    """
    read = loaded(request)
    asked = read.declared
    assert asked is not None, "`loaded` raises otherwise"
    _acknowledged(request, asked)
    if not asked.scopes:
        raise FindingsError(*read.findings, _no_scopes())
    if request.read is None:
        around.remark(read.findings)  # A service has told of those that it read before.
    return asked, _older(request, around)


def _older(request: Request, around: Surroundings) -> Declared | None:
    if request.compare_with is None:
        return None
    return older_manifests(request.files, request.compare_with, around, recursive=request.recursive)


def _no_scopes() -> Finding:
    return Finding(
        code="no-scopes",
        summary="the manifests declare no scope: there is nothing to look at",
        hint="check the path given with -f, or add a document of `kind: Scope`",
    )


def _acknowledged(request: Request, asked: Declared) -> None:
    """Raise FindingsError for an acknowledgement that doesn't say whose detaches it means."""
    known = ", ".join(f"`{name}`" for name in sorted(asked.scopes)) or "none"
    for scope, number in sorted((request.acks or {}).items()):
        if scope not in asked.scopes and (scope or len(asked.scopes) > 1):
            said = f"{scope}={number}" if scope else str(number)
            raise FindingsError(
                Finding(
                    code="unknown-scope" if scope else "ack-ambiguous",
                    summary=f"`--ack-detach {said}` names no scope of these: {known}",
                    hint="write `--ack-detach SCOPE=N`, once for each scope that is meant",
                )
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A scope of which everything is known that needs no request."""

    scope: DeclaredScope
    spec: ProviderSpec
    pace: ScopePace
    patience: Patience
    opening: Opening
    leases: list[Lease]
    """What a change of it needs, once its cloud is known."""


def _prepared(
    scope: DeclaredScope, around: Surroundings, stack: AsyncExitStack, breaker: Breaker
) -> _Prepared:
    spec = spec_of(scope.provider)
    wiring.check_keys(scope, spec)
    clock = LoopClock()
    pace = ScopePace(clock, scope.limits.requests_per_s, _share(scope.name, around))
    address = None
    if scope.simulated:
        assert scope.world is not None, "the manifest's schema asks for it"
        address = IN_PROCESS
        if around.transport is None:
            assert around.embedded is not None, "the top fills this port"
            address = stack.enter_context(around.embedded.open(scope.name, Path(scope.world)))
    leases: list[Lease] = []
    opening = wiring.opening(scope, spec, pace, around, address, breaker)
    return _Prepared(
        scope=scope,
        spec=spec,
        pace=pace,
        patience=Patience(clock=clock, chance=random.random, silence=around.silences[scope.name]),
        opening=replace(opening, leaves=lambda: all(_sure(one) for one in leases)),
        leases=leases,
    )


def _sure(lease: Lease) -> bool:
    """Tell whether a change may leave: without a lease, as a rehearsal, or while it is ours."""
    return not lease.held or lease.believed


def _share(scope: str, around: Surroundings) -> Callable[[], Awaitable[None]] | None:
    return None if around.budget is None else partial(around.budget.turn, scope)


async def _opened(
    prepared: _Prepared,
    asked: Declared,
    request: Request,
    book: Book | None,
    hooks: GuestHooks,
) -> Session:
    scope = prepared.scope
    told = await prepared.patience.read(lambda: prepared.spec.open(prepared.opening))
    identity = replace(told.identity, endpoint=canonical(told.identity.endpoint))
    if scope.simulated:
        # Its port is another one each time; what makes it one cloud is the scope that it is for.
        identity = replace(identity, endpoint=f"simulator/{scope.name}")
    pages = book.pages(identity, scope.name) if book is not None else None
    if pages is not None:
        prepared.leases.append(pages.lease)
    entries = asked.entries[scope.name]
    protects = tuple(entry for entry in entries if entry.protects)
    if request.rows is not None:
        entries = request.rows.get(scope.name, ())
        # They own but a part: what they don't name is neither a stray nor released.
        scope = replace(scope, unmanaged=Unmanaged.IGNORE)
    return Session(
        scope=scope,
        entries=entries,
        protects=() if request.rows is None else protects,
        policy=asked.policies[scope.name],
        spec=prepared.spec,
        provider=told.provider,
        identity=identity,
        pace=prepared.pace,
        patience=prepared.patience,
        pages=pages,
        request=request,
        utc_now=prepared.opening.utc_now,
        hooks=hooks,
    )


def unreadable(scope: DeclaredScope, error: ProviderError) -> Finding:
    """Give the finding for a scope that can't be read; the others go on."""
    return Finding(
        code="scope-unreadable",
        summary=str(error),
        hint=_next_step(error),
        place=scope.place,
        scope=scope.name,
    )


def untrusted(scope: DeclaredScope, live: Live) -> Finding:
    """Give the finding for a listing that may lack rows; nothing is concluded from it."""
    notice = live.notices[0] if live.notices else "rows are missing"
    return Finding(
        code="incomplete-listing",
        summary=f"the listing can't be trusted: {notice}",
        hint="run it again; if it stays, the cloud's listing is at fault",
        place=scope.place,
        scope=scope.name,
    )


def _next_step(error: ProviderError) -> str:
    """Give what to do about a failed read: reach the cloud, wait for it, or be let in."""
    if error.code in NEXT_STEPS:
        return NEXT_STEPS[error.code]
    if error.retryable:
        return "the cloud is failing or too busy: run again later; nothing was changed"
    return "check the credentials, their rights, region and projectId; nothing was changed"


def _distinct(sessions: Sequence[Session]) -> None:
    """Raise FindingsError when two scopes turn out to be one cloud: neither could own a row."""
    first: dict[Identity, Session] = {}
    for session in sessions:
        known = first.setdefault(session.identity, session)
        if known is not session:
            raise FindingsError(
                Finding(
                    code="duplicate-identity",
                    summary=f"scopes `{known.scope.name}` and `{session.scope.name}` are one cloud",
                    hint="merge their entries into one scope",
                    place=session.scope.place,
                    also=(known.scope.place,),
                    scope=session.scope.name,
                )
            )
