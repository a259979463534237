"""Guards of the change's level: each looks at one change and refuses it, with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.capabilities import SetBy
from reconciler.model.declared import Side
from reconciler.model.finding import Finding, Severity
from reconciler.model.live import ServerStatus, VolumeStatus
from reconciler.model.plan import Action, Standing
from reconciler.model.policy import WhenRunning
from reconciler.planning.ground import Seen, Wish
from reconciler.planning.guards.memory import protected
from reconciler.planning.remembering import when_running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Server
    from reconciler.model.plan import Change
    from reconciler.planning.ground import Ground

    Guard = Callable[[Change, Ground], Iterator[Finding]]


def guarded(changes: Sequence[Change], on: Ground) -> list[Change]:
    """Run every guard over every permitted change; what one of them stops is refused."""
    wanted = _wanted_places({change.key.volume_id for change in changes}, on)
    return [_checked(change, on, wanted) for change in changes]


def warnings(changes: Sequence[Change], on: Ground) -> Iterator[Finding]:
    """Give what is to be told of changes that are made all the same."""
    warns = when_running(on.policy, on.can) is WhenRunning.WARN
    for change in changes:
        if warns and change.standing is Standing.PERMITTED:
            found = _guest(change, on)
            yield from (replace(finding, severity=Severity.WARNING) for finding in found)


def _checked(change: Change, on: Ground, wanted: dict[str, list[AttachmentKey]]) -> Change:
    if change.standing is not Standing.PERMITTED:
        return change
    found = [finding for guard in GUARDS for finding in guard(change, on)]
    found += _not_shareable(change, on, wanted.get(change.key.volume_id, []))
    passing = tuple(_passing(change, on))
    if found:
        return replace(change, standing=Standing.REFUSED, refusals=(*found, *passing))
    if passing:
        return replace(change, standing=Standing.IN_MOTION, refusals=passing)
    return change


def _wanted_places(volume_ids: AbstractSet[str], on: Ground) -> dict[str, list[AttachmentKey]]:
    """Give the wanted keys of those volumes that can't be shared and are wanted more than once."""
    places: dict[str, list[AttachmentKey]] = {i: [] for i in volume_ids if not on.shareable(i)}
    for key in sorted(key for key in on.desired.wanted if key.volume_id in places):
        places[key.volume_id].append(key)
    return {volume_id: keys for volume_id, keys in places.items() if len(keys) > 1}


def _finding(change: Change, code: str, summary: str, hint: str) -> Finding:
    return Finding(
        code=code, summary=summary, hint=hint, place=change.place, scope=change.key.scope
    )


def _boot(change: Change, on: Ground) -> Iterator[Finding]:
    if on.boot(change.key) or (change.source is not None and on.boot(change.source)):
        yield _finding(
            change,
            "boot-volume",
            f"`{change.name.volume}` is a boot volume: it is never owned",
            "take it out of the manifests; what a server boots from stays with it",
        )


def _held(change: Change, on: Ground) -> Iterator[Finding]:
    rows = [(Side.SERVER, change.key.server_id), (Side.VOLUME, change.key.volume_id)]
    if change.source is not None:
        rows.append((Side.SERVER, change.source.server_id))
    for row in rows:
        if row in on.desired.held:
            why = on.desired.held[row]
            yield _finding(
                change,
                "entry-refused",
                f"the entry that owns or lists it is refused (`{why.code}`): {why.summary}",
                f"mend {why.place} first",
            )
            return


def _cannot(change: Change, on: Ground) -> Iterator[Finding]:
    if change.arrives is not None and not on.can.attach:
        yield _finding(
            change,
            "cannot-attach",
            "this cloud can't attach an existing volume, it only creates new ones with a server",
            "create it in the console and list it then, or take the line out of the manifests",
        )


def _destroy(change: Change, on: Ground) -> Iterator[Finding]:
    if change.action is not Action.DESTROY:
        return
    volume = change.name.volume
    wanted = [key for key in on.desired.wanted if key.volume_id == change.key.volume_id]
    if wanted:
        yield replace(
            _finding(
                change,
                "destroy-not-allowed",
                f"`{volume}` is wanted on `{on.name(min(wanted)).server}`, and taking it from "
                f"`{change.name.server}` would delete it for good: nothing moves it",
                "take its line out of `absent:`, or the one that wants it",
            ),
            also=tuple(on.desired.wanted[key].place for key in sorted(wanted)),
        )
    elif not on.policy.allow_destroy:
        yield _finding(
            change,
            "destroy-not-allowed",
            f"taking `{volume}` from `{change.name.server}` would delete it for good, and no "
            "policy of this scope allows that",
            f"write `allowDestroy: true` in a Policy with `scopes: [{change.key.scope}]`, or take "
            "the line out of `absent:`",
        )
    elif not _agreed(change, on):
        yield _finding(
            change,
            "destroy-not-acknowledged",
            f"`{volume}` would be deleted for good, and nobody agreed to lose it by name",
            f"say `--ack-destroy {change.key.volume_id}`, or type its name when asked",
        )


def _agreed(change: Change, on: Ground) -> bool:
    """Tell whether a person named this very volume; a name that several bear names none."""
    said = on.circumstances.destroys
    if said is None or change.key.volume_id in said:
        return True
    bearers = {
        key.volume_id for key in on.desired.absent if on.name(key).volume == change.name.volume
    }
    # What is another volume's id names that one.
    named = change.name.volume in said and change.name.volume not in on.live.volumes
    return named and len(bearers) == 1


def _force(change: Change, on: Ground) -> Iterator[Finding]:
    if not change.forced:
        return
    volume, server = change.name.volume, change.source_server or change.name.server
    if not on.can.force:
        yield _finding(
            change,
            "force-not-possible",
            f"`{volume}` shall leave `{server}` by force, and this cloud has no forced detach",
            "take `--force-detach` out: stop the server, or have its guest let go",
        )
    elif not on.policy.force_detach:
        yield _finding(
            change,
            "force-not-allowed",
            f"`{volume}` shall leave `{server}` by force, and no policy of this scope allows that",
            f"write `forceDetach: ask` in a Policy with `scopes: [{change.key.scope}]`",
        )


def _barred(change: Change, on: Ground) -> Iterator[Finding]:
    for key in (change.key, change.source):
        server = on.live.servers.get(key.server_id) if key is not None else None
        if server is not None and server.barred:
            yield _finding(
                change,
                "server-barred",
                f"server `{server.name}` {server.barred}",
                "take the line out of the manifests: nothing is attached or detached there",
            )


def _unsettled(change: Change, on: Ground) -> Iterator[Finding]:
    busy = {key.server_id for key in on.circumstances.unsettled}
    for key in (change.key, change.source):
        if key is not None and key.server_id in busy:
            yield _finding(
                change,
                "unsettled",
                f"a call of an earlier run on server `{on.name(key).server}` has no known end yet",
                "apply again later: one call at a time is made on a server",
            )


def _unknown_attachments(change: Change, on: Ground) -> Iterator[Finding]:
    server = on.live.servers.get(change.key.server_id)
    if change.arrives is not None and server is not None and not server.attachments_known:
        yield _finding(
            change,
            "attachments-unknown",
            f"the cloud doesn't say what is attached to server `{server.name}`",
            "plan again later: it may be attached already",
        )


def _guest_holds(change: Change, on: Ground) -> Iterator[Finding]:
    if when_running(on.policy, on.can) is WhenRunning.REQUIRE:
        yield from _guest(change, on)


def _guest(change: Change, on: Ground) -> Iterator[Finding]:
    key = change.leaves
    server = on.live.servers.get(key.server_id) if key is not None else None
    asked = change.forced or on.policy.guest_release is not None  # By a person, or by a hook.
    if server is not None and server.running and not asked:
        yield _finding(
            change,
            "guest-release",
            f"server `{server.name}` is running, and nothing tells that its guest let go of "
            f"`{change.name.volume}`",
            "stop the server, name a hook in `guestRelease` of the Policy, or unmount the volume "
            "in its guest and write `whenRunning: warn` there",
        )


def _not_shareable(change: Change, on: Ground, places: list[AttachmentKey]) -> Iterator[Finding]:
    # A detach waits too: the volume would leave its server and arrive nowhere.
    if not places or (change.arrives is None and change.leaves is None):
        return
    servers = ", ".join(f"`{on.name(key).server}`" for key in places)
    also = (on.desired.wanted[key].place for key in places if key != change.key)
    yield replace(
        _finding(
            change,
            "not-shareable",
            f"`{change.name.volume}` can't be shared and is wanted on {len(places)} servers: "
            f"{servers}",
            "keep one of the lines, or make a shareable volume",
        ),
        also=tuple(also),
    )


def _held_elsewhere(change: Change, on: Ground) -> Iterator[Finding]:
    if change.action is not Action.ATTACH or not on.can.attach:
        return
    shareable = on.shareable(change.key.volume_id)
    for observed in on.holders.of(change.key.volume_id):
        # A stale record makes storage's word about the whole volume doubtful, shared or not.
        if on.seen(observed.key) is Seen.STORAGE_ONLY:
            yield storage_only(observed.key, on)
        elif not shareable and observed.key not in on.desired.wanted:
            yield from _holder(change, observed.key, on)


def _holder(change: Change, holder: AttachmentKey, on: Ground) -> Iterator[Finding]:
    seen, wish, server = on.seen(holder), on.wish(holder), on.name(holder).server
    volume = change.name.volume
    if seen is Seen.FOREIGN:
        yield _finding(
            change,
            "held-by-foreign",
            f"`{volume}` is on server `{holder.server_id}`, which this account can't see",
            "have its owner let go of it; it is never taken from there",
        )
    elif wish is Wish.UNOWNED:
        yield _finding(
            change,
            "held-by-unmanaged",
            f"`{volume}` can't be shared and is on `{server}`, which no entry owns",
            f"add an entry `{server}` under `servers:`, or `{volume}` under `volumes:`, to move it",
        )
    elif wish is Wish.KEPT:
        rows = ((Side.SERVER, holder.server_id), (Side.VOLUME, holder.volume_id))
        entries = [entry for row in rows if (entry := on.desired.rows.get(row)) is not None]
        yield replace(
            _finding(
                change,
                "held-by-kept",
                f"`{volume}` can't be shared and is on `{server}`, where `others: keep` leaves it",
                f"list `{volume}` under `absent:` of that entry to let it go",
            ),
            also=tuple(entry.owner.place for entry in entries if entry.keeps_others),
        )


def storage_only(key: AttachmentKey, on: Ground) -> Finding:
    """Give the refusal of what only the storage record has: never a detach, never an attach."""
    name = on.name(key)
    wanted = on.desired.wanted.get(key)
    return Finding(
        code="storage-only",
        summary=f"storage says that `{name.volume}` is on `{name.server}`, "
        "the server itself doesn't have it",
        hint="look at the volume in the console: its record is stale, or a change is under way",
        place=wanted.place if wanted else None,
        scope=key.scope,
    )


def _volume_status(change: Change, on: Ground) -> Iterator[Finding]:
    volume = on.live.volumes.get(change.key.volume_id)
    if volume is None or change.action is Action.UPDATE or volume.status is VolumeStatus.READY:
        return
    later = volume.status is VolumeStatus.BUSY
    yield _finding(
        change,
        "volume-status",
        f"volume `{change.name.volume}` is `{volume.status_text}`",
        "wait until it is done, then plan again" if later else "bring the volume in order first",
    )


def _server_status(change: Change, on: Ground) -> Iterator[Finding]:
    for server in _servers_that(change, on, ServerStatus.REFUSING):
        yield _finding(
            change,
            "server-status",
            f"server `{server.name}` is `{server.status_text}`",
            "bring the server in order first",
        )


def _passing(change: Change, on: Ground) -> Iterator[Finding]:
    """Give what is in the way and passes by itself: a server that reboots or resizes."""
    for server in _servers_that(change, on, ServerStatus.MOVING):
        finding = _finding(
            change,
            "server-status",
            f"server `{server.name}` is `{server.status_text}`, which passes",
            "wait until it rests, then plan again: `apply` waits up to the step's deadline",
        )
        yield replace(finding, severity=Severity.WARNING)


def _servers_that(change: Change, on: Ground, status: ServerStatus) -> Iterator[Server]:
    if change.action is not Action.UPDATE:
        for key in (change.key, change.source):
            server = on.live.servers.get(key.server_id) if key is not None else None
            if server is not None and server.status is status:
                yield server


def _other_zone(change: Change, on: Ground) -> Iterator[Finding]:
    server = on.live.servers.get(change.key.server_id)
    volume = on.live.volumes.get(change.key.volume_id)
    if change.arrives is None or server is None or volume is None:
        return
    if server.zone and volume.zone and server.zone != volume.zone:
        yield _finding(
            change,
            "other-zone",
            f"volume `{volume.name}` is in zone `{volume.zone}`, "
            f"server `{server.name}` in `{server.zone}`",
            "choose a server of the volume's zone",
        )


def _fixed_attribute(change: Change, on: Ground) -> Iterator[Finding]:
    if not change.updates:
        return
    volume = on.live.volumes.get(change.key.volume_id)
    why = None
    can_when_shared = on.can.delete_on_termination_of_shared
    if on.can.delete_on_termination is SetBy.NEVER:
        why = "this cloud can't set it"
    elif volume is not None and volume.shareable and not can_when_shared:
        why = "the cloud refuses it for volumes that can be shared"
    elif volume is not None and volume.prepaid:
        why = "the cloud refuses it for yearly and monthly volumes"
    if why:
        yield _finding(
            change,
            "fixed-attribute",
            f"`deleteOnTermination` of `{change.name.volume}` can't be changed: {why}",
            "take `deleteOnTermination` out of the line",
        )


GUARDS: tuple[Guard, ...] = (
    _boot,
    protected,
    _held,
    _cannot,
    _destroy,
    _force,
    _barred,
    _unsettled,
    _unknown_attachments,
    _guest_holds,
    _held_elsewhere,
    _volume_status,
    _server_status,
    _other_zone,
    _fixed_attribute,
)
