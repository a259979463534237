"""What a planner stands on: desired, live and circumstances, with the indices both need."""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter, itemgetter
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Everything a guard may look at."""

    desired: Desired
    live: Live
    policy: Policy
    can: Capabilities
    circumstances: Circumstances
    holders: Mapping[str, tuple[Observed, ...]] = field(default_factory=dict)
    """Attachments by volume id, sorted by key; volumes on no server are absent."""
    disks: Mapping[str, int] = field(default_factory=dict)
    """Disks a server, the boot volume and what only storage shows included."""
    moving: frozenset[str] = frozenset()
    """Volume ids that an attach or a detach is under way for."""
    unseen: frozenset[AttachmentKey] = frozenset()
    """Wanted, and no view shows it."""
    unwanted: frozenset[AttachmentKey] = frozenset()
    """Shown, and not wanted by any line."""
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

    def parted(self) -> tuple[list[AttachmentKey], list[AttachmentKey]]:
        """Give what is as wanted, with nothing to be said of it, and all else that is shown.

        The first is most of most scopes. Both in the order of the listing.
        """
        views, wanted = len(self.live.views), self.desired.wanted
        boots, boot_volumes, moving = self.boots, self.boot_volumes, self.moving
        plain: list[AttachmentKey] = []
        others: list[AttachmentKey] = []
        for key, seen in self.live.observed.items():
            found = (
                (wish := wanted.get(key)) is not None
                and len(seen.sightings) == views
                and wish.attachment.device is None
                and wish.attachment.delete_on_termination is None
                and key not in boots
                and key.volume_id not in boot_volumes
                and key.volume_id not in moving
            )
            (plain if found else others).append(key)
        return plain, others

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
    holders: dict[str, tuple[Observed, ...]] = {}
    for key, one in sorted(live.observed.items(), key=itemgetter(0)):
        first = (one,)
        if (before := holders.setdefault(key.volume_id, first)) is not first:
            holders[key.volume_id] = (*before, one)
    applied = circumstances.applied or ()
    beside = circumstances.protects
    placed = protections(desired, live, circumstances.memories, applied, beside)
    moving, boots = _sighted(live)
    return Ground(
        desired=desired,
        live=live,
        policy=policy,
        can=can,
        circumstances=circumstances,
        holders=holders,
        disks=Counter(map(_SERVER_ID, live.observed)),
        moving=moving | {key.volume_id for key in circumstances.unsettled},
        unseen=frozenset(key for key in desired.wanted if key not in live.observed),
        unwanted=frozenset(key for key in live.observed if key not in desired.wanted),
        boots=boots,
        boot_volumes=frozenset(i for i, volume in live.volumes.items() if volume.boot),
        rebound=frozenset(_rebound(live, circumstances)),
        protected=placed.rows,
        lost=placed.lost,
    )


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
