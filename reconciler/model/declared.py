"""What people wrote, with its places, before any cloud was asked. Speakers: manifest, planning."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.finding import Place
    from reconciler.model.policy import Policy
    from reconciler.model.schedule import Schedule


class Ref(Struct, frozen=True, kw_only=True, gc=False):
    """A name or an id as written; which of the two it is, only the live listing can tell."""

    text: str
    place: Place


class Side(enum.Enum):
    """Which kind of row an entry owns; the value is the glossary's word."""

    SERVER = "server"
    VOLUME = "volume"

    __hash__ = object.__hash__
    """That of `Enum` is written in Python, and each row is kept under a side."""


class Listed(Struct, frozen=True, kw_only=True, gc=False):
    """One line of an entry's list: what shall be attached, and how."""

    ref: Ref
    device: str | None = None
    delete_on_termination: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Servers chosen at the time of the plan: all tags AND the name pattern."""

    place: Place
    tags: Mapping[str, str] = field(default_factory=dict)
    names: str | None = None
    allow_empty: bool = False


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """A row that a manifest owns: everything attached to one server, or every server of a volume.

    Exactly one of `listed` and `selector` is set, unless `keeps_others`, where both may be absent.
    """

    side: Side
    owner: Ref
    listed: tuple[Listed, ...] | None = None
    selector: Selector | None = None
    absent: tuple[Ref, ...] = ()
    keeps_others: bool = False
    protects: bool = False
    """True: nothing of this row is detached, moved or destroyed."""
    document: str = ""
    """`metadata.name` of the document that it stands in."""


class Unmanaged(enum.Enum):
    """What is done about attachments that nobody owns."""

    IGNORE = "ignore"
    REPORT = "report"
    DETACH = "detach"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """Where a secret is to be read: exactly one of a variable's name and a file's path."""

    place: Place
    env: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard a scope may be driven; None leaves it to the provider's capabilities."""

    requests_per_s: float | None = None
    max_concurrency: int | None = None
    step_timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredScope:
    """One account x region x product as written."""

    name: str
    place: Place
    provider: str
    region: str
    project_id: str | None = None
    environment: str | None = None
    account_id: str | None = None
    api_edition: str | None = None
    keys: Mapping[str, Place] = field(default_factory=dict)
    """Where each key of its `spec` is written, by the manifest's own word."""
    cloud: str | None = None
    """The domain of another partition, such as `myhuaweicloud.eu`."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Address by API (`ecs`, `evs`, `iam`, ...), or one under the empty key for all of them."""
    endpoint_place: Place | None = None
    simulated: bool = False
    world: str | None = None
    """Path of the world file, already joined to the manifest's folder; None if not simulated."""
    unmanaged: Unmanaged = Unmanaged.REPORT
    credentials: Mapping[str, SecretRef] = field(default_factory=dict)
    """By the manifest's own key: `accessKey`, `secretKey`, `securityToken`, or `user`, `password`,
    `domain`."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Everything the manifests say; `entries` and `policies` have a row for every scope."""

    scopes: Mapping[str, DeclaredScope]
    entries: Mapping[str, tuple[Entry, ...]]
    policies: Mapping[str, Policy]
    schedules: tuple[Schedule, ...] = ()
    sources: tuple[str, ...] = ()
    """The paths that were given, as given."""
