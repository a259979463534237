"""One tick of a service: a fresh look at one scope, and what may be done about what it finds.

The phases of a tick, in this order:

look      a fresh look; a scope that can't be read is told, and nothing of it is gone
remember  what differs, and since when, is in the journal before anybody is told
choose    what may be corrected now; everything else says why not
correct   an apply that is narrowed to what was chosen: the same guards, windows, leases, journal
record    what became of it, and what it makes of the breaker
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.errors import JournalError, ReconcilerError
from reconciler.execution.sending import CLOSED, STOPPED
from reconciler.journal.corrections import WATCH
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.outcome import Verdict
from reconciler.model.schedule import Heal
from reconciler.model.watching import REMEMBERED_S, Correction, Held, Tick, WatchBreaker, Why
from reconciler.operations.apply import Consent, apply_manifests
from reconciler.operations.drift import compared
from reconciler.operations.plans import Terms, planned
from reconciler.operations.sessions import opened
from reconciler.planning.approval import approval
from reconciler.planning.correcting import (
    DAY_S,
    TAKING,
    Leave,
    Past,
    after_run,
    choose,
    facts_of,
    rested,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from reconciler.journal.journal import Pages
    from reconciler.model.plan import Change
    from reconciler.model.schedule import Schedule
    from reconciler.model.watching import Difference
    from reconciler.operations.applied import Applied, Result
    from reconciler.operations.asked import Request, Surroundings
    from reconciler.operations.plans import Planned, ScopePlan
    from reconciler.operations.sessions import Session
    from reconciler.planning.correcting import Chosen
    from reconciler.planning.differing import Comparison
    from reconciler.ports import Events

OUTLIVED_S = 20.0
"""Longer than a lease lives without a beat (15 s)."""
UNSENT = {STOPPED.code, CLOSED.code}
"""Codes of what was never tried: it is no failure."""


def unheard(tick: Tick) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How one scope is watched; `around` has an open journal."""

    request: Request
    """Of this scope alone, with the manifests in force."""
    around: Surroundings
    schedule: Schedule
    corrects: bool
    heal: Heal
    events: Callable[[str], Events]
    """Gives who hears of a run, by its id."""
    looked: Callable[[Tick], None]
    """Hears what was seen, before anything of it is corrected."""
    stop: asyncio.Event
    """Set once nothing new may be sent."""
    settled: Callable[[], Awaitable[bool]]
    """Tells whether the manifests aren't being written now; may take some seconds."""
    commit: str | None = None
    lock_timeout_s: float = OUTLIVED_S
    """How long a correction waits for a lease: a dead owner's is taken over by watching it."""

    @property
    def now_s(self) -> float:
        """The time of day, in seconds since 1970."""
        return self.around.utc_now().timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What the first phase saw."""

    pages: Pages
    plan: ScopePlan
    found: Comparison
    requests: int
    provider: str
    unended: bool
    """True while calls of earlier runs have no known end: a run has to look after them."""


async def tick(watch: Watch) -> Tick:
    """Look once, and correct what may be corrected; whatever goes wrong is told in the tick."""
    loop = asyncio.get_running_loop()
    (scope,) = watch.request.scopes
    blank = Tick(scope=scope, began_s=watch.now_s, took_s=0.0, looked=False, commit=watch.commit)
    began = loop.time()
    try:
        made = await _phases(watch, blank)
    except ReconcilerError as error:
        made = replace(blank, findings=tuple(_findings(error, scope)))
    except BaseExceptionGroup as group:
        known, unknown = group.split(ReconcilerError)
        if known is None or unknown is not None:
            raise
        made = replace(blank, findings=tuple(_findings(known, scope)))
    return replace(made, took_s=loop.time() - began)


async def _phases(watch: Watch, blank: Tick) -> Tick:
    look = await _looked(watch)
    if isinstance(look, Finding):
        return replace(blank, findings=(look,))
    lasting = look.pages.watch.looked(look.found.differences, look.found.moving)
    past = _past(look.pages, watch.now_s)
    chosen = await _chosen(watch, look, lasting.now, past)
    made = replace(
        blank,
        looked=True,
        remembered=look.found.remembered,
        counts=Counter(one.judged.value for one in look.found.attachments),
        differences=chosen.differences,
        appeared=tuple(one for one in chosen.differences if one.identity in lasting.untold),
        gone=lasting.gone,
        fights=chosen.fights,
        breaker=past.breaker,
        findings=(*look.plan.on.desired.entry_findings, *look.plan.on.desired.scope_findings),
        requests=look.requests,
        provider=look.provider,
        attachments=look.found.attachments,
    )
    watch.looked(made)
    due = chosen.changes or (look.unended and watch.corrects)
    return await _corrected(watch, look, chosen, made) if due else made


async def _looked(watch: Watch) -> _Look | Finding:
    """Look at the scope; a finding where it can't be read whole. Raises ReconcilerError."""
    async with opened(watch.request, watch.around, writing=True) as now:
        if not now.sessions:
            return now.findings[0]
        (session,) = now.sessions
        assert session.pages is not None, "a service has a journal"
        open_calls = session.pages.open_intents()
        left = frozenset(key for intent in open_calls for key in intent.call.keys)
        # Motion isn't waited for: the next look sees where it came to rest.
        terms = Terms(unsettled={session.scope.name: left}, rest_s=0.0)
        made = await planned(now.sessions, now.findings, terms)
    if not made.scopes:
        return made.findings[0]
    (scope,) = made.scopes
    if not scope.on.live.complete:
        return _incomplete(session, scope.on.live.notices)
    return _Look(
        pages=session.pages,
        plan=scope,
        found=compared(scope),
        requests=session.pace.requests,
        provider=session.scope.provider,
        unended=bool(open_calls),
    )


def _incomplete(session: Session, notices: Sequence[str]) -> Finding:
    why = f": {notices[0]}" if notices else ""
    return Finding(
        code="incomplete-listing",
        summary=f"the cloud's listing is incomplete{why}",
        hint="nothing is compared with it; the next look asks again",
        place=session.scope.place,
        scope=session.scope.name,
    )


def _past(pages: Pages, now_s: float) -> Past:
    kept = pages.corrections
    return Past(
        returns=kept.returns(now_s - REMEMBERED_S),
        failures=kept.failures(now_s - REMEMBERED_S),
        detached=kept.detached(now_s - DAY_S),
        breaker=rested(kept.breaker(), now_s),
    )


async def _chosen(watch: Watch, look: _Look, now: Sequence[Difference], past: Past) -> Chosen:
    leave = Leave(
        corrects=watch.corrects,
        heal=watch.heal,
        max_detach_per_day=watch.schedule.max_detach_per_day,
        now_s=watch.now_s,
    )
    chosen = choose(look.plan.plan.changes, now, past, leave)
    # What is to be attached is written there already; what is to leave may only be missing yet.
    takes = any(change.action in TAKING for change in chosen.changes)
    if takes and not await watch.settled():
        return _all_held(chosen, Held(why=Why.WRITTEN))
    if chosen.changes and watch.stop.is_set():
        return _all_held(chosen, Held(why=Why.STOPPING))
    return chosen


def _all_held(chosen: Chosen, held: Held) -> Chosen:
    told = tuple(one if one.held else replace(one, held=held) for one in chosen.differences)
    return replace(chosen, changes=(), differences=told)


async def _corrected(watch: Watch, look: _Look, chosen: Chosen, made: Tick) -> Tick:
    run = uuid.uuid4().hex
    outlived: list[Finding] = []
    consent = Consent(
        ask=partial(_agreed, look, outlived),
        show=lambda _: None,
        prompts=False,
        approved=approval(chosen.changes),
        verb=WATCH,
        run=run,
        # A commit that waits for an apply must not count as applied because of a correction.
        records=watch.heal is Heal.MANIFESTS,
    )
    applied = await apply_manifests(
        watch.request,
        watch.around,
        consent,
        watch.events(run),
        watch.stop,
        lock_timeout_s=watch.lock_timeout_s,
    )
    if outlived:
        applied = replace(applied, findings=tuple(outlived))
    corrections = tuple(_corrections(applied.results, run, watch.now_s))
    tried = [one for one in applied.results if one.outcome.code not in UNSENT]
    breaker = _recorded(watch, look, chosen.changes, tried, corrections, made.breaker)
    return replace(
        made,
        differences=_with_run(made.differences, corrections, applied),
        appeared=_with_run(made.appeared, corrections, applied),
        corrections=corrections,
        breaker=breaker,
        findings=(*made.findings, *applied.findings, *applied.planned.findings),
        run=run if applied.results else None,
        requests=made.requests + applied.requests,
    )


def _memory(scope: ScopePlan) -> tuple[object, ...]:
    """Give what was recorded of applies when a scope was planned."""
    return scope.on.circumstances.applied, scope.on.circumstances.memories


def _agreed(look: _Look, outlived: list[Finding], fresh: Planned) -> frozenset[str] | None:
    """Agree, with the lease held, unless another run has recorded an apply since the look."""
    if all(_memory(scope) == _memory(look.plan) for scope in fresh.scopes):
        return frozenset()
    scope = look.plan.plan.scope
    finding = Finding(
        code="stale",
        summary=f"another apply of scope `{scope}` ended since this look: what it made isn't drift",
        hint="nothing was sent; the next look holds the cloud against that apply",
        scope=scope,
    )
    outlived.append(finding)
    return None


def _corrections(results: Sequence[Result], run: str, now_s: float) -> Iterator[Correction]:
    for one in results:
        yield Correction(
            key=one.change.key,
            name=one.change.name,
            action=one.change.action,
            verdict=one.verdict,
            run=run,
            at_s=now_s,
            code=one.outcome.code,
            message=one.outcome.message,
            request_id=one.outcome.request_id,
        )


def _recorded(
    watch: Watch,
    look: _Look,
    changes: Sequence[Change],
    tried: Sequence[Result],
    corrections: Sequence[Correction],
    breaker: WatchBreaker,
) -> WatchBreaker:
    """Make durable what became of it; give the breaker as it is then."""
    facts = {change.key: facts_of(change) for change in changes}
    keys = {one.change.key for one in tried}
    look.pages.corrections.corrected([(c, facts[c.key]) for c in corrections if c.key in keys])
    if not tried:
        return breaker
    good = all(one.verdict is Verdict.DONE for one in tried)
    after = after_run(breaker, watch.now_s, good=good)
    look.pages.corrections.set_breaker(after)
    return after


def _with_run(
    differences: Sequence[Difference], corrections: Sequence[Correction], applied: Applied
) -> tuple[Difference, ...]:
    """Tell of each difference which run corrected it, or why it was left after all."""
    by_key = {one.key: one for one in corrections}
    left = _left(applied)
    told: list[Difference] = []
    for one in differences:
        made = by_key.get(one.key)
        if one.held is not None:
            told.append(one)
        elif made is None:
            told.append(replace(one, held=left))
        elif made.verdict is Verdict.DONE:
            told.append(replace(one, run=made.run))
        else:
            failed = Held(why=Why.FAILED, words=f"{made.verdict.value} {made.code}".strip())
            told.append(replace(one, run=made.run, held=failed))
    return tuple(told)


def _left(applied: Applied) -> Held:
    """Give why an apply left what it was to make."""
    refusals = [f for scope in applied.planned.scopes for f in scope.plan.refusals]
    found = (*applied.findings, *refusals, *applied.planned.findings)
    locked = any(finding.code == "locked" for finding in found)
    words = found[0].summary if found else "it changed while it was looked at"
    return Held(why=Why.LOCKED if locked else Why.REFUSED, words=words)


def _findings(error: BaseException, scope: str) -> Iterator[Finding]:
    """Give what an error tells, as findings of the scope."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _findings(one, scope)
    elif isinstance(error, FindingsError):
        yield from error.findings
    else:
        journal = isinstance(error, JournalError)
        yield Finding(
            code=error.code if isinstance(error, JournalError) else "cloud",
            summary=str(error),
            hint=error.hint if isinstance(error, JournalError) and journal else "it looks again",
            scope=scope,
        )
