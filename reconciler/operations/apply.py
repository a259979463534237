"""Plan, ask, execute, wait, confirm by looking.

The phases of an apply, in this order:

lease     of every scope's cloud: only one run at a time looks after its calls and changes it
adopt     what a dead run left in flight is settled first, and never issued again
plan      a fresh look; a saved plan or an expected digest may only narrow it
ask       nothing is held while a person thinks: the lease is given back, and obtained again
look      after the answer what others left is adopted, and a fresh plan is made, narrowed to what
          was approved
execute   every scope at once, each in its own pace
hooks     what earlier runs owe their guests, see `hooking`
record    what the manifests own now, unless a scope or an entry was refused; the history; then the
          lease ends

Where nobody is asked the lease is obtained once. It is held while the plan is made, because a plan
with nothing to do is recorded as it is.
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
from reconciler.model.counting import counted
from reconciler.model.finding import Finding, FindingsError
from reconciler.operations.applied import Applied, Ending, ending_of, record, results_of, short_of
from reconciler.operations.history import RunLog
from reconciler.operations.hooking import guests, made_up, unrunnable
from reconciler.operations.lease import LOCK_TIMEOUT_S, Claim, Leases, LockedError
from reconciler.operations.older import made_from
from reconciler.operations.plans import (
    Planned,
    Terms,
    check_destroys,
    check_selection,
    planned,
)
from reconciler.operations.refusals import lost_scope, not_approved, not_recorded, other_digest
from reconciler.operations.sessions import opened, unreadable
from reconciler.planning.approval import approval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.outcome import Outcomes
    from reconciler.model.plan import Approved
    from reconciler.operations.asked import Surroundings
    from reconciler.operations.plans import ScopePlan
    from reconciler.operations.sessions import Opened, Request, Session
    from reconciler.ports import Events

VERB = "apply"
UNDO = "undo"
ADOPTED = "adopted"
"""How a run stands in the history that looked after calls of others and asks a person now."""
OWNED = "what the manifests own now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How an apply is approved."""

    ask: Callable[[Planned], frozenset[str] | None]
    """Shows the plan and asks; called once, and only when something may be changed. Gives the ids
    of the volumes that a person agreed to lose by name, as a rule none; None: not approved."""
    show: Callable[[Planned], None]
    """Shows a plan that nobody is asked about: there is nothing that may be changed."""
    count: Callable[[Planned], Mapping[str, int] | None] | None = None
    """Asks for the number of detaches of each scope that needs one typed, once the plan is
    approved; gives them by scope, None: not approved. None: nobody is asked, a flag has to say."""
    prompts: bool = True
    """True where a person is asked: time passes, and the world is looked at again."""
    approved: tuple[Approved, ...] | None = None
    """What a saved plan approved; None: the fresh plan is what is approved."""
    tell: Callable[[str], None] = lambda _: None
    """Hears what is waited for before there is a plan: another run, or what a dead one left."""
    verb: str = VERB
    """What the history calls the run."""
    run: str = ""
    """Its id; empty: a new one."""
    records: bool = True
    """False: what the manifests own now isn't what was applied, and isn't recorded as that."""


async def apply_manifests(
    request: Request,
    around: Surroundings,
    consent: Consent,
    events: Events,
    stop: asyncio.Event | None = None,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
) -> Applied:
    """Make true what a request names. Raises FindingsError, JournalError.

    Once `stop` is set nothing new is sent, and what is in flight is waited for. `lock_timeout_s` is
    how long another run that changes one of these clouds is waited for.
    """
    stop = stop or asyncio.Event()
    began_s = asyncio.get_running_loop().time()
    async with opened(request, around, writing=True) as now:
        run_id = consent.run or uuid.uuid4().hex
        runs = {session.scope.name: _run(session, run_id, events, stop) for session in now.sessions}
        _something_declared(now)
        verb = consent.verb if request.rows is None else UNDO
        claim = Claim(run=run_id, operation=verb, timeout_s=lock_timeout_s, tell=consent.tell)
        leases = Leases(now.sessions, claim)
        log = RunLog(run_id, verb, made_from(request.files, around, recursive=request.recursive))
        started = _Started(now=now, runs=runs, log=log, leases=leases, tell=consent.tell)
        try:
            await leases.obtain()
            applied = await _leased(started, consent, request)
        except LockedError as locked:
            applied = _locked(await planned((), (), Terms()), locked)
        finally:
            leases.release()
        return replace(
            applied,
            requests=sum(session.pace.requests for session in now.sessions),
            seconds=asyncio.get_running_loop().time() - began_s,
            run=log.told,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    """A run that may change something as soon as it has its leases."""

    now: Opened
    runs: Mapping[str, Run]
    log: RunLog
    leases: Leases
    tell: Callable[[str], None]

    def open_calls(self) -> frozenset[int]:
        """Give the calls, of any run, that nobody knows the end of."""
        runs = (self.runs[session.scope.name] for session in self.now.sessions)
        return frozenset(i.intent_id for run in runs for i in run.journal.open_intents())


async def _leased(started: _Started, consent: Consent, request: Request) -> Applied:
    """Go through the phases from adopting on, and write into the history how they ended."""
    ready = await _adopted(started)
    fresh = await ready.planned(
        consent.approved,
        # Who is asked names them then; who isn't has named them already, or never.
        destroys=None if consent.prompts else request.destroys,
        typed=None if consent.prompts and consent.count is not None else {},
        rest_s=_longest(started.now.sessions),
    )
    check_destroys(fresh, request.destroys)
    if consent.approved is None:
        check_selection(fresh)
    applied = await _consented(fresh, ready, consent, request)
    try:
        started.log.closed(applied)
    except JournalError as error:
        return replace(
            applied,
            ending=Ending.INCOMPLETE if applied.results else applied.ending,
            findings=(*applied.findings, not_recorded("how this run ended", error)),
        )
    return applied


def _locked(shown: Planned, locked: LockedError) -> Applied:
    return Applied(planned=shown, ending=Ending.REFUSED, findings=locked.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """The scopes of a run after what dead runs left was settled as far as it can be."""

    started: _Started
    known: frozenset[int]
    """The calls that nobody knows the end of, after that."""
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
        typed: Mapping[str, int] | None,
        rest_s: float = REST_S,
    ) -> Planned:
        """Plan what is readable, on a fresh look."""
        terms = Terms(
            approved=approved,
            unsettled=self.unsettled,
            destroys=destroys,
            typed=typed,
            # Who will be asked is shown a plan first; the one that is made looks closer.
            ask_at_most=0 if destroys is None else ASK_AT_MOST,
            rest_s=rest_s,
            tell=self.started.tell,
        )
        return await planned(self.sessions, self.findings, terms)


async def _adopted(started: _Started) -> _Ready:
    now, runs = started.now, started.runs
    unsettled: dict[str, frozenset[AttachmentKey]] = {}
    unread: dict[str, Finding] = {}

    async def one(session: Session) -> None:
        name = session.scope.name
        if left := len(runs[name].journal.open_intents()):
            started.log.began(session)
            # Their jobs may take minutes, and nothing else is told before they have ended.
            calls = counted(left, "call")
            started.tell(f"looking after {calls} of an earlier run in scope `{name}`")
        try:
            unsettled[name] = await adopt(runs[name])
        except ProviderError as error:
            unread[name] = unreadable(session.scope, error)

    async with asyncio.TaskGroup() as group:
        for session in now.sessions:
            group.create_task(one(session))
    return _Ready(
        started=started,
        known=started.open_calls(),
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
            watcher=Watcher(session.provider, session.patience, session.pace),
            patience=session.patience,
            durations=Durations(session.pages.job_seconds()),
            deadline_s=session.deadline_s,
            shows_motion=session.spec.can.shows_motion,
        ),
        at_once=session.at_once,
        stop=stop,
        closed=session.closed,
        guests=guests(session, run_id, session.pages),
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


def _longest(sessions: Sequence[Session]) -> float:
    return max((session.deadline_s for session in sessions), default=0.0)


async def _consented(fresh: Planned, ready: _Ready, consent: Consent, request: Request) -> Applied:
    stops = _stops(fresh, consent, request)
    if stops or not fresh.approvable:
        consent.show(fresh)
        if stops:
            return Applied(planned=fresh, ending=Ending.REFUSED, findings=stops)
        return await _nothing_sent(fresh, ready, consent)
    if not consent.prompts:
        return await _asked(fresh, ready, consent)
    return await _prompted(fresh, ready, consent, request)


async def _asked(fresh: Planned, ready: _Ready, consent: Consent) -> Applied:
    """Execute what is approved already, once it was shown."""
    if consent.ask(fresh) is None:
        return Applied(planned=fresh, ending=Ending.REFUSED, findings=(not_approved(),))
    return await _executed(fresh, ready, consent)


async def _prompted(fresh: Planned, ready: _Ready, consent: Consent, request: Request) -> Applied:
    """Ask a person, with no lease held; then look again at a world that went on."""
    started = ready.started
    started.log.ended(ADOPTED)
    started.leases.release()
    named = consent.ask(fresh)
    typed = consent.count(fresh) if named is not None and consent.count is not None else {}
    if named is None or typed is None:
        return Applied(planned=fresh, ending=Ending.REFUSED, findings=(not_approved(),))
    try:
        await started.leases.obtain()
    except LockedError as locked:
        return _locked(fresh, locked)
    if not started.open_calls() <= ready.known:
        ready = await _adopted(started)  # Of a run that came and died meanwhile.
    approved = tuple(a for scope in fresh.scopes for a in approval(scope.plan.changes))
    again = await ready.planned(approved, destroys=named | request.destroys, typed=typed)
    check_destroys(again, request.destroys)
    if again.digest != fresh.digest:
        consent.show(again)
    applied = await _executed(again, ready, consent)
    return short_of(applied, fresh)


def _stops(fresh: Planned, consent: Consent, request: Request) -> tuple[Finding, ...]:
    """Give why nothing may be sent: an approval isn't what it was, or a guest can't be asked."""
    unasked = unrunnable((scope.plan, scope.session) for scope in fresh.scopes)
    if unasked:
        return unasked
    if consent.approved is None:
        if request.expect_digest in {None, fresh.digest}:
            return ()
        return (other_digest(str(request.expect_digest), fresh.digest),)
    known = {scope.plan.scope for scope in fresh.scopes}
    unread = {finding.scope for finding in fresh.findings}
    lost = {approved.key.scope for approved in consent.approved} - known - unread
    return tuple(lost_scope(name) for name in sorted(lost))


async def _nothing_sent(fresh: Planned, ready: _Ready, consent: Consent) -> Applied:
    if consent.records:
        record(fresh, ready.runs, ())
    applied = Applied(planned=fresh, ending=ending_of(fresh, (), sent=False))
    return await _made_up(applied, ready, consent)


async def _made_up(applied: Applied, ready: _Ready, consent: Consent) -> Applied:
    """Run the hooks that earlier runs owe; who only corrects, or looks after calls, owes none."""
    owing = [scope for scope in applied.planned.scopes if scope.plan.owed]
    if not owing or consent.verb != VERB or consent.approved == ():
        return applied
    for scope in owing:
        ready.started.log.began(scope.session)
    found = await made_up(((scope.plan, scope.session) for scope in owing), ready.runs)
    short = bool(found) and applied.ending is Ending.CONFIRMED
    ending = Ending.INCOMPLETE if short else applied.ending
    return replace(applied, ending=ending, findings=(*applied.findings, *found))


async def _executed(fresh: Planned, ready: _Ready, consent: Consent) -> Applied:
    runs = ready.runs
    by_scope: dict[str, Mapping[str, Outcomes]] = {}
    for scope in fresh.scopes:
        if scope.schedule.steps:
            ready.started.log.began(scope.session)

    async def one(scope: ScopePlan) -> None:
        name = scope.plan.scope
        runs[name].settling.watcher.listing_requests = scope.read_with
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
        if consent.records:
            record(fresh, runs, results)
    except JournalError as error:
        # What was done is done and has to be told; only the memory of it is missing.
        return replace(applied, ending=Ending.INCOMPLETE, findings=(not_recorded(OWNED, error),))
    return await _made_up(applied, ready, consent)
