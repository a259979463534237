"""Guards of the scope's level: each may hold the whole scope back; the other scopes go on."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from math import floor
from typing import TYPE_CHECKING

from reconciler.model.counting import counted
from reconciler.model.declared import Side
from reconciler.model.finding import Finding, Severity
from reconciler.model.plan import Action, Standing
from reconciler.planning.ground import Wish
from reconciler.planning.guards import unmanaged
from reconciler.planning.guards.memory import first_apply
from reconciler.planning.remembering import WHEN
from reconciler.planning.windows import permits, window_notice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.finding import Place
    from reconciler.model.plan import Change
    from reconciler.model.policy import Policy
    from reconciler.planning.ground import Ground


NUMBERED = frozenset({"limit-detach", "limit-detach-per-server", "name-rebound"})
"""What the exact number of detaches lets pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the guards of a scope say of its changes together."""

    refusals: tuple[Finding, ...]
    """What holds the scope back, the weightiest first."""
    asked: tuple[Finding, ...] = ()
    """What only the number lets pass, where somebody will be asked for it."""
    to_type: int = 0
    """That number; 0: none is asked for."""


def judged(changes: Sequence[Change], on: Ground, owned: int) -> Judged:
    """Judge the changes that are left of a scope; `owned` is D of the formula."""
    found = scope_refusals(changes, on, owned)
    codes = {finding.code for finding in found}
    if not codes or not codes <= NUMBERED or not on.circumstances.asks_detach:
        return Judged(refusals=found)
    told = tuple(replace(finding, severity=Severity.WARNING) for finding in found)
    return Judged(refusals=(), asked=told, to_type=len(_leaving(changes)))


def _leaving(changes: Sequence[Change]) -> list[Change]:
    return [
        change
        for change in changes
        if change.standing is Standing.PERMITTED and change.leaves is not None
    ]


def scope_refusals(changes: Sequence[Change], on: Ground, owned: int) -> tuple[Finding, ...]:
    """Give what holds the scope back, the weightiest first; `owned` is D of the formula."""
    leaving = _leaving(changes)
    return (
        *on.desired.scope_findings,
        *_incomplete(on),
        *_empty_live(on),
        *unmanaged.destroys(on),
        *unmanaged.unmarked(on),
        *unmanaged.shrunk_set(on),
        *unmanaged.uncounted(on),
        *_window(on, leaving or changes),
        *first_apply(leaving, on),
        *_limit(leaving, on, owned),
        *_limit_per_server(leaving, on),
        *_renamed(leaving, on),
    )


def allowed_detaches(policy: Policy, owned: int) -> int:
    """Give min(maxDetach, max(1, floor(maxDetachShare x D))).

    `owned` counts the owned live attachments before any selection, without boot and kept ones.
    The tiny addend keeps 0.3 x 10 at 3 although binary floats say 2.9999999999999996 elsewhere.
    """
    return min(policy.max_detach, max(1, floor(policy.max_detach_share * owned + 1e-9)))


def _incomplete(on: Ground) -> Iterator[Finding]:
    if not on.live.complete:
        notice = on.live.notices[0] if on.live.notices else "rows are missing"
        yield Finding(
            code="incomplete-listing",
            summary=f"the listing can't be trusted: {notice}",
            hint="plan again; if it stays, the cloud's listing is at fault",
            scope=on.live.scope,
        )


def _empty_live(on: Ground) -> Iterator[Finding]:
    named = dict.fromkeys(Side, False)
    for side, _ in on.desired.rows:
        named[side] = True
    for finding in on.desired.entry_findings:
        named[Side.SERVER] |= finding.code == "server-not-found"
        named[Side.VOLUME] |= finding.code == "volume-not-found"
    named[Side.VOLUME] &= on.live.shows_free
    live = {Side.SERVER: on.live.servers, Side.VOLUME: on.live.volumes}
    out = on.live.left_out
    left = {Side.SERVER: out.servers if out else 0, Side.VOLUME: out.volumes if out else 0}
    for side in Side:
        if named[side] and not live[side] and not left[side]:
            yield Finding(
                code="empty-live",
                summary=f"the cloud lists no {side.value} at all, and the manifests name some",
                hint="check region, projectId and what these credentials may read",
                scope=on.live.scope,
            )


def _window(on: Ground, changes: Sequence[Change]) -> Iterator[Finding]:
    now = on.circumstances.now
    if not on.policy.windows or now is None or not on.circumstances.enforced or not changes:
        return
    if not permits(on.policy.windows, now):
        yield Finding(
            code="window-closed",
            summary=window_notice(on.policy.windows, now, None),
            hint="apply again then, or change `windows` in the Policy",
            scope=on.live.scope,
        )


def _limit(leaving: Sequence[Change], on: Ground, owned: int) -> Iterator[Finding]:
    policy, when = min(_policies(on), key=lambda row: allowed_detaches(row[0], owned))
    allowed = allowed_detaches(policy, owned)
    limits = f"maxDetach {policy.max_detach}, maxDetachShare {policy.max_detach_share:g}"
    if len(leaving) <= allowed or _acknowledged(leaving, on):
        return
    said = on.circumstances.ack_detach
    wrong = (
        f", and {said} {'was' if said == 1 else 'were'} acknowledged" if said is not None else ""
    )
    yield Finding(
        code="limit-detach",
        summary=f"{_counted(leaving, on, owned)} would be detached, {allowed} "
        f"may be{when} ({limits}){wrong}",
        hint=_way_out(leaving, on),
        scope=on.live.scope,
    )


def _counted(leaving: Sequence[Change], on: Ground, owned: int) -> str:
    strays = sum(c.leaves is not None and on.wish(c.leaves) is Wish.STRAY for c in leaving)
    if not strays:
        return f"{len(leaving)} of {owned} owned attachments"
    beside = counted(owned, "owned one")
    return f"{counted(len(leaving), 'attachment')}, {strays} of them nobody's, beside {beside}"


def _policies(on: Ground) -> Iterator[tuple[Policy, str]]:
    """Give the policies that a limit may come from, today's first, and when each one held."""
    yield on.policy, ""
    for memory in on.circumstances.memories:
        yield memory.policy, f" by the policy {WHEN[memory.of]}"


def _way_out(leaving: Sequence[Change], on: Ground) -> str:
    return (
        f"say `--ack-detach {on.live.scope}={len(leaving)}` if this is meant, or raise the limit "
        "in the Policy, in an apply that takes less away"
    )


def _acknowledged(leaving: Sequence[Change], on: Ground) -> bool:
    """Tell whether a person said exactly this number, or that of the approval it is a part of."""
    said = on.circumstances.ack_detach
    if said == len(leaving):
        return True
    # What became stale or is done since the approval makes the plan smaller, never larger.
    approved = on.circumstances.approved or ()
    leaves = {Action.DETACH, Action.MOVE, Action.DESTROY}
    asked = sum(a.action in leaves and a.key.scope == on.live.scope for a in approved)
    return said == asked > len(leaving)


def _limit_per_server(leaving: Sequence[Change], on: Ground) -> Iterator[Finding]:
    if _acknowledged(leaving, on):
        return
    policy, when = min(_policies(on), key=lambda row: row[0].max_detach_per_server)
    most = policy.max_detach_per_server
    per_server = Counter(change.leaves.server_id for change in leaving if change.leaves)
    for change in leaving:
        key = change.leaves
        count = per_server.pop(key.server_id, 0) if key else 0
        if key is not None and count > most:
            yield Finding(
                code="limit-detach-per-server",
                summary=f"{counted(count, 'volume')} would leave `{on.name(key).server}`, "
                f"{most} may{when} (maxDetachPerServer)",
                hint=_way_out(leaving, on),
                scope=on.live.scope,
            )


def _renamed(leaving: Sequence[Change], on: Ground) -> Iterator[Finding]:
    """Refuse detaches by entries whose names mean other ids than at the last apply."""
    if _acknowledged(leaving, on):
        return
    if (again := next(_born_again(leaving, on), None)) is not None:
        yield again
        return
    for change in leaving:
        for name, place in _names_of(change, on):
            if name in on.rebound:
                side, text = name
                yield Finding(
                    code="name-rebound",
                    summary=f"`{text}` meant another {side.value} at the last apply, and "
                    f"`{change.name.volume}` would leave a server because of it",
                    hint=f"check which {side.value} is meant; write its id, or say "
                    f"`--ack-detach {on.live.scope}={len(leaving)}`",
                    place=place,
                    scope=on.live.scope,
                )
                return


def _born_again(leaving: Sequence[Change], on: Ground) -> Iterator[Finding]:
    """Refuse to destroy a volume by the very name of one that is destroyed already."""
    before: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in on.circumstances.destroyed:
        before[row.server, row.volume].add(row.volume_id)
        before[row.server_id, row.volume].add(row.volume_id)
    for change in leaving if before else ():
        key, name = change.key, change.name
        gone = before[name.server, name.volume] | before[key.server_id, name.volume]
        lines = [place for (_, text), place in _names_of(change, on) if text == name.volume]
        if change.action is Action.DESTROY and gone - {key.volume_id} and lines:
            yield Finding(
                code="name-rebound",
                summary=f"the `{name.volume}` of `{name.server}` that was meant is destroyed: this "
                "is another volume of that name",
                hint=f"check which volume is meant; write its id, or say "
                f"`--ack-detach {on.live.scope}={len(leaving)}`",
                place=lines[0],
                scope=on.live.scope,
            )


def _names_of(change: Change, on: Ground) -> Iterator[tuple[tuple[Side, str], Place]]:
    """Give every name in the entries that decide about what a change takes away, and where to."""
    key = change.leaves
    assert key is not None
    for row in ((Side.SERVER, key.server_id), (Side.VOLUME, key.volume_id)):
        entry = on.desired.rows.get(row)
        if entry is not None:
            other = Side.VOLUME if entry.side is Side.SERVER else Side.SERVER
            yield (entry.side, entry.owner.text), entry.owner.place
            yield from (((other, line.ref.text), line.ref.place) for line in entry.listed or ())
            mine = on.name(key).volume if other is Side.VOLUME else on.name(key).server
            yield from (((other, one.text), one.place) for one in entry.absent if one.text == mine)
    taker = on.desired.rows.get((Side.SERVER, change.key.server_id))
    if change.source is not None and taker is not None:
        yield (Side.SERVER, taker.owner.text), taker.owner.place
        lines = (line.ref for line in taker.listed or () if line.ref.text == change.name.volume)
        yield from (((Side.VOLUME, ref.text), ref.place) for ref in lines)
