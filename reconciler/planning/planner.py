"""(desired, live, circumstances) -> Plan: the two-view table, then guards, then the plan.

1. What the views say and what the manifests say meet in one table, `DECISIONS`.
2. A volume that can't be shared and leaves one server for another is one change, a move.
3. Guards refuse changes, then the whole scope; nothing is dropped without a word.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from msgspec import structs

from reconciler.model.attachment import Attachment, AttachmentKey
from reconciler.model.declared import Side, Unmanaged
from reconciler.model.finding import Finding, Severity
from reconciler.model.plan import Action, Change, Plan, Standing, Update
from reconciler.planning import guards
from reconciler.planning.accepting import accepted
from reconciler.planning.approval import narrowed
from reconciler.planning.fields import differences
from reconciler.planning.forcing import forced, named_to_force
from reconciler.planning.ground import Ground, Seen, Wish, ground
from reconciler.planning.guests import owed, still_owed, with_errands
from reconciler.planning.needs import with_needs
from reconciler.planning.precondition import precondition
from reconciler.planning.selection import matched, read_as, selected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.model.capabilities import Capabilities
    from reconciler.model.live import Live
    from reconciler.model.plan import AcceptedDrift, Circumstances
    from reconciler.model.policy import Policy
    from reconciler.model.record import NamedAttachment
    from reconciler.planning.resolve import Desired


NOBODYS = "nobody owns it, and the scope says `unmanaged: detach`"


class Decision(enum.Enum):
    """What the table says about one attachment."""

    NOTHING = "nothing to do and nothing to tell"
    KEEP = "as wanted"
    ATTACH = "to be attached"
    DETACH = "to be detached"
    LEAVE = "told, never touched"
    PUZZLE = "the views disagree: told, no call"
    STALE = "only the storage record has it: told, repaired by name only"
    FOREIGN = "on a server we can't see: never free, never stray"


DECISIONS = {
    (Seen.NOWHERE, Wish.WANTED): Decision.ATTACH,
    (Seen.NOWHERE, Wish.UNWANTED): Decision.NOTHING,
    (Seen.NOWHERE, Wish.KEPT): Decision.NOTHING,
    (Seen.NOWHERE, Wish.UNOWNED): Decision.NOTHING,
    (Seen.NOWHERE, Wish.STRAY): Decision.NOTHING,
    (Seen.AGREED, Wish.WANTED): Decision.KEEP,
    (Seen.AGREED, Wish.UNWANTED): Decision.DETACH,
    (Seen.AGREED, Wish.KEPT): Decision.LEAVE,
    (Seen.AGREED, Wish.UNOWNED): Decision.LEAVE,
    (Seen.AGREED, Wish.STRAY): Decision.DETACH,
    (Seen.COMPUTE_ONLY, Wish.WANTED): Decision.PUZZLE,
    (Seen.COMPUTE_ONLY, Wish.UNWANTED): Decision.DETACH,
    (Seen.COMPUTE_ONLY, Wish.KEPT): Decision.LEAVE,
    (Seen.COMPUTE_ONLY, Wish.UNOWNED): Decision.LEAVE,
    (Seen.COMPUTE_ONLY, Wish.STRAY): Decision.LEAVE,
    (Seen.STORAGE_ONLY, Wish.WANTED): Decision.STALE,
    (Seen.STORAGE_ONLY, Wish.UNWANTED): Decision.STALE,
    (Seen.STORAGE_ONLY, Wish.KEPT): Decision.LEAVE,
    (Seen.STORAGE_ONLY, Wish.UNOWNED): Decision.LEAVE,
    (Seen.STORAGE_ONLY, Wish.STRAY): Decision.LEAVE,
    (Seen.FOREIGN, Wish.WANTED): Decision.FOREIGN,
    (Seen.FOREIGN, Wish.UNWANTED): Decision.FOREIGN,
    (Seen.FOREIGN, Wish.KEPT): Decision.FOREIGN,
    (Seen.FOREIGN, Wish.UNOWNED): Decision.FOREIGN,
    (Seen.FOREIGN, Wish.STRAY): Decision.FOREIGN,
}


@dataclass(slots=True)
class _Draft:
    """What the table gave so far, each list sorted by key because the keys come sorted."""

    wanted: Sequence[AttachmentKey] = ()
    """All of it, wherever it is."""
    changes: list[Change] = field(default_factory=list)
    kept: list[AttachmentKey] = field(default_factory=list)
    unmanaged: list[AttachmentKey] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    owned_live: int = 0


def plan(
    desired: Desired, live: Live, policy: Policy, can: Capabilities, circumstances: Circumstances
) -> Plan:
    """Compare what is desired with what is live; the same inputs give the same plan.

    Raises nothing: whatever stands in the way is a finding of the plan.
    """
    return plan_on(ground(desired, live, policy, can, circumstances))


def plan_on(on: Ground) -> Plan:
    """Give the plan of a ground that is laid already: laying one takes as long as planning."""
    desired, live, circumstances = on.desired, on.live, on.circumstances
    draft = _drafted(on)
    known = accepted(_paired(draft.changes, on), on)
    changes = guards.guarded(forced(known.changes, on), on)
    chosen, dropped = selected(changes, live.scope, circumstances)
    narrow = narrowed(chosen, on)
    dropped += narrow.dropped
    chosen = guards.fitted(narrow.chosen, dropped, on)
    whole = guards.judged(chosen, on, draft.owned_live)
    if whole.refusals:
        chosen = [_refused(change, whole.refusals[0]) for change in chosen]
    chosen = [replace(change, precondition=precondition(change, on)) for change in chosen]
    final = with_needs(with_errands(chosen, on), on)
    refused = (*desired.entry_findings, *_blind(on), *narrow.findings)
    told = (*whole.refusals, *whole.asked, *refused, *draft.findings, *known.findings)
    return Plan(
        scope=live.scope,
        changes=final,
        kept=tuple(draft.kept),
        accepted=known.accepted,
        unmanaged=on.named(draft.unmanaged),
        released=_released(on),
        owned=_without(draft.wanted, _missing(known.accepted)),
        protected=guards.to_protect(final, on),
        owed=owed(on),
        findings=_findings(final, (*told, *_warnings(final, on))),
        matched=matched(on),
        refused_entries=len(refused),
        refusals=whole.refusals,
        to_type=whole.to_type,
        unselected=len(dropped),
        already=narrow.already,
        read_as=read_as(on),
        named_to_force=named_to_force(on),
    )


def _drafted(on: Ground) -> _Draft:
    parts = on.parts
    # A listing comes sorted, or nearly: nothing here is sorted from scratch.
    wanted = sorted([*parts.plain, *parts.other, *parts.unseen])
    draft = _Draft(wanted=wanted, kept=list(parts.plain), owned_live=len(parts.plain))
    for key in sorted([*parts.other, *parts.unwanted, *parts.unseen]):
        _place(key, on, draft)
    draft.kept.sort()
    for key in sorted(on.desired.absent.keys() & on.live.observed.keys()):
        if on.boot(key):
            draft.changes.append(_change(Action.DETACH, key, on, "listed under `absent:`"))
    draft.changes.sort(key=lambda change: change.key)
    return draft


def _place(key: AttachmentKey, on: Ground, draft: _Draft) -> None:
    seen, wish = on.seen(key), on.wish(key)
    if on.boot(key) and wish is not Wish.WANTED:
        return  # A boot volume is never owned: no row takes it, no count has it.
    mine = wish in {Wish.WANTED, Wish.UNWANTED}
    draft.owned_live += mine and seen not in {Seen.NOWHERE, Seen.FOREIGN} and not on.boot(key)
    if mine and on.in_motion(key) and seen is not Seen.FOREIGN:
        draft.changes.append(_waiting(key, on, wish))
        return
    decision = DECISIONS[seen, wish]
    if decision is Decision.KEEP:
        _keep(key, on, draft)
    elif decision is Decision.LEAVE:
        draft.unmanaged += [key] * (on.circumstances.unmanaged is not Unmanaged.IGNORE)
    elif decision is Decision.FOREIGN:
        draft.findings.append(_foreign(key, on))
    elif decision is not Decision.NOTHING:
        draft.changes.append(_decided(decision, key, on, wish))


def _decided(decision: Decision, key: AttachmentKey, on: Ground, wish: Wish) -> Change:
    match decision:
        case Decision.ATTACH:
            undone = on.circumstances.undoes
            why = "the run took it away" if undone else "wanted and not attached"
            return _change(Action.ATTACH, key, on, why)
        case Decision.DETACH:
            action = Action.DETACH if on.can.detach_keeps_data else Action.DESTROY
            return _change(action, key, on, NOBODYS if wish is Wish.STRAY else _why(key, on))
        case Decision.PUZZLE:
            return _puzzle(key, on)
        case _:
            assert decision is Decision.STALE
            return _stale(key, on, wish)


def _keep(key: AttachmentKey, on: Ground, draft: _Draft) -> None:
    wanted = on.desired.wanted[key].attachment
    if on.boot(key):
        draft.changes.append(_change(Action.KEEP, key, on, "a boot volume"))
        return
    before = _before(key, on)
    assert before is not None
    found = differences(before, wanted)
    if before.device is not None and any(update.attribute == "device" for update in found):
        draft.findings.append(_other_device(key, on, before.device))
    updates = tuple(update for update in found if update.attribute != "device")
    if updates:
        change = _change(Action.UPDATE, key, on, "set otherwise")
        draft.changes.append(replace(change, updates=updates))
    else:
        draft.kept.append(key)


def _before(key: AttachmentKey, on: Ground) -> Attachment | None:
    observed = on.live.observed.get(key)
    if observed is None:
        return None
    return Attachment(
        key=key, device=observed.device, delete_on_termination=observed.delete_on_termination
    )


def _change(action: Action, key: AttachmentKey, on: Ground, reason: str) -> Change:
    wanted = on.desired.wanted.get(key)
    return Change(
        action=action,
        key=key,
        name=on.name(key),
        reason=reason,
        wanted=wanted.attachment if wanted else None,
        before=_before(key, on),
        updates=_after_attach(wanted.attachment) if wanted and action is Action.ATTACH else (),
        place=wanted.place if wanted else on.desired.absent.get(key),
    )


def _after_attach(wanted: Attachment) -> tuple[Update, ...]:
    """Give what an attach leaves to be set: a volume attached later isn't deleted by default."""
    fresh = Attachment(key=wanted.key, delete_on_termination=False)
    return differences(fresh, structs.replace(wanted, device=None))


def _why(key: AttachmentKey, on: Ground) -> str:
    if key in on.desired.absent:
        return "the run put it there" if on.circumstances.undoes else "listed under `absent:`"
    return "its row is owned and doesn't list it"


def _waiting(key: AttachmentKey, on: Ground, wish: Wish) -> Change:
    change = _change(Action.KEEP, key, on, "the cloud is at work on it")
    volume = on.live.volumes.get(key.volume_id)
    finding = Finding(
        code="in-motion",
        summary=f"volume `{change.name.volume}` is "
        f"`{(volume.status_text if volume else '') or 'in motion'}`",
        hint="wait until the cloud is done, then plan again",
        severity=Severity.WARNING,
        place=change.place,
        scope=key.scope,
    )
    action = Action.KEEP if wish is Wish.WANTED else Action.DETACH
    return replace(change, action=action, standing=Standing.IN_MOTION, refusals=(finding,))


def _puzzle(key: AttachmentKey, on: Ground) -> Change:
    change = _change(Action.KEEP, key, on, "the views disagree")
    finding = Finding(
        code="views-disagree",
        summary=f"server `{change.name.server}` has volume `{change.name.volume}`, "
        "its storage record doesn't",
        hint="wait and plan again; if it stays, open a ticket with both ids",
        severity=Severity.WARNING,
        place=change.place,
        scope=key.scope,
    )
    return replace(change, standing=Standing.UNKNOWN, refusals=(finding,))


def _stale(key: AttachmentKey, on: Ground, wish: Wish) -> Change:
    action = Action.ATTACH if wish is Wish.WANTED else Action.DETACH
    change = _change(action, key, on, "only the storage record has it")
    return _refused(change, guards.storage_only(key, on))


def _blind(on: Ground) -> Iterator[Finding]:
    """Give a finding for every owned server of which nobody tells what is attached to it."""
    for (side, row_id), entry in on.desired.rows.items():
        server = on.live.servers.get(row_id) if side is Side.SERVER else None
        if server is not None and not server.attachments_known:
            yield Finding(
                code="attachments-unknown",
                summary=f"the cloud doesn't say what is attached to server `{server.name}`",
                hint="plan again later; if it stays, this server can't be managed here",
                place=entry.owner.place,
                scope=on.live.scope,
            )


def _foreign(key: AttachmentKey, on: Ground) -> Finding:
    return Finding(
        code="foreign",
        summary=f"volume `{on.name(key).volume}` is on server `{key.server_id}`, "
        "which this account can't see",
        hint="leave it: it may belong to ModelArts, bare metal or another enterprise project",
        severity=Severity.NOTE,
        scope=key.scope,
    )


def _other_device(key: AttachmentKey, on: Ground, device: str | None) -> Finding:
    wanted = on.desired.wanted[key]
    return Finding(
        code="device-differs",
        summary=f"`{on.name(key).volume}` is `{device or 'unknown'}` on `{on.name(key).server}`, "
        f"`{wanted.attachment.device}` is asked for",
        hint="write the device that is there: a device is asked for when attaching and never moved",
        severity=Severity.WARNING,
        place=wanted.place,
        scope=key.scope,
    )


def _paired(changes: Sequence[Change], on: Ground) -> list[Change]:
    """Make one move of the attach and the only detach of a volume that can't be shared."""
    leaving: dict[str, list[Change]] = {}
    arriving: dict[str, list[Change]] = {}
    for change in changes:
        if change.standing is Standing.PERMITTED and not on.shareable(change.key.volume_id):
            side = {Action.ATTACH: arriving, Action.DETACH: leaving}.get(change.action)
            if side is not None:
                side.setdefault(change.key.volume_id, []).append(change)
    moved: dict[AttachmentKey, Change | None] = {}
    for volume_id, arrivals in arriving.items():
        leaves = leaving.get(volume_id, [])
        if len(arrivals) == len(leaves) == len(on.holders.of(volume_id)) == 1:
            moved[leaves[0].key] = None
            moved[arrivals[0].key] = _move(arrivals[0], leaves[0], on)
    return [new for old in changes if (new := moved.get(old.key, old)) is not None]


def _move(arrival: Change, leave: Change, on: Ground) -> Change:
    why = f"there {NOBODYS}" if on.wish(leave.key) is Wish.STRAY else "its old place is owned"
    undone = "the run took it from here"
    return replace(
        arrival,
        action=Action.MOVE,
        reason=undone if on.circumstances.undoes else f"wanted here, and {why}",
        source=leave.key,
        source_server=leave.name.server,
        before=leave.before,
    )


def _refused(change: Change, finding: Finding) -> Change:
    if change.standing is not Standing.PERMITTED:
        return change
    return replace(change, standing=Standing.REFUSED, refusals=(finding,))


def _missing(drift: Iterable[AcceptedDrift]) -> frozenset[AttachmentKey]:
    """Give the wanted attachments that are accepted as missing: nothing made them ours."""
    return frozenset(key for one in drift if (key := one.change.arrives) is not None)


def _without(
    keys: Iterable[AttachmentKey], these: frozenset[AttachmentKey]
) -> tuple[AttachmentKey, ...]:
    return tuple(key for key in keys if key not in these) if these else tuple(keys)


def _released(on: Ground) -> tuple[NamedAttachment, ...]:
    rows = on.circumstances.applied or frozenset()
    keys = (
        (row, AttachmentKey(on.live.scope, row.server_id, row.volume_id)) for row in sorted(rows)
    )
    return tuple(
        row for row, key in keys if key in on.live.observed and on.wish(key) is Wish.UNOWNED
    )


def _warnings(changes: Sequence[Change], on: Ground) -> Iterator[Finding]:
    yield from guards.warnings(changes, on)
    yield from guards.loosened(on)
    yield from guards.left(on)
    for errand in owed(on):
        yield still_owed(errand, on.circumstances.owed[errand.key], on)


def _findings(changes: Sequence[Change], others: Sequence[Finding]) -> tuple[Finding, ...]:
    def told() -> Iterator[Finding]:
        yield from others
        for change in changes:
            yield from change.refusals

    return tuple(sorted(set(told()), key=lambda finding: finding.order))
