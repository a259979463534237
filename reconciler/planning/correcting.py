"""Which differences a service may correct now, and why it leaves the others.

Each is held by the first of these that applies:

1. nothing could be done: it is a conflict, disputed, released, or a destroy
2. nobody asked: pending while only what was applied is restored, or corrections are off
3. a guard refuses the change, or the breaker is open
4. a move failed on the same facts; another change did, and its pause isn't over
5. a fight: it was corrected twice already, and came back; each time the pause doubles
6. the day's detaches are used up
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.model.call import Verb
from reconciler.model.plan import Action, Standing
from reconciler.model.schedule import Heal
from reconciler.model.watching import (
    Answer,
    BreakerStanding,
    Difference,
    Fight,
    Held,
    Kind,
    WatchBreaker,
    Why,
)
from reconciler.planning.approval import device_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.plan import Change

DAY_S = 86400.0
FIGHT_AFTER = 2
"""Once may be chance, twice is somebody's will."""
FIGHT_PAUSE_S = 3600.0
"""An hour is long enough for a person to be told; it doubles with each further return."""
FAILED_PAUSE_S = 900.0
"""A cloud that said no is asked again after three looks, then after twice that, and so on."""
LONGEST_PAUSE_S = DAY_S
TRIES = 3
"""Runs in a row that may fail before the breaker opens."""
BREAKER_REST_S = 3600.0
TAKING = frozenset({Action.DETACH, Action.MOVE})
MAKING = frozenset({Action.ATTACH, Action.DETACH, Action.MOVE, Action.UPDATE})
"""What a service may do at all."""

BREAKER = {
    (BreakerStanding.CLOSED, True): BreakerStanding.CLOSED,
    (BreakerStanding.CLOSED, False): BreakerStanding.CLOSED,  # Until it was so `TRIES` times.
    (BreakerStanding.TRIAL, True): BreakerStanding.CLOSED,
    (BreakerStanding.TRIAL, False): BreakerStanding.OPEN,
    (BreakerStanding.OPEN, True): BreakerStanding.OPEN,
    (BreakerStanding.OPEN, False): BreakerStanding.OPEN,
}
"""What a run that was good, or not, makes of a breaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the journal knows of one cloud."""

    returns: Mapping[tuple[Verb, AttachmentKey], tuple[float, ...]] = field(default_factory=dict)
    """When a service's calls were done lately, in order."""
    failures: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """When corrections failed lately, by the fingerprint of their facts, in order."""
    detached: int = 0
    """What was taken away in the last day."""
    breaker: WatchBreaker = field(default_factory=WatchBreaker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """What a service may do."""

    corrects: bool
    heal: Heal
    max_detach_per_day: int
    now_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is corrected now; every other difference says why it isn't."""

    changes: tuple[Change, ...]
    differences: tuple[Difference, ...]
    fights: tuple[Fight, ...]


def choose(
    changes: Sequence[Change], differences: Sequence[Difference], past: Past, leave: Leave
) -> Chosen:
    """Choose among the changes of a plan those that correct differences and may be made."""
    known = {change.key: change for change in changes}
    chosen: list[Change] = []
    told: list[Difference] = []
    fights: list[Fight] = []
    left = leave.max_detach_per_day - past.detached
    for one in differences:
        change = known.get(one.key)
        held = _helpless(one, change) or _unasked(one, leave)
        if held is None:
            assert change is not None, "it would be helpless"
            held = _refused(change, past.breaker) or _failed(change, past, leave)
            fight = _fight(one, change, past)
            if fight is not None and fight.until_s > leave.now_s:
                fights.append(fight)
                held = held or Held(why=Why.FIGHT, words=_times(fight), until_s=fight.until_s)
            takes = change.action in TAKING
            if held is None and takes and left <= 0:
                held = Held(why=Why.BUDGET, words=f"{past.detached} of {leave.max_detach_per_day}")
            if held is None:
                left -= takes
                chosen.append(change)
        told.append(replace(one, held=held))
    return Chosen(changes=tuple(chosen), differences=tuple(told), fights=tuple(fights))


def _helpless(one: Difference, change: Change | None) -> Held | None:
    if one.answer is Answer.CONFLICT:
        return Held(why=Why.CONFLICT)
    if one.kind is Kind.RELEASED:
        return Held(why=Why.WAITS, words="nobody names it now")
    if change is None:
        return Held(why=Why.REFUSED, words="its entry can't be resolved")
    if change.action not in MAKING:
        never = change.action is Action.DESTROY
        return Held(why=Why.NEVER) if never else Held(why=Why.REFUSED, words=_words(change))
    return None


def _unasked(one: Difference, leave: Leave) -> Held | None:
    if one.answer is Answer.PENDING and leave.heal is Heal.APPLIED:
        return Held(why=Why.WAITS)
    return None if leave.corrects else Held(why=Why.OFF)


def _refused(change: Change, breaker: WatchBreaker) -> Held | None:
    if change.standing is not Standing.PERMITTED:
        return Held(why=Why.REFUSED, words=_words(change))
    if breaker.standing is BreakerStanding.OPEN:
        return Held(why=Why.BREAKER, words=f"{breaker.failures} runs", until_s=breaker.until_s)
    return None


def _words(change: Change) -> str:
    return change.refusals[0].summary if change.refusals else change.reason


def _failed(change: Change, past: Past, leave: Leave) -> Held | None:
    moments = past.failures.get(facts_of(change), ())
    if not moments:
        return None
    if change.action is Action.MOVE:
        return Held(why=Why.FAILED)
    until_s = moments[-1] + _doubled(FAILED_PAUSE_S, len(moments) - 1)
    return Held(why=Why.FAILED, until_s=until_s) if until_s > leave.now_s else None


def _fight(one: Difference, change: Change, past: Past) -> Fight | None:
    """Give the fight about an attachment that was corrected and came back, more than once."""
    verb, key = (Verb.DETACH, change.leaves) if change.arrives is None else (Verb.ATTACH, one.key)
    moments = past.returns.get((verb, key), ()) if key is not None else ()
    if len(moments) < FIGHT_AFTER or one.answer is not Answer.DRIFT:
        return None
    until_s = moments[-1] + _doubled(FIGHT_PAUSE_S, len(moments) - FIGHT_AFTER)
    return Fight(key=one.key, name=one.name, corrected=len(moments), until_s=until_s)


def _times(fight: Fight) -> str:
    return f"corrected {fight.corrected} times"


def _doubled(pause_s: float, times: int) -> float:
    return min(LONGEST_PAUSE_S, pause_s * 2.0 ** min(times, 30))


def facts_of(change: Change) -> str:
    """Give the fingerprint of a change and of what it stands on."""
    told = [
        change.action.value,
        change.key.server_id,
        change.key.volume_id,
        change.source.server_id if change.source is not None else None,
        device_of(change),
        [[u.attribute, u.before, u.after] for u in change.updates],
        {part: dict(facts) for part, facts in change.precondition.items()},
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def rested(breaker: WatchBreaker, now_s: float) -> WatchBreaker:
    """Give a breaker as it is now: one that was open long enough lets one run decide."""
    over = breaker.until_s is not None and breaker.until_s <= now_s
    if breaker.standing is not BreakerStanding.OPEN or not over:
        return breaker
    return replace(breaker, standing=BreakerStanding.TRIAL, since_s=now_s, until_s=None)


def after_run(breaker: WatchBreaker, now_s: float, *, good: bool) -> WatchBreaker:
    """Give what a run makes of a breaker; `good`: it left nothing failed and nothing unknown."""
    failures = 0 if good else breaker.failures + 1
    standing = BREAKER[breaker.standing, good]
    if standing is BreakerStanding.CLOSED and failures >= TRIES:
        standing = BreakerStanding.OPEN
    opens = standing is BreakerStanding.OPEN
    rest_s = _doubled(BREAKER_REST_S, max(0, failures - TRIES))
    return WatchBreaker(
        standing=standing,
        failures=failures,
        since_s=breaker.since_s if standing is breaker.standing else now_s,
        until_s=now_s + rest_s if opens else None,
    )
