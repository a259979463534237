"""What Virtual Server shows of servers, volumes and attachments, as values; pure.

1. A volume's state is free text: it is read in lower case with `-` for `_` and blanks; `error...`
   refuses, and a word that nobody documented is busy.
2. Which volume a server boots from is told by the device in the storage view alone; a bootable
   volume may well be somebody's data, and where no device is told it counts as one to boot from.
3. A volume that can be on several servers has one state for all of them: it doesn't say which one
   comes or goes.

Source: terraform-provider-samsungcloudplatformv2 4.2.0, descriptions of `state`, and its rule for
the boot volume; the console's user guide for the other states, whose spelling in the API is
unverified.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.attachment import AttachmentKey, Observed, Phase, Sighting, View
from reconciler.model.live import ANY_BUS, Live, Server, ServerStatus, Volume, VolumeStatus
from reconciler.providers.marks import owner_marks
from reconciler.providers.samsung_virtualserver import BESIDE_BOOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.providers.samsung_virtualserver.wire import (
        WireHolder,
        WireServer,
        WireVolume,
    )

RUNNING, STOPPED, FAILED = "ACTIVE", "SHUTOFF", "ERROR"
SERVERS: Mapping[str, ServerStatus] = {
    RUNNING: ServerStatus.READY,
    STOPPED: ServerStatus.READY,
    FAILED: ServerStatus.REFUSING,
}
VOLUMES: Mapping[str, VolumeStatus] = {
    "available": VolumeStatus.READY,
    "in-use": VolumeStatus.READY,
    "reserved": VolumeStatus.MOVING,
    "attaching": VolumeStatus.MOVING,
    "detaching": VolumeStatus.MOVING,
    "deleting": VolumeStatus.REFUSING,
}
"""Every other word is busy: the documented ones (creating, downloading, extending, backing-up,
restoring-backup, reverting, maintenance, awaiting-transfer) and whatever is new."""
PHASES: Mapping[str, Phase] = {
    "reserved": Phase.ATTACHING,
    "attaching": Phase.ATTACHING,
    "detaching": Phase.DETACHING,
}
BOOT_DEVICES = frozenset({"/dev/vda", "/dev/sda"})
KUBERNETES = "container"
BARRED = "is a node of Kubernetes: its own controller attaches its volumes"
MAX_NAMED = 5
"""Names in one notice; more of them tell nobody more."""


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was seen so far, by the cloud's ids; the last row of an id counts."""

    scope: str
    whole: bool
    """True where every volume was asked for: then each boot volume shows its device."""
    server_rows: dict[str, WireServer] = field(default_factory=dict)
    volume_rows: dict[str, WireVolume] = field(default_factory=dict)

    def add_servers(self, rows: Iterable[WireServer]) -> None:
        """Take in what compute shows."""
        self.server_rows |= {row.id: row for row in rows}

    def add_volumes(self, rows: Iterable[WireVolume]) -> None:
        """Take in what storage shows."""
        self.volume_rows |= {row.id: row for row in rows}

    def live(self, doubts: tuple[str, ...] = (), notices: tuple[str, ...] = ()) -> Live:
        """Give the picture; any doubt means that rows may be missing from it."""
        observed = self._observed()
        return Live(
            scope=self.scope,
            views=(View.COMPUTE, View.STORAGE),
            servers=self._servers(observed.values()),
            volumes={row_id: volume(row) for row_id, row in sorted(self.volume_rows.items())},
            observed=observed,
            notices=(*doubts, *notices, *self._notices()),
            complete=not doubts,
        )

    def _servers(self, observed: Iterable[Observed]) -> Mapping[str, Server]:
        disks: dict[str, int] = defaultdict(int)
        boots: dict[str, int] = defaultdict(int)
        for seen in observed:
            disks[seen.key.server_id] += 1
            boots[seen.key.server_id] += seen.boot
        # A look doesn't show the devices of volumes that weren't asked for: one of them boots.
        at_least = 0 if self.whole else 1
        return {
            server_id: server(row, disks[server_id] - max(boots[server_id], at_least))
            for server_id, row in sorted(self.server_rows.items())
        }

    def _observed(self) -> Mapping[AttachmentKey, Observed]:
        found: dict[AttachmentKey, dict[View, Sighting]] = defaultdict(dict)
        boots = {key for key, row, holder in self._held() if _boots(row, holder)}
        for server_row in self.server_rows.values():
            for disk in server_row.volumes or ():
                key = AttachmentKey(self.scope, server_row.id, disk.id)
                found[key][View.COMPUTE] = Sighting(
                    phase=Phase.ATTACHED,
                    delete_on_termination=disk.delete_on_termination,
                    boot=key in boots,
                )
        for key, row, holder in self._held():
            device = holder.device or None
            sighting = Sighting(phase=_phase(row), device=device, boot=key in boots)
            found[key][View.STORAGE] = sighting
        # Nobody could ask for an attachment without an id.
        whole = sorted(key for key in found if key.server_id and key.volume_id)
        return {key: Observed(key=key, sightings=found[key]) for key in whole}

    def _held(self) -> Iterator[tuple[AttachmentKey, WireVolume, WireHolder]]:
        for row in self.volume_rows.values():
            for holder in row.servers:
                yield AttachmentKey(self.scope, holder.id, row.id), row, holder

    def _notices(self) -> tuple[str, ...]:
        # What such a group does to attachments is unverified: the vendor's tests leave them out.
        scaled = [row.name or row.id for row in self.server_rows.values() if row.group_id]
        strange = [
            row.name or row.id
            for _, row, holder in self._held()
            if row.bootable and not _boots(row, holder)
        ]
        told = (
            (scaled, "in an auto-scaling group, which may limit what is attached"),
            (strange, "bootable and attached as data: not protected as a boot volume"),
        )
        return tuple(f"{words}: {_named(names)}" for names, words in told if names)


def server(row: WireServer, beside_boot: int) -> Server:
    """Give a server as it may be planned with."""
    word = row.state.strip().upper()
    known = row.volumes is not None
    return Server(
        server_id=row.id,
        name=row.name,
        status=SERVERS.get(word, ServerStatus.MOVING),
        status_text=row.state,
        # What a lock means for attachments isn't documented: it stops no change here.
        locked=row.locked is True,
        running=word != STOPPED,
        barred=BARRED if row.category.strip().lower() == KUBERNETES else "",
        attachments_known=known,
        zone=row.zone or None,
        free_slots={ANY_BUS: max(0, BESIDE_BOOT - max(0, beside_boot))} if known else None,
    )


def volume(row: WireVolume) -> Volume:
    """Give a volume as it may be planned with."""
    word = _word(row.state)
    status = VOLUMES.get(word, VolumeStatus.BUSY)
    return Volume(
        volume_id=row.id,
        name=row.name,
        size_gib=row.size,
        status=VolumeStatus.REFUSING if word.startswith("error") else status,
        status_text=row.state,
        shareable=row.multiattach is True,
        boot=any(_boots(row, holder) for holder in row.servers),
        zone=row.zone or None,
        owner_marks=owner_marks(row.name),
    )


def _boots(row: WireVolume, holder: WireHolder) -> bool:
    """Tell whether a server boots from a volume; where it has no device yet, that it may counts."""
    return holder.device in BOOT_DEVICES or (row.bootable is True and not holder.device)


def _word(text: str) -> str:
    return text.strip().lower().replace("_", "-").replace(" ", "-")


def _phase(row: WireVolume) -> Phase:
    return Phase.ATTACHED if row.multiattach else PHASES.get(_word(row.state), Phase.ATTACHED)


def _named(names: list[str]) -> str:
    first = ", ".join(f"`{name}`" for name in sorted(names)[:MAX_NAMED])
    return f"{first} and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else first
