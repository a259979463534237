"""Plan, ask, execute, wait, confirm by looking.

The phases of an apply, in this order:

adopt     what a dead run left in flight is settled first, and never issued again
plan      a fresh look; a saved plan or an expected digest may only narrow it
ask       nothing is held while a person thinks
look      after the answer, a fresh plan, narrowed to what was approved
execute   every scope at once, each in its own pace
record    what the manifests own now, unless something was refused
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.errors import JournalError, ProviderError
from reconciler.execution.executor import execute
from reconciler.execution.look import ASK_AT_MOST, REST_S
from reconciler.execution.recovery import adopt
from reconciler.execution.sending import Run
from reconciler.execution.settle import Settling
from reconciler.execution.watcher import Durations, Watcher
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.plan import Action
from reconciler.operations.applied import Applied, Ending, ending_of, record, results_of
from reconciler.operations.plans import Planned, Terms, check_selection, planned
from reconciler.operations.sessions import opened, unreadable
from reconciler.planning.approval import approval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.outcome import Outcomes
    from reconciler.model.plan import Approved
    from reconciler.operations.plans import ScopePlan
    from reconciler.operations.sessions import Opened, Request, Session
    from reconciler.operations.wiring import Surroundings
    from reconciler.ports import Events


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How an apply is approved."""

    ask: Callable[[Planned], frozenset[str] | None]
    """Shows the plan and asks; called once, and only when something may be changed. Gives the ids
    of the volumes that a person agreed to lose by name, as a rule none; None: not approved."""
    show: Callable[[Planned], None]
    """Shows a plan that nobody is asked about: there is nothing that may be changed."""
    prompts: bool = True
    """True where a person is asked: time passes, and the world is looked at again."""
    approved: tuple[Approved, ...] | None = None
    """What a saved plan approved; None: the fresh plan is what is approved."""


async def apply_manifests(
    request: Request,
    around: Surroundings,
    consent: Consent,
    events: Events,
    stop: asyncio.Event | None = None,
) -> Applied:
    """Make true what a request names. Raises FindingsError, JournalError.

    Once `stop` is set nothing new is sent, and what is in flight is waited for.
    """
    stop = stop or asyncio.Event()
    began_s = asyncio.get_running_loop().time()
    async with opened(request, around, writing=True) as now:
        run_id = uuid.uuid4().hex
        runs = {session.scope.name: _run(session, run_id, events, stop) for session in now.sessions}
        _something_declared(now)
        ready = await _adopted(now, runs)
        fresh = await ready.planned(
            consent.approved,
            # Who is asked names them then; who isn't has named them already, or never.
            destroys=None if consent.prompts else request.destroys,
            rest_s=_longest(now.sessions),
        )
        _unambiguous(request, fresh)
        if consent.approved is None:
            check_selection(fresh)
        applied = await _consented(fresh, ready, consent, request)
        return replace(
            applied,
            requests=sum(session.pace.requests for session in now.sessions),
            seconds=asyncio.get_running_loop().time() - began_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """The scopes of a run after what dead runs left was settled as far as it can be."""

    sessions: tuple[Session, ...]
    runs: Mapping[str, Run]
    findings: tuple[Finding, ...]
    """Scopes that can't be read."""
    unsettled: Mapping[str, frozenset[AttachmentKey]]

    async def planned(
        self,
        approved: tuple[Approved, ...] | None,
        *,
        destroys: frozenset[str] | None,
        rest_s: float = REST_S,
    ) -> Planned:
        """Plan what is readable, on a fresh look."""
        terms = Terms(
            approved=approved,
            unsettled=self.unsettled,
            destroys=destroys,
            # Who will be asked is shown a plan first; the one that is made looks closer.
            ask_at_most=0 if destroys is None else ASK_AT_MOST,
            rest_s=rest_s,
        )
        return await planned(self.sessions, self.findings, terms)


async def _adopted(now: Opened, runs: Mapping[str, Run]) -> _Ready:
    unsettled: dict[str, frozenset[AttachmentKey]] = {}
    unread: dict[str, Finding] = {}

    async def one(session: Session) -> None:
        name = session.scope.name
        try:
            unsettled[name] = await adopt(runs[name])
        except ProviderError as error:
            unread[name] = unreadable(session.scope, error)

    async with asyncio.TaskGroup() as group:
        for session in now.sessions:
            group.create_task(one(session))
    return _Ready(
        sessions=tuple(s for s in now.sessions if s.scope.name not in unread),
        runs=runs,
        findings=(*now.findings, *(unread[name] for name in sorted(unread))),
        unsettled=unsettled,
    )


def _run(session: Session, run_id: str, events: Events, stop: asyncio.Event) -> Run:
    assert session.pages is not None, "an apply has a journal"
    return Run(
        id=run_id,
        journal=session.pages,
        events=events,
        settling=Settling(
            provider=session.provider,
            watcher=Watcher(session.provider, session.patience),
            patience=session.patience,
            durations=Durations(session.pages.job_seconds()),
            deadline_s=session.deadline_s,
        ),
        at_once=session.at_once,
        stop=stop,
    )


def _something_declared(now: Opened) -> None:
    # A scope that couldn't be opened has its own finding: its entries aren't known here.
    if not now.findings and not any(session.entries for session in now.sessions):
        raise FindingsError(
            Finding(
                code="no-entries",
                summary="the manifests have no entry at all",
                hint="check the path given with -f: an empty set is never applied",
            )
        )


def _unambiguous(request: Request, fresh: Planned) -> None:
    """Raise FindingsError for a name that would agree to lose volumes of several scopes."""
    meant: dict[str, set[str]] = {}
    for scope in fresh.scopes:
        for change in scope.plan.changes:
            if change.action is Action.DESTROY and change.name.volume in request.destroys:
                meant.setdefault(change.name.volume, set()).add(change.key.volume_id)
    for name, ids in sorted(meant.items()):
        if len(ids) > 1:
            listed = ", ".join(f"`{one}`" for one in sorted(ids))
            raise FindingsError(
                Finding(
                    code="ack-ambiguous",
                    summary=f"`--ack-destroy {name}` could mean {listed}",
                    hint="write the id of each volume that is meant",
                )
            )


def _longest(sessions: Sequence[Session]) -> float:
    return max((session.deadline_s for session in sessions), default=0.0)


async def _consented(fresh: Planned, ready: _Ready, consent: Consent, request: Request) -> Applied:
    stops = _stops(fresh, consent, request)
    if stops or not fresh.approvable:
        consent.show(fresh)
        if stops:
            return Applied(planned=fresh, ending=Ending.REFUSED, findings=stops)
        return _nothing_sent(fresh, ready.runs)
    named = consent.ask(fresh)
    if named is None:
        return Applied(planned=fresh, ending=Ending.REFUSED, findings=(_not_approved(),))
    if consent.prompts:
        approved = tuple(a for scope in fresh.scopes for a in approval(scope.plan.changes))
        again = await ready.planned(approved, destroys=named | request.destroys)
        if again.digest != fresh.digest:
            consent.show(again)
        fresh = again
    return await _executed(fresh, ready.runs)


def _stops(fresh: Planned, consent: Consent, request: Request) -> tuple[Finding, ...]:
    """Give why an approval can't be what it was: it then holds for nothing."""
    if consent.approved is None:
        if request.expect_digest in {None, fresh.digest}:
            return ()
        return (_other_digest(str(request.expect_digest), fresh.digest),)
    known = {scope.plan.scope for scope in fresh.scopes}
    unread = {finding.scope for finding in fresh.findings}
    lost = {approved.key.scope for approved in consent.approved} - known - unread
    return tuple(_lost_scope(name) for name in sorted(lost))


def _lost_scope(name: str) -> Finding:
    return Finding(
        code="stale",
        summary=f"changes of scope `{name}` were approved, and it isn't declared or chosen now",
        hint="plan again and approve the new plan",
        scope=name,
    )


def _other_digest(expected: str, digest: str) -> Finding:
    return Finding(
        code="digest-differs",
        summary=f"the plan's digest is `{digest}`, `{expected}` was approved",
        hint="look at the plan again and approve its digest",
    )


def _not_approved() -> Finding:
    return Finding(
        code="not-approved",
        summary="nobody approved this plan, and nothing was sent",
        hint="answer `yes`, or say `--auto-approve`",
    )


def _nothing_sent(fresh: Planned, runs: Mapping[str, Run]) -> Applied:
    record(fresh, runs, ())
    return Applied(planned=fresh, ending=ending_of(fresh, (), sent=False))


async def _executed(fresh: Planned, runs: Mapping[str, Run]) -> Applied:
    by_scope: dict[str, Mapping[str, Outcomes]] = {}

    async def one(scope: ScopePlan) -> None:
        name = scope.plan.scope
        by_scope[name] = await execute(scope.schedule, runs[name])

    async with asyncio.TaskGroup() as group:
        for scope in fresh.scopes:
            group.create_task(one(scope))
    results = tuple(
        result for scope in fresh.scopes for result in results_of(scope, by_scope[scope.plan.scope])
    )
    sent = any(scope.schedule.steps for scope in fresh.scopes)
    applied = Applied(planned=fresh, ending=ending_of(fresh, results, sent=sent), results=results)
    try:
        record(fresh, runs, results)
    except JournalError as error:
        # What was done is done and has to be told; only the memory of it is missing.
        return replace(applied, ending=Ending.INCOMPLETE, findings=(_not_recorded(error),))
    return applied


def _not_recorded(error: JournalError) -> Finding:
    return Finding(
        code="journal",
        summary=f"what the manifests own now could not be recorded: {error}",
        hint="mend the journal, then apply once more",
    )
