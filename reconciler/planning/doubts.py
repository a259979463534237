"""What has to be looked at once more by id before a plan may stand on it, and how a look is merged.

1. Where two views disagree, a listing may have caught a change midway: look.
2. What is in motion, or on a server that is, may have come to rest: look, for a while.
3. What a look doesn't find is gone; what it finds replaces what the listing said.
4. A listing may be behind in both views at once: what a server and a volume say of themselves,
   asked alone, is held against it before a change of them is made.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.attachment import AttachmentKey, Observed, Phase, Sighting, View
from reconciler.model.declared import Side
from reconciler.model.live import ServerStatus, VolumeStatus
from reconciler.planning.ground import Seen, Wish
from reconciler.planning.selection import chosen

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.model.live import Live, Words
    from reconciler.planning.ground import Ground

MOVING = ServerStatus.MOVING


LEAVING = frozenset({Wish.UNWANTED, Wish.STRAY})


def disagreeing(on: Ground) -> tuple[AttachmentKey, ...]:
    """Give the attachments that one view shows and the other, though readable, doesn't; sorted.

    A server that isn't listed may be somebody else's, or a row that the listing lost: where the
    volume is ours to decide about, it is looked at by id as well.
    """
    views = len(on.live.views)
    partly = [key for key, one in on.live.observed.items() if len(one.sightings) < views]
    if not partly:
        return ()
    doubtful = {Seen.COMPUTE_ONLY, Seen.STORAGE_ONLY}
    ours = {key.volume_id for key in on.desired.wanted}
    ours |= {row_id for side, row_id in on.desired.rows if side is Side.VOLUME}
    return tuple(
        key
        for key in sorted(partly)
        if (seen := on.seen(key)) in doubtful or (seen is Seen.FOREIGN and key.volume_id in ours)
    )


def moving(on: Ground) -> tuple[AttachmentKey, ...]:
    """Give the owned attachments, live or wanted, that are in motion; sorted.

    Their volume is, or their server (it reboots) where they would be made or taken away. What an
    earlier call left unsettled isn't among them: that was waited for already. Nor is what a
    selection leaves out or an approval doesn't name: nothing of it is made, wherever it rests.
    """
    mine = {Wish.WANTED, Wish.UNWANTED}
    volumes = on.moving - {key.volume_id for key in on.circumstances.unsettled}
    keys = on.desired.wanted.keys() | on.live.observed.keys() if volumes else ()
    found = {key for key in keys if key.volume_id in volumes and on.wish(key) in mine}
    every = found | _behind_servers(on)
    asked = {key.volume_id for key in every if chosen(key, on)}
    if (approved := on.circumstances.approved) is not None:
        asked &= {one.key.volume_id for one in approved}
    return tuple(sorted(key for key in every if key.volume_id in asked))


def _behind_servers(on: Ground) -> set[AttachmentKey]:
    """Give what waits for a server that is in motion, and where its volumes are meanwhile."""
    moving_servers = {i for i, server in on.live.servers.items() if server.status is MOVING}
    if not moving_servers:
        return set()
    hidden = () if on.live.shows_free else on.desired.wanted
    keys = changing(on).union(key for key in hidden if on.seen(key) is Seen.NOWHERE)
    waits = {key for key in keys if key.server_id in moving_servers}
    # A cloud that shows a volume only on its server is asked for that one too.
    volumes = {key.volume_id for key in waits}
    return waits | {one.key for volume in volumes for one in on.holders.of(volume)}


def merged(live: Live, look: Live, keys: Collection[AttachmentKey]) -> Live:
    """Give `live` with everything about `keys` replaced by what `look` saw.

    `look` speaks for the volumes and servers of `keys` alone; the rest stays as listed.
    """
    asked = set(keys)
    servers = {key.server_id for key in asked}
    volumes = {key.volume_id for key in asked}
    observed = {key: seen for key, seen in live.observed.items() if key not in asked}
    observed |= {key: seen for key, seen in look.observed.items() if key in asked}
    return replace(
        live,
        servers={i: s for i, s in live.servers.items() if i not in servers}
        | {i: s for i, s in look.servers.items() if i in servers},
        volumes={i: v for i, v in live.volumes.items() if i not in volumes}
        | {i: v for i, v in look.volumes.items() if i in volumes},
        observed=observed,
        notices=(*live.notices, *look.notices),
        complete=live.complete and look.complete,
    )


def in_doubt_about_slots(on: Ground) -> tuple[str, ...]:
    """Give the servers that may be too full for what shall come to them, sorted by id."""
    arriving: dict[str, int] = {}
    for key in on.parts.unseen:
        arriving[key.server_id] = arriving.get(key.server_id, 0) + 1
    return tuple(
        server_id
        for server_id, count in sorted(arriving.items())
        if server_id in on.live.servers and on.disks.get(server_id, 0) + count > on.can.sure_slots
    )


def changing(on: Ground) -> frozenset[AttachmentKey]:
    """Give the attachments that would be made or taken away where every row is listed."""
    leaving = {
        key
        for key in on.parts.unwanted
        if on.seen(key) is Seen.AGREED and on.wish(key) in LEAVING and not on.boot(key)
    }
    known = {key for key in on.parts.unseen if key.volume_id in on.live.volumes}
    return frozenset(key for key in known | leaving if key.server_id in on.live.servers)


def with_words(live: Live, words: Words) -> Live:
    """Give `live` with everybody's own word in the place of what the listing said of them."""
    servers = dict(live.servers)
    told: dict[View, dict[AttachmentKey, bool]] = {view: {} for view in View}
    for server_id, word in words.servers.items():
        if word.free_slots is not None and server_id in servers:
            servers[server_id] = replace(servers[server_id], free_slots=word.free_slots)
        if word.volume_ids is not None:
            listed = {key for key in live.observed if key.server_id == server_id}
            has = {AttachmentKey(live.scope, server_id, v) for v in word.volume_ids}
            told[View.COMPUTE] |= {key: key in has for key in listed | has}
    for volume_id, holders in words.volumes.items():
        listed = {key for key in live.observed if key.volume_id == volume_id}
        has = {AttachmentKey(live.scope, server_id, volume_id) for server_id in holders}
        told[View.STORAGE] |= {key: key in has for key in listed | has}
    return replace(live, servers=servers, observed=_corrected(live, told))


def _corrected(
    live: Live, told: Mapping[View, Mapping[AttachmentKey, bool]]
) -> dict[AttachmentKey, Observed]:
    """Give what is observed with each view as it was told anew; what moves is left as it is."""
    observed = dict(live.observed)
    for view, keys in told.items():
        for key, there in sorted(keys.items()):
            volume = live.volumes.get(key.volume_id)
            if volume is not None and volume.status is VolumeStatus.MOVING:
                continue
            before = observed.pop(key, None)
            sightings = dict(before.sightings) if before is not None else {}
            if not there:
                sightings.pop(view, None)
            elif view not in sightings:
                sightings[view] = Sighting(phase=Phase.ATTACHED)
            if sightings:
                observed[key] = Observed(key=key, sightings=sightings)
    return observed
