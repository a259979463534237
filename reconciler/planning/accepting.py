"""Known drift: what a policy accepts is left as it is, counted, and loud when its day is over.

1. A stray that would leave and a missing one that would come are accepted alike.
2. A move is never half accepted: an acceptance of either half is an error.
3. One that has expired holds nothing; one that ends within a week is told.
4. One whose server or volume isn't there holds nothing either, and is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding, Severity
from reconciler.model.plan import AcceptedDrift, Action, Standing
from reconciler.planning.names import HEX_ID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import date

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.plan import Change
    from reconciler.model.policy import Acceptance
    from reconciler.planning.ground import Ground

AHEAD = timedelta(days=7)
"""An acceptance that ends within this is told: a week is time enough to put the drift right."""
LEFT = frozenset({Action.ATTACH, Action.DETACH, Action.DESTROY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepting:
    """What acceptances leave of a plan."""

    changes: list[Change]
    accepted: tuple[AcceptedDrift, ...]
    findings: tuple[Finding, ...]


def accepted(changes: Sequence[Change], on: Ground) -> Accepting:
    """Take what is accepted out of a plan's changes."""
    holding = [one for one in _mine(on) if _holds(one, on)]
    left: list[Change] = []
    drift: list[AcceptedDrift] = []
    for change in changes:
        found = next((one for one in holding if _names(one, change.key, on)), None)
        if found is not None and change.action in LEFT:
            drift.append(AcceptedDrift(change=change, until=found.until, reason=found.reason))
        else:
            left.append(_unless_half(change, holding, on))
    return Accepting(changes=left, accepted=tuple(drift), findings=(*_told(on), *_unmatched(on)))


def _mine(on: Ground) -> tuple[Acceptance, ...]:
    return tuple(one for one in on.policy.accept if one.scope == on.live.scope)


def _holds(acceptance: Acceptance, on: Ground) -> bool:
    today = _today(on)
    return today is not None and today <= acceptance.until


def _names(acceptance: Acceptance, key: AttachmentKey, on: Ground) -> bool:
    name = on.name(key)
    servers, volumes = {name.server, key.server_id}, {name.volume, key.volume_id}
    return _one_of(acceptance.server, servers) and _one_of(acceptance.volume, volumes)


def _one_of(text: str, known: Collection[str]) -> bool:
    """Tell whether a text is one of names and ids; an id is one in either case."""
    if text in known:
        return True
    return bool(HEX_ID.fullmatch(text)) and text.lower() in {one.lower() for one in known}


def _unless_half(change: Change, holding: Sequence[Acceptance], on: Ground) -> Change:
    if change.action is not Action.MOVE or change.standing is not Standing.PERMITTED:
        return change
    halves = [key for key in (change.source, change.key) if key is not None]
    found = next((one for one in holding for key in halves if _names(one, key, on)), None)
    if found is None:
        return change
    finding = Finding(
        code="accept-against-move",
        summary=f"`{change.name.volume}` is wanted on `{change.name.server}`, and a policy accepts "
        f"it on `{found.server}` as it is",
        hint="take the acceptance out, or the line that moves the volume",
        place=change.place,
        scope=change.key.scope,
        also=(found.place,),
    )
    return replace(change, standing=Standing.REFUSED, refusals=(finding,))


def _today(on: Ground) -> date | None:
    now = on.circumstances.now
    return now.astimezone(UTC).date() if now is not None else None


def _told(on: Ground) -> Iterator[Finding]:
    today = _today(on)
    for one in _mine(on) if today is not None else ():
        assert today is not None
        what = f"the acceptance of `{one.server}/{one.volume}` ({one.reason})"
        if today > one.until:
            yield _about(one, on, "accept-expired", f"{what} ended with {one.until.isoformat()}")
        elif one.until - today < AHEAD:
            yield _about(one, on, "accept-expires", f"{what} ends with {one.until.isoformat()}")


def _unmatched(on: Ground) -> Iterator[Finding]:
    """Give what holds nothing because an end of it means nothing live.

    Where volumes are shown on servers only, one that isn't shown may be free: nothing is said.
    """
    holding = [one for one in _mine(on) if _holds(one, on)] if on.live.complete else []
    if not holding:
        return
    live = on.live
    servers = {*live.servers, *(one.name for one in live.servers.values())}
    servers |= {key.server_id for key in live.observed}
    volumes = {*live.volumes, *(one.name for one in live.volumes.values())}
    volumes |= {key.volume_id for key in live.observed}
    for one in holding:
        gone = [] if _one_of(one.server, servers) else [f"server `{one.server}`"]
        if live.shows_free and not _one_of(one.volume, volumes):
            gone.append(f"volume `{one.volume}`")
        if gone:
            yield Finding(
                code="accept-unmatched",
                summary=f"the acceptance of `{one.server}/{one.volume}` ({one.reason}) holds "
                f"nothing: there is no {' and no '.join(gone)}",
                hint="correct the name, or take the acceptance out",
                severity=Severity.WARNING,
                place=one.place,
                scope=live.scope,
            )


def _about(acceptance: Acceptance, on: Ground, code: str, summary: str) -> Finding:
    return Finding(
        code=code,
        summary=summary,
        hint="put the drift right, or write a later day",
        severity=Severity.WARNING,
        place=acceptance.place,
        scope=on.live.scope,
    )
