"""An approval narrows a plan and never adds to it.

1. A change that nobody approved is left out.
2. An approved change whose facts differ now is refused, naming the facts.
3. An approved change that is so already is done; one that nothing asks for any more is refused.
4. What was approved for one cloud is stale on another one: a copy may have the same ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding
from reconciler.model.plan import Action, Approved, Standing
from reconciler.planning.ground import Seen
from reconciler.planning.precondition import RUNNING, precondition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.plan import Change
    from reconciler.planning.ground import Ground

    Identity = tuple[Action, AttachmentKey, AttachmentKey | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What an approval leaves of a plan."""

    chosen: list[Change]
    dropped: list[Change] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    """Approved changes that can't be found any more."""
    already: int = 0


def approval(changes: Sequence[Change], cloud: str = "") -> tuple[Approved, ...]:
    """Give what approving these changes approves: the permitted ones, on today's facts."""
    return tuple(
        Approved(
            action=change.action,
            key=change.key,
            source=change.source,
            updates=change.updates,
            device=device_of(change),
            precondition=change.precondition,
            forced=change.forced,
            cloud=cloud,
        )
        for change in changes
        if change.standing is Standing.PERMITTED
    )


def narrowed(changes: Sequence[Change], on: Ground) -> Narrowed:
    """Give what the approval of these circumstances leaves of `changes`."""
    if on.circumstances.approved is None:
        return Narrowed(chosen=list(changes))
    mine = {_identity(a): a for a in on.circumstances.approved if a.key.scope == on.live.scope}
    chosen: list[Change] = []
    dropped: list[Change] = []
    for change in changes:
        approved = mine.pop(_identity(change), None)
        if approved is not None:
            chosen.append(_unless_stale(change, approved, on))
        elif change.standing is Standing.PERMITTED:
            dropped.append(change)
        else:
            chosen.append(change)
    already = [approved for approved in mine.values() if _so_already(approved, on)]
    lost = (approved for approved in mine.values() if approved not in already)
    return Narrowed(
        chosen=chosen,
        dropped=dropped,
        findings=tuple(_lost(approved, on) for approved in lost),
        already=len(already),
    )


def device_of(change: Change) -> str | None:
    """Give the device that a change asks for; None where it leaves it to the cloud."""
    return change.wanted.device if change.wanted is not None else None


def _identity(what: Change | Approved) -> Identity:
    return what.action, what.key, what.source


def _unless_stale(change: Change, approved: Approved, on: Ground) -> Change:
    if change.standing is not Standing.PERMITTED:
        return change
    differences = tuple(_differences(change, approved, on))
    if not differences:
        return change
    finding = Finding(
        code="stale",
        summary=f"changed since it was approved: {'; '.join(differences)}",
        hint="plan again and approve the new plan",
        place=change.place,
        scope=change.key.scope,
    )
    return replace(change, standing=Standing.REFUSED, refusals=(finding,))


def _differences(change: Change, approved: Approved, on: Ground) -> Iterator[str]:
    if _elsewhere(approved, on):
        yield f"scope `{on.live.scope}` was `{approved.cloud}`, is `{on.circumstances.cloud}`"
    if change.updates != approved.updates:
        yield "what is to be set"
    if change.forced != approved.forced:
        yield f"forced was `{approved.forced}`, is `{change.forced}`".lower()
    if device_of(change) != approved.device:
        yield f"device was `{approved.device}`, is `{device_of(change)}`"
    now = precondition(change, on)
    for part in sorted(now.keys() | approved.precondition.keys()):
        was, is_now = approved.precondition.get(part, {}), now.get(part, {})
        for fact in sorted(was.keys() | is_now.keys()):
            if was.get(fact) != is_now.get(fact) and (fact != RUNNING or is_now.get(fact)):
                yield f"{part} {fact} was `{was.get(fact)}`, is `{is_now.get(fact)}`"


def _elsewhere(approved: Approved, on: Ground) -> bool:
    return approved.cloud not in {"", on.circumstances.cloud}


def _so_already(approved: Approved, on: Ground) -> bool:
    """Tell whether the views agree, at rest, that it is as it was approved to become."""
    if on.in_motion(approved.key) or _elsewhere(approved, on):
        return False
    seen = on.seen(approved.key)
    if approved.action in {Action.DETACH, Action.DESTROY}:
        return seen is Seen.NOWHERE
    gone = approved.source is None or on.seen(approved.source) is Seen.NOWHERE
    wanted = on.desired.wanted.get(approved.key)
    if not gone or seen is not Seen.AGREED or wanted is None:
        return False
    flag = wanted.attachment.delete_on_termination
    return flag in {None, on.live.observed[approved.key].delete_on_termination}


def _lost(approved: Approved, on: Ground) -> Finding:
    name = on.name(approved.key)
    return Finding(
        code="stale",
        summary=f"`{approved.action.value}` of `{name.server}/{name.volume}` was approved, "
        "and the plan is another one now",
        hint="plan again and approve the new plan",
        scope=on.live.scope,
    )
