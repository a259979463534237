"""What a planner stands on: desired, live and circumstances, with the indices both need."""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

from reconciler.model.attachment import Phase, View
from reconciler.model.declared import Side, Unmanaged
from reconciler.model.live import VolumeStatus
from reconciler.model.plan import Name
from reconciler.model.record import NamedAttachment
from reconciler.planning.remembering import protections

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.model.attachment import AttachmentKey, Observed
    from reconciler.model.capabilities import Capabilities
    from reconciler.model.live import Live
    from reconciler.model.plan import Circumstances
    from reconciler.model.policy import Policy
    from reconciler.planning.remembering import Protection
    from reconciler.planning.resolve import Desired


_SERVER_ID = attrgetter("server_id")
UNDER_WAY = frozenset({Phase.ATTACHING, Phase.DETACHING})


class Seen(enum.Enum):
    """What the views say together of one attachment."""

    NOWHERE = "no view shows it"
    AGREED = "every view shows it"
    COMPUTE_ONLY = "compute shows it, storage doesn't"
    STORAGE_ONLY = "storage shows it, its readable server doesn't"
    FOREIGN = "storage shows it on a server that this account can't see"

    __hash__ = object.__hash__
    """That of `Enum` is written in Python, and each attachment is decided by one."""


class Wish(enum.Enum):
    """What the manifests say together of one attachment."""

    WANTED = "wanted"
    UNWANTED = "owned, not wanted"
    KEPT = "left to others by `others: keep`"
    UNOWNED = "nobody's"
    STRAY = "nobody's, and to be taken away"

    __hash__ = object.__hash__
    """As that of `Seen`."""


class Holders:
    """Who has a volume; indexed when it is first asked, and a plan without changes never asks."""

    def __init__(self, observed: Mapping[AttachmentKey, Observed]) -> None:
        self._observed = observed

    def of(self, volume_id: str) -> tuple[Observed, ...]:
        """Give the attachments of a volume, sorted by key; none of what is on no server."""
        return self._index.get(volume_id, ())

    @cached_property
    def _index(self) -> Mapping[str, tuple[Observed, ...]]:
        found: dict[str, tuple[Observed, ...]] = {}
        for key in sorted(self._observed):
            found[key.volume_id] = (*found.get(key.volume_id, ()), self._observed[key])
        return found


@dataclass(frozen=True, slots=True)
class Parts:
    """What is wanted and what is shown, each key in one part; in the order of the listing."""

    plain: list[AttachmentKey] = field(default_factory=list)
    """As wanted, and nothing is to be said of it: most of most scopes."""
    other: list[AttachmentKey] = field(default_factory=list)
    """Wanted and shown, and all else."""
    unwanted: list[AttachmentKey] = field(default_factory=list)
    """Shown, and not wanted by any line."""
    unseen: list[AttachmentKey] = field(default_factory=list)
    """Wanted, and no view shows it; in the order of the manifests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Everything a guard may look at."""

    desired: Desired
    live: Live
    policy: Policy
    can: Capabilities
    circumstances: Circumstances
    parts: Parts
    """What is wanted and what is shown, told apart."""
    holders: Holders
    """Who has a volume."""
    disks: Mapping[str, int] = field(default_factory=dict)
    """Disks a server, the boot volume and what only storage shows included."""
    moving: frozenset[str] = frozenset()
    """Volume ids that an attach or a detach is under way for."""
    boots: frozenset[AttachmentKey] = frozenset()
    """What a view says that a server boots from."""
    boot_volumes: frozenset[str] = frozenset()
    """Volume ids that storage says something boots from."""
    rebound: frozenset[tuple[Side, str]] = frozenset()
    """Names that meant another server or volume at the last apply."""
    protected: Mapping[tuple[Side, str], Protection] = field(default_factory=dict)
    """Rows of which nothing is taken away, by what is said now or was said before."""
    lost: Mapping[Side, tuple[str, ...]] = field(default_factory=dict)
    """Names that a commit protected and that nothing is known by any more, sorted."""

    def seen(self, key: AttachmentKey) -> Seen:
        """Give what the views say of one attachment."""
        observed = self.live.observed.get(key)
        if observed is None:
            return Seen.NOWHERE
        if len(observed.sightings) == len(self.live.views):
            return Seen.AGREED
        if View.COMPUTE in observed.sightings:
            return Seen.COMPUTE_ONLY
        return Seen.STORAGE_ONLY if key.server_id in self.live.servers else Seen.FOREIGN

    def in_motion(self, key: AttachmentKey) -> bool:
        """Tell whether the cloud is at work on the volume, here or elsewhere."""
        return key.volume_id in self.moving

    def boot(self, key: AttachmentKey) -> bool:
        """Tell whether it is a boot volume: never owned, whatever the manifests say."""
        return key in self.boots or key.volume_id in self.boot_volumes

    def shareable(self, volume_id: str) -> bool:
        """Tell whether the volume may be on several servers; unknown volumes may not."""
        volume = self.live.volumes.get(volume_id)
        return volume is not None and volume.shareable

    def wish(self, key: AttachmentKey) -> Wish:
        """Give what the manifests say of one attachment; an explicit line beats a row."""
        if key in self.desired.wanted:
            return Wish.WANTED
        if key in self.desired.absent:
            return Wish.UNWANTED
        rows = ((Side.SERVER, key.server_id), (Side.VOLUME, key.volume_id))
        owners = [entry for row in rows if (entry := self.desired.rows.get(row)) is not None]
        if not owners:
            return Wish.STRAY if self._stray(key) else Wish.UNOWNED
        # Where a detach deletes for good, only a line under `absent:` asks for it.
        if any(entry.keeps_others for entry in owners) or not self.can.detach_keeps_data:
            return Wish.KEPT
        return Wish.UNWANTED

    def _stray(self, key: AttachmentKey) -> bool:
        """Tell whether what nobody owns is taken away: at rest, in every view, of no controller."""
        if self.circumstances.unmanaged is not Unmanaged.DETACH or not self.can.shows_owner_marks:
            return False
        # A refused entry owns a row that nobody can name: then anything may be of it.
        if self.desired.entry_findings or self.in_motion(key) or self.boot(key):
            return False
        known = key.server_id in self.live.servers and key.volume_id in self.live.volumes
        agreed = known and self.seen(key) is Seen.AGREED
        return agreed and self.can.detach_keeps_data and not self.marks(key)

    def marks(self, key: AttachmentKey) -> tuple[str, ...]:
        """Give what tells that another controller has the volume or the server."""
        server = self.live.servers.get(key.server_id)
        volume = self.live.volumes.get(key.volume_id)
        on_server = (*server.owner_marks, server.barred) if server is not None else ()
        on_volume = volume.owner_marks if volume is not None else ()
        return tuple(mark for mark in (*on_volume, *on_server) if mark)

    def name(self, key: AttachmentKey) -> Name:
        """Give what people call the two ends; ids where the cloud tells no name."""
        return Name(server=self.server_name(key.server_id), volume=self.volume_name(key.volume_id))

    def named(self, keys: Iterable[AttachmentKey]) -> tuple[NamedAttachment, ...]:
        """Give attachments with what people call their two ends, in the same order."""
        return tuple(
            NamedAttachment(
                server_id=key.server_id,
                volume_id=key.volume_id,
                server=self.server_name(key.server_id),
                volume=self.volume_name(key.volume_id),
            )
            for key in keys
        )

    def server_name(self, server_id: str) -> str:
        """Give what people call a server; its id where the cloud tells no name."""
        server = self.live.servers.get(server_id)
        return (server.name if server else "") or server_id

    def volume_name(self, volume_id: str) -> str:
        """Give what people call a volume; its id where the cloud tells no name."""
        volume = self.live.volumes.get(volume_id)
        return (volume.name if volume else "") or volume_id


def ground(
    desired: Desired, live: Live, policy: Policy, can: Capabilities, circumstances: Circumstances
) -> Ground:
    """Index the two sides once, in a fixed order."""
    applied = circumstances.applied or ()
    beside = circumstances.protects
    placed = protections(desired, live, circumstances.memories, applied, beside)
    moving, boots = _sighted(live)
    moving |= {key.volume_id for key in circumstances.unsettled}
    boot_volumes = frozenset(i for i, volume in live.volumes.items() if volume.boot)
    return Ground(
        desired=desired,
        live=live,
        policy=policy,
        can=can,
        circumstances=circumstances,
        parts=_parted(desired, live, boots, boot_volumes | moving),
        holders=Holders(live.observed),
        disks=Counter(map(_SERVER_ID, live.observed)),
        moving=moving,
        boots=boots,
        boot_volumes=boot_volumes,
        rebound=frozenset(_rebound(live, circumstances)),
        protected=placed.rows,
        lost=placed.lost,
    )


def _parted(
    desired: Desired, live: Live, boots: frozenset[AttachmentKey], special: frozenset[str]
) -> Parts:
    """Tell apart; of `special` volumes there is always something to say."""
    views, wanted, parts = len(live.views), desired.wanted, Parts()
    for key, seen in live.observed.items():
        wish = wanted.get(key)
        if wish is None:
            parts.unwanted.append(key)
        elif (
            len(seen.sightings) == views
            and wish.attachment.device is None
            and wish.attachment.delete_on_termination is None
            and key not in boots
            and key.volume_id not in special
        ):
            parts.plain.append(key)
        else:
            parts.other.append(key)
    if len(parts.plain) + len(parts.other) < len(wanted):
        parts.unseen.extend(key for key in wanted if key not in live.observed)
    return parts


def _rebound(live: Live, circumstances: Circumstances) -> Iterator[tuple[Side, str]]:
    """Give the names that meant other ids at the last apply than they mean now."""
    before: dict[tuple[Side, str], set[str]] = defaultdict(set)
    for row in circumstances.applied or ():
        before[Side.SERVER, row.server].add(row.server_id)
        before[Side.VOLUME, row.volume].add(row.volume_id)
    for side, text, owner_id in chain.from_iterable(one.bare for one in circumstances.memories):
        before[side, text].add(owner_id)
    if not before:
        return
    now: dict[tuple[Side, str], set[str]] = defaultdict(set)
    for server_id, server in live.servers.items():
        now[Side.SERVER, server.name].add(server_id)
    for volume_id, volume in live.volumes.items():
        now[Side.VOLUME, volume.name].add(volume_id)
    for name, ids in before.items():
        if name in now and not now[name] & ids:
            yield name


def _sighted(live: Live) -> tuple[frozenset[str], frozenset[AttachmentKey]]:
    """Give the volumes that the cloud is at work on, and what servers boot from, in one walk."""
    moving = {i for i, volume in live.volumes.items() if volume.status is VolumeStatus.MOVING}
    boots: set[AttachmentKey] = set()
    for key, observed in live.observed.items():
        for sighting in observed.sightings.values():
            if sighting.phase in UNDER_WAY:
                moving.add(key.volume_id)
            if sighting.boot:
                boots.add(key)
    return frozenset(moving), frozenset(boots)
