"""What ModelArts shows of servers, volumes and attachments, as values; pure.

1. An unknown status word refuses: it is never guessed to be harmless.
2. A deleted server is left out: it bears no name.
3. A server without `volumes`, or with one that has no id, doesn't say what is attached to it:
   that is unknown, not nothing.
4. What isn't said to be a data disk counts as a boot disk, which nobody touches.
5. Attach and detach are for A3 servers only, and nothing says outright which those are. A
   supernode's server (HPS) is one; BMS was seen to be refused; of all others the API doesn't tell.

Source: ModelArts API reference, "ShowDevServer" (`status`, `category`, `cloud_server.type`),
"AttachDevServerVolume" and "DetachDevServerVolume" (running or stopped; only for A3). That other
statuses refuse, and that HPS means A3, is our reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.attachment import AttachmentKey, Observed, Phase, Sighting, View
from reconciler.model.live import Live, Server, ServerStatus, Volume
from reconciler.providers.talk import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.providers.huawei_modelarts.wire import WireServer, WireVolume

STOPPED = "STOPPED"
STATUSES: Mapping[str, ServerStatus] = {
    "RUNNING": ServerStatus.READY,
    STOPPED: ServerStatus.READY,
    **dict.fromkeys(
        ("CREATING", "STARTING", "STOPPING", "REBOOTING", "CHANGINGOS", "REINSTALLINGOS"),
        ServerStatus.MOVING,
    ),
}
DELETED = "DELETED"
ADDED = "DATA"
SUPERNODE, BARE_METAL = "HPS", "BMS"


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was seen so far, by the cloud's ids; the last row of an id counts."""

    scope: str
    servers: dict[str, Server] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    observed: dict[AttachmentKey, Observed] = field(default_factory=dict)

    def add(self, rows: Iterable[WireServer]) -> None:
        """Take in servers with what is attached to them; deleted ones are left out."""
        for row in rows:
            if row.status == DELETED:
                continue
            known = server(row)
            self.servers[row.id] = known
            for disk in row.volumes or () if known.attachments_known else ():
                self._attached(row.id, disk)

    def live(self, notices: tuple[str, ...], *, complete: bool) -> Live:
        """Give everything that was seen, sorted."""
        return Live(
            scope=self.scope,
            views=(View.COMPUTE,),
            servers=dict(sorted(self.servers.items())),
            volumes=dict(sorted(self.volumes.items())),
            observed=dict(sorted(self.observed.items())),
            notices=notices,
            shows_free=False,
            complete=complete,
        )

    def _attached(self, server_id: str, row: WireVolume) -> None:
        key = AttachmentKey(self.scope, server_id, row.evs_id)
        boot = row.type != ADDED
        sighting = Sighting(phase=Phase.ATTACHED, boot=boot)
        self.observed[key] = Observed(key=key, sightings={View.COMPUTE: sighting})
        before = self.volumes.get(row.evs_id)
        self.volumes[row.evs_id] = Volume(
            volume_id=row.evs_id,
            name=row.evs_id,
            size_gib=row.size,
            boot=boot or (before is not None and before.boot),
        )


def server(row: WireServer) -> Server:
    """Give a server as it may be planned with."""
    return Server(
        server_id=row.id,
        name=row.name,
        status=STATUSES.get(row.status, ServerStatus.REFUSING),
        status_text=row.status,
        running=row.status != STOPPED,
        barred=barred(row),
        attachments_known=row.volumes is not None and all(disk.evs_id for disk in row.volumes),
    )


def barred(row: WireServer) -> str:
    """Give why ModelArts attaches nothing to a server; empty where it does."""
    below = row.cloud_server.type if row.cloud_server is not None else ""
    words = (below, row.category)
    if BARE_METAL in words:
        return "is of the type BMS, which ModelArts neither attaches volumes to nor detaches from"
    if SUPERNODE in words:
        return ""
    said = ", ".join(f"`{clean(word)}`" for word in words if word) or "nothing"
    return f"isn't said by the API to be a supernode's: of its type it says {said}"
