"""What a listing or a look saw of a scope. Speakers: providers, planning, execution."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.attachment import AttachmentKey, Observed, View

ANY_BUS = ""
"""The key of `Server.free_slots` that counts slots whatever the bus."""


class ServerStatus(enum.Enum):
    """Whether a server takes a change now."""

    READY = "ready"
    MOVING = "moving"
    """Rebooting, resizing and the like: it may be ready later."""
    REFUSING = "refusing"
    """Failed, locked, frozen, deleted: a person has to do something first."""


class VolumeStatus(enum.Enum):
    """Whether a volume takes a change now."""

    READY = "ready"
    MOVING = "moving"
    """An attach or a detach of it is under way: look again before planning."""
    BUSY = "busy"
    """Something else is under way (a backup, an extension): it may be ready later."""
    REFUSING = "refusing"
    """In error, or going away: a person has to do something first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that this account may see."""

    server_id: str
    name: str
    status: ServerStatus = ServerStatus.READY
    status_text: str = ""
    """The cloud's own word, for people."""
    locked: bool = False
    running: bool = True
    """False only where the cloud says that it is stopped: then no guest holds a volume."""
    barred: str = ""
    """Why this cloud never changes its attachments, as a sentence's end; empty: it does."""
    attachments_known: bool = True
    """False when the listing doesn't say what is attached to it: unknown, not nothing."""
    zone: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    owner_marks: tuple[str, ...] = ()
    """Marks of other controllers (a cluster's node), sorted."""
    free_slots: Mapping[str, int] | None = None
    """Free slots by bus (`ANY_BUS` for all together); None until somebody asked."""


class Volume(Struct, frozen=True, gc=False):
    """A volume that this account may see."""

    volume_id: str
    name: str
    size_gib: int | None = None
    status: VolumeStatus = VolumeStatus.READY
    status_text: str = ""
    """The cloud's own word, for people."""
    shareable: bool = False
    boot: bool = False
    zone: str | None = None
    bus: str = ""
    """The bus whose slots it takes; empty where the cloud knows only one."""
    prepaid: bool = False
    owner_marks: tuple[str, ...] = ()
    """Marks of other controllers (a CSI driver's), sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerWord:
    """What one server, asked alone, says of itself; None where it doesn't say."""

    volume_ids: frozenset[str] | None = None
    """Everything attached to it, its boot volume too."""
    free_slots: Mapping[str, int] | None = None
    """As `Server.free_slots`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What servers and volumes say of themselves, asked one by one; unknown ids are absent."""

    servers: Mapping[str, ServerWord] = field(default_factory=dict)
    volumes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By volume id, the servers that have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What a picture that was cut to what manifests name doesn't show: a plan must not guess it."""

    servers: int
    """How many more there are than it names."""
    volumes: int
    attachments: int
    """How many there are between those."""
    server_ends: frozenset[str] = frozenset()
    """Servers that are there by id alone, at the other end of a named volume's attachment."""
    volume_ends: frozenset[str] = frozenset()
    """Volumes that are there by id alone, on a named server."""
    unseen: frozenset[str] = frozenset()
    """Ids of volumes that were named and not shown, where only attached ones are."""
    selectors: frozenset[tuple[frozenset[tuple[str, str]], str | None]] = frozenset()
    """Tags and name pattern of the selectors whose servers are all there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Everything one listing saw of one scope, or what a look by ids saw of its part.

    `observed` holds each attachment that at least one view shows, keyed by itself.
    A look holds only the servers and volumes asked for; what is missing is gone.
    """

    scope: str
    views: tuple[View, ...]
    servers: Mapping[str, Server] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    observed: Mapping[AttachmentKey, Observed] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    """Oddities worth telling a person (a row twice, a count that changed)."""
    shows_free: bool = True
    """False where a volume is only seen on its server: one that isn't seen may still exist."""
    complete: bool = True
    """False when rows may be missing: then nothing may be written on its ground."""
    left_out: LeftOut | None = None
    """What a snapshot only counts; None: nothing is left out, it is a listing."""
