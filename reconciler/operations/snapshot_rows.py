"""A cut picture as rows of a file and back: the allow-list of what a snapshot may hold.

What isn't a field here gets into no snapshot, whatever a provider learns to tell one day.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import msgspec

from reconciler.model.attachment import AttachmentKey, Observed, Phase, Sighting, View
from reconciler.model.live import LeftOut, Live, Server, ServerStatus, Volume, VolumeStatus
from reconciler.operations.older import cloud_of

if TYPE_CHECKING:
    from reconciler.model.declared import DeclaredScope


class _Row(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A row of a snapshot."""


class ServerRow(_Row):
    """A server; an unnamed one is the other end of an attachment."""

    id: str
    name: str
    end: bool
    status: ServerStatus
    locked: bool
    running: bool
    barred: str
    attachments_known: bool
    zone: str | None
    tags: dict[str, str]
    marks: tuple[str, ...]
    free_slots: dict[str, int] | None


class VolumeRow(_Row):
    """A volume; an unnamed one is the other end of an attachment."""

    id: str
    name: str
    end: bool
    status: VolumeStatus
    shareable: bool
    boot: bool
    zone: str | None
    bus: str
    prepaid: bool
    marks: tuple[str, ...]


class SightingRow(_Row):
    """What one view says of an attachment."""

    phase: Phase
    device: str | None
    delete_on_termination: bool | None
    boot: bool


class AttachmentRow(_Row):
    """An attachment, by view."""

    server: str
    volume: str
    seen: dict[View, SightingRow]


class SelectorRow(_Row):
    """A selector whose servers are all there."""

    tags: dict[str, str]
    names: str | None


class RestRow(_Row):
    """Counts of what isn't there."""

    servers: int
    volumes: int
    attachments: int


class ScopeRow(_Row):
    """One scope."""

    cloud: str
    """The fingerprint of which cloud it is, by what its manifest says."""
    complete: bool
    shows_free: bool
    views: tuple[View, ...]
    servers: tuple[ServerRow, ...]
    volumes: tuple[VolumeRow, ...]
    attachments: tuple[AttachmentRow, ...]
    unseen: tuple[str, ...]
    selectors: tuple[SelectorRow, ...]
    rest: RestRow


class Head(_Row):
    """The first line of a file."""

    attachment_reconciler_snapshot: int
    signature: str


class Body(_Row):
    """The rest of it."""

    version: str
    made_s: float
    """Seconds since 1970."""
    scopes: dict[str, ScopeRow]


def fingerprint(scope: DeclaredScope) -> str:
    """Give which cloud a scope is, so that nobody reads it and everybody can compare it."""
    told = json.dumps([scope.provider, *map(str, cloud_of(scope))])
    return "sha256:" + hashlib.sha256(told.encode()).hexdigest()


def row_of(scope: DeclaredScope, live: Live) -> ScopeRow:
    """Give the row of a picture that was cut."""
    left = live.left_out
    assert left is not None, "a whole listing is never written"
    ordered = sorted(left.selectors, key=lambda one: (sorted(one[0]), one[1] or ""))
    return ScopeRow(
        cloud=fingerprint(scope),
        complete=live.complete,
        shows_free=live.shows_free,
        views=live.views,
        servers=tuple(_server(one, left) for _, one in sorted(live.servers.items())),
        volumes=tuple(_volume(one, left) for _, one in sorted(live.volumes.items())),
        attachments=tuple(_attachment(one) for _, one in sorted(live.observed.items())),
        unseen=tuple(sorted(left.unseen)),
        selectors=tuple(SelectorRow(tags=dict(sorted(t)), names=n) for t, n in ordered),
        rest=RestRow(servers=left.servers, volumes=left.volumes, attachments=left.attachments),
    )


def _server(server: Server, left: LeftOut) -> ServerRow:
    return ServerRow(
        id=server.server_id,
        name=server.name,
        end=server.server_id in left.server_ends,
        status=server.status,
        locked=server.locked,
        running=server.running,
        barred=server.barred,
        attachments_known=server.attachments_known,
        zone=server.zone,
        tags=dict(sorted(server.tags.items())),
        marks=server.owner_marks,
        free_slots=None if server.free_slots is None else dict(sorted(server.free_slots.items())),
    )


def _volume(volume: Volume, left: LeftOut) -> VolumeRow:
    return VolumeRow(
        id=volume.volume_id,
        name=volume.name,
        end=volume.volume_id in left.volume_ends,
        status=volume.status,
        shareable=volume.shareable,
        boot=volume.boot,
        zone=volume.zone,
        bus=volume.bus,
        prepaid=volume.prepaid,
        marks=volume.owner_marks,
    )


def _attachment(seen: Observed) -> AttachmentRow:
    rows = {
        view: SightingRow(
            phase=one.phase,
            device=one.device,
            delete_on_termination=one.delete_on_termination,
            boot=one.boot,
        )
        for view in View
        if (one := seen.sightings.get(view)) is not None
    }
    return AttachmentRow(server=seen.key.server_id, volume=seen.key.volume_id, seen=rows)


def live_of(name: str, row: ScopeRow, notices: tuple[str, ...]) -> Live:
    """Give the picture of a scope that a row holds, with what is to be told of it."""
    return Live(
        scope=name,
        views=row.views,
        servers={one.id: _server_of(one) for one in row.servers},
        volumes={one.id: _volume_of(one) for one in row.volumes},
        observed={seen.key: seen for seen in (_observed(name, one) for one in row.attachments)},
        notices=notices,
        shows_free=row.shows_free,
        complete=row.complete,
        left_out=LeftOut(
            servers=row.rest.servers,
            volumes=row.rest.volumes,
            attachments=row.rest.attachments,
            server_ends=frozenset(one.id for one in row.servers if one.end),
            volume_ends=frozenset(one.id for one in row.volumes if one.end),
            unseen=frozenset(row.unseen),
            selectors=frozenset((frozenset(s.tags.items()), s.names) for s in row.selectors),
        ),
    )


def _server_of(row: ServerRow) -> Server:
    return Server(
        server_id=row.id,
        name=row.name,
        status=row.status,
        status_text=row.status.value,
        locked=row.locked,
        running=row.running,
        barred=row.barred,
        attachments_known=row.attachments_known,
        zone=row.zone,
        tags=row.tags,
        owner_marks=row.marks,
        free_slots=row.free_slots,
    )


def _volume_of(row: VolumeRow) -> Volume:
    return Volume(
        volume_id=row.id,
        name=row.name,
        status=row.status,
        status_text=row.status.value,
        shareable=row.shareable,
        boot=row.boot,
        zone=row.zone,
        bus=row.bus,
        prepaid=row.prepaid,
        owner_marks=row.marks,
    )


def _observed(scope: str, row: AttachmentRow) -> Observed:
    sightings = {
        view: Sighting(
            phase=one.phase,
            device=one.device,
            delete_on_termination=one.delete_on_termination,
            boot=one.boot,
        )
        for view, one in row.seen.items()
    }
    return Observed(key=AttachmentKey(scope, row.server, row.volume), sightings=sightings)
