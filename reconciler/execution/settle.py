"""What became of a call: its answer and its job are hints, the views are the truth.

1. DONE needs every view that the provider has, and the volume at rest.
2. FAILED needs looks, apart, that all show the old picture at rest: a second after a job that
   says FAIL, ten where nothing tells, a minute against a job that says SUCCESS. Where no view shows
   that a change is under way, a call that nothing tells of has half of its deadline to show itself.
3. What can't be told before the deadline is UNKNOWN; it is never called done.
4. A call of an earlier run is FAILED where the views disagree at rest, for a minute after its
   deadline, and no job of it runs: waiting longer would tell nothing, and hold its server for ever.
5. One that is late is given up by the first look that shows it under way: it has been for long.
   Where motion shows and there is none, its job that runs on is believed no more: 2 and 4 hold.
"""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.execution.asking import Asking, Span
from reconciler.execution.watcher import LONGEST_S, waits_s
from reconciler.model.attachment import Phase, View
from reconciler.model.call import Verb
from reconciler.model.live import VolumeStatus
from reconciler.model.outcome import Answer, JobState, Outcome, Progress, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.execution.retry import Patience
    from reconciler.execution.watcher import Durations, Watcher
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.call import Call
    from reconciler.model.live import Live
    from reconciler.model.outcome import Receipt
    from reconciler.ports import Provider

GONE_AFTER_S = 2.0
"""How long a volume or server must stay out of sight before its attachment counts as gone."""
FAILED_AFTER_S = 1.0
"""How long the old picture must hold after a job said FAIL: one stale read is not proof."""
SILENT_AFTER_S = 10.0
"""How long it must hold where nothing tells of the call: no answer came, or its job is gone. A
change takes tens of seconds (unverified), and one that began shows as motion."""
LAST_LOOK_S = 10.0
"""How long the look after the deadline may take."""
CONTRADICTED_AFTER_S = 60.0
"""How long it must hold against a job that says SUCCESS, or an answer that says it is so."""


class Picture(enum.Enum):
    """What one look says of one attachment of a call."""

    REACHED = "as asked for, in every view, and at rest"
    MOVING = "the cloud is at work on it"
    GONE = "nothing is attached, and its volume or server isn't even shown"
    BEFORE = "as it was, in every view, and at rest"
    MIXED = "the views disagree"
    UNTOLD = "the server doesn't say what is attached to it"


def picture(call: Call, key: AttachmentKey, live: Live) -> Picture:
    """Give what a look says of one attachment of a call."""
    observed = live.observed.get(key)
    volume = live.volumes.get(key.volume_id)
    phases = [s.phase for s in observed.sightings.values()] if observed else []
    moving = {Phase.ATTACHING, Phase.DETACHING}
    if (volume and volume.status is VolumeStatus.MOVING) or moving & set(phases):
        return Picture.MOVING
    server = live.servers.get(key.server_id)
    if server is not None and not (server.attachments_known or phases):
        return Picture.UNTOLD  # What the server doesn't tell isn't nothing.
    if call.verb is Verb.UPDATE:
        asked = call.delete_on_termination
        reached = observed is not None and observed.delete_on_termination == asked
        return Picture.REACHED if reached else Picture.BEFORE
    everywhere = len(phases) == len(live.views) and set(phases) == {Phase.ATTACHED}
    if call.verb is Verb.RESET:  # It asks storage alone, which is the only one that shows it.
        everywhere = observed is not None and View.STORAGE in observed.sightings
    attached = {True: everywhere, False: not phases}
    wish = call.verb is Verb.ATTACH
    if attached[wish]:
        # What isn't shown isn't attached, but a look that lost a row shows the same.
        known = volume is not None or not live.shows_free
        shown = known and server is not None
        return Picture.REACHED if shown else Picture.GONE
    return Picture.BEFORE if attached[not wish] else Picture.MIXED


@dataclass(slots=True)
class _Waiting:
    """What is known of one attachment that hasn't settled: since when it gives one picture."""

    untold_until_s: float = 0.0
    """Until then a call that nothing tells of may still be on its way."""
    shown: Picture | None = None
    since_s: float = 0.0
    seen_s: float = 0.0
    """When the last look was that told anything."""


@dataclass(slots=True, kw_only=True)
class Settling:
    """Everything that settling a call needs from its run."""

    provider: Provider
    watcher: Watcher
    patience: Patience
    durations: Durations
    deadline_s: float
    """Seconds from the submit until what hasn't settled is UNKNOWN."""
    shows_motion: bool = True
    """Whether a view shows that a change is under way."""
    late: bool = False
    """True for calls of earlier runs that should have ended long ago."""

    def crowded(self) -> bool:
        """Tell whether looking tells of many calls with fewer requests than asking their jobs."""
        return self.shows_motion and self.watcher.crowded


async def settle(
    call: Call, receipt: Receipt, use: Settling, age_s: float = 0.0
) -> Mapping[AttachmentKey, Outcome]:
    """Wait until every attachment of an accepted or unanswered call is settled or overdue.

    `age_s` is how long ago it left, for a call of an earlier run.
    """
    with use.watcher.following(call.verb):
        return await _followed(call, receipt, use, age_s)


async def _followed(
    call: Call, receipt: Receipt, use: Settling, age_s: float
) -> Mapping[AttachmentKey, Outcome]:
    clock = use.patience.clock
    began_s = clock.monotonic()
    until_s = began_s + use.deadline_s

    def due() -> float:
        return began_s + (use.durations.expected_s(call.verb) or 0.0)

    job, took_s = await _job_end(call, receipt, use, age_s)
    silent_s = 0.0 if use.shows_motion else use.deadline_s / 2
    waiting = {key: _Waiting(untold_until_s=began_s - age_s + silent_s) for key in call.keys}
    outcomes: dict[AttachmentKey, Outcome] = {}
    unended_s = began_s
    for wait_s in chain([0.0], waits_s(None)):
        await clock.sleep(min(wait_s, max(0.0, until_s - clock.monotonic())))
        within_s = max(LAST_LOOK_S, until_s - clock.monotonic())
        live = await _seen(tuple(waiting), due, use, within_s)
        if live is not None:
            outcomes |= _judged(call, receipt, job, live, waiting, use)
        if job is None and any(known.shown is Picture.BEFORE for known in waiting.values()):
            # Nobody asked its job in a crowd: why it is as it was, only that can tell.
            job = await _told(receipt, use, until_s - clock.monotonic())
        # A job that outlasts the deadline is still looked at once: the views may know better.
        if not waiting or clock.monotonic() >= until_s or _hopeless(receipt, job, waiting, use):
            break
        unended_s = clock.monotonic()
    if waiting and age_s:
        outcomes |= await _half_made(receipt, job, waiting, use)
    left = {key: known for key, known in waiting.items() if key not in outcomes}
    outcomes |= {key: _overdue(receipt, job, key, known.shown) for key, known in left.items()}
    # A call of an earlier run may have ended long ago: what it took teaches nobody.
    if age_s or any(o.verdict is not Verdict.DONE for o in outcomes.values()):
        return outcomes
    if took_s is None and receipt.answer is Answer.ACCEPTED:
        span = Span(unended_s=unended_s - began_s, seen_s=clock.monotonic() - began_s)
        took_s = await _timed(call, receipt, use, span)
    if took_s is None:
        return outcomes
    use.durations.add(call.verb, took_s)
    return {key: replace(outcome, took_s=took_s) for key, outcome in outcomes.items()}


async def _timed(call: Call, receipt: Receipt, use: Settling, span: Span) -> float:
    """Give what a change took that only looks tell of.

    Without a job somebody looked when it was due. In a crowd a few jobs are asked for their time
    while others are still to come: looks that all calls of a round share would teach it badly.
    """
    if receipt.handle is None:
        return span.seen_s
    told_s = use.durations.told_s(call.verb)
    if not span.holds(told_s) and use.watcher.more_to_come(call.verb):
        with use.durations.timing(call.verb) as free:
            if free:
                use.watcher.rest.charge()
                job = await _told(receipt, use, LONGEST_S)
                told_s = job.took_s if job is not None else None
                if told_s is not None and span.holds(told_s):
                    use.durations.tell(call.verb, told_s)
    return told_s if told_s is not None and span.holds(told_s) else span.middle_s


async def _job_end(
    call: Call, receipt: Receipt, use: Settling, age_s: float
) -> tuple[Progress | None, float | None]:
    """Wait until the job ended or looking is due; give how it ended and what it took, if known."""
    clock, expected_s = use.patience.clock, use.durations.expected_s(call.verb)
    if use.late:
        return await _told(receipt, use, LAST_LOOK_S), None
    if receipt.handle is not None:
        asking = Asking(
            verb=call.verb,
            handle=receipt.handle,
            provider=use.provider,
            patience=use.patience,
            durations=use.durations,
            deadline_s=use.deadline_s,
            crowded=use.crowded,
            rest=use.watcher.rest,
            began_s=clock.monotonic(),
        )
        # One of an earlier run may have ended long ago: it isn't kept waiting.
        return await asking.end(in_turn=not age_s)
    if receipt.answer is Answer.ACCEPTED and expected_s is not None:
        # No job to ask: the first look comes when such changes usually end.
        await clock.sleep(min(next(waits_s(expected_s)), use.deadline_s))
    return None, None


async def _told(receipt: Receipt, use: Settling, within_s: float) -> Progress | None:
    """Give how a job ended; None while it runs, and where there is none or nobody can tell."""
    if receipt.handle is None or within_s <= 0:
        return None
    try:
        async with asyncio.timeout(within_s):
            told = await use.patience.read(partial(use.provider.track, receipt.handle))
    except (ProviderError, TimeoutError):
        return None
    return None if told.state is JobState.RUNNING else told


def _hopeless(
    receipt: Receipt, job: Progress | None, waiting: Mapping[AttachmentKey, _Waiting], use: Settling
) -> bool:
    """Tell whether a late call is under way still: then the next minute tells nothing either."""
    runs = job is None and receipt.handle is not None
    shows = {known.shown for known in waiting.values()} == {Picture.MOVING}
    return use.late and (shows or (runs and not use.shows_motion))


async def _seen(
    keys: tuple[AttachmentKey, ...], due: Callable[[], float], use: Settling, within_s: float
) -> Live | None:
    """Give what a look saw; None where it failed or may lack rows, which would look like gone."""
    try:
        async with asyncio.timeout(within_s):
            live = await use.watcher.look(keys, due)
    except (ProviderError, TimeoutError):
        return None
    return live if live.complete else None


def _judged(
    call: Call,
    receipt: Receipt,
    job: Progress | None,
    live: Live,
    waiting: dict[AttachmentKey, _Waiting],
    use: Settling,
) -> dict[AttachmentKey, Outcome]:
    """Take what settled out of `waiting` and give its outcomes."""
    now_s = use.patience.clock.monotonic()
    settled: dict[AttachmentKey, Outcome] = {}
    for key, known in waiting.items():
        shown = picture(call, key, live)
        if shown is not known.shown:
            known.shown, known.since_s = shown, now_s
        known.seen_s = now_s
        held_s = now_s - known.since_s
        if shown is Picture.REACHED or (shown is Picture.GONE and held_s >= GONE_AFTER_S):
            settled[key] = Outcome(verdict=Verdict.DONE, request_id=receipt.request_id)
        elif shown is Picture.BEFORE and _proved(call, receipt, _part(job, key), known, now_s):
            settled[key] = _unchanged(receipt, _part(job, key))
    for key in settled:
        del waiting[key]
    return settled


def _part(job: Progress | None, key: AttachmentKey) -> Progress | None:
    return job.parts.get(key.server_id, job) if job is not None else None


def _proved(
    call: Call, receipt: Receipt, part: Progress | None, known: _Waiting, now_s: float
) -> bool:
    """Tell whether the old picture has held long enough to be believed."""
    proof_s = _proof_s(call, receipt, part)
    untold = proof_s == SILENT_AFTER_S and (part is None or part.state is JobState.GONE)
    return now_s - known.since_s >= proof_s and not (untold and now_s < known.untold_until_s)


def _proof_s(call: Call, receipt: Receipt, part: Progress | None) -> float:
    """Give how long the old picture must hold before it is believed."""
    if part is not None and part.state is JobState.FAILED and call.verb is not Verb.DESTROY:
        return FAILED_AFTER_S
    if part is not None and part.state is JobState.FAILED:
        return SILENT_AFTER_S  # A destroy fails disk by disk, and its job only tells the server.
    silent = receipt.handle is None and receipt.answer is Answer.UNKNOWN
    if silent or (part is not None and part.state is JobState.GONE):
        return SILENT_AFTER_S
    return CONTRADICTED_AFTER_S


def _unchanged(receipt: Receipt, part: Progress | None) -> Outcome:
    """Give the outcome of a call whose attachment stayed as it was, in every view and at rest."""
    if part is not None and part.state is JobState.FAILED:
        said, code = part.message or "its job failed", part.code or "job-failed"
    elif part is not None:
        said = f"its job says {part.state.value}, and every view still shows what was before"
        code = part.code or "not-confirmed"
    elif receipt.handle is None and receipt.answer is Answer.UNKNOWN:
        said = f"no clear answer, and nothing of it to be seen: {receipt.message}"
        code = receipt.code or "no-answer"
    elif receipt.handle is not None:
        said = "no end of its job is known, and every view still shows what was before"
        code = receipt.code or "not-confirmed"
    else:
        said = f"every view still shows what was before: {receipt.message}"
        code = receipt.code or "not-confirmed"
    request_id = (part.request_id if part is not None else "") or receipt.request_id
    return Outcome(verdict=Verdict.FAILED, code=code, message=said, request_id=request_id)


async def _half_made(
    receipt: Receipt,
    job: Progress | None,
    waiting: Mapping[AttachmentKey, _Waiting],
    use: Settling,
) -> dict[AttachmentKey, Outcome]:
    """Give the outcomes of what an overdue call left half made, and is at work on no more."""
    job = job or await _told(receipt, use, LAST_LOOK_S)
    if job is None and receipt.handle is not None and not (use.late and use.shows_motion):
        return {}  # It runs, or nobody can tell.
    return {
        key: replace(
            _overdue(receipt, job, key, known.shown), verdict=Verdict.FAILED, code="views-disagree"
        )
        for key, known in waiting.items()
        if known.shown is Picture.MIXED
        and known.seen_s - known.since_s >= CONTRADICTED_AFTER_S
        and ((part := _part(job, key)) is None or part.state is not JobState.RUNNING)
    }


def _overdue(
    receipt: Receipt, job: Progress | None, key: AttachmentKey, shown: Picture | None
) -> Outcome:
    """Give the outcome of an attachment that the views didn't settle before the deadline."""
    part = _part(job, key)
    said = f"its job says {part.state.value}" if part is not None else "it was never confirmed"
    more = f": {part.message}" if part is not None and part.message else ""
    seen = "no look could tell how it is" if shown is None else f"when last seen: {shown.value}"
    return Outcome(
        verdict=Verdict.UNKNOWN,
        code=(part.code if part is not None else "") or receipt.code or "not-confirmed",
        message=f"{said}{more}; {seen}",
        request_id=(part.request_id if part is not None else "") or receipt.request_id,
    )
