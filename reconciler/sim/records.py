"""What a world file says, as values: the rows a simulated cloud starts from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sim.rules import RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTime:
    """How long a change takes: always `median_s` when `sigma` is 0, else a lognormal."""

    median_s: float = 2.0
    sigma: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldKeys:
    """A provider that has worlds, and the keys of a row that only its worlds have, all texts."""

    provider: str
    server: tuple[str, ...] = ()
    volume: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may fetch a token with a password."""

    name: str
    password: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRow:
    """One server; `free_slots` None means what the flavour has, less the disks on it."""

    id: str
    name: str
    status: str = "ACTIVE"
    az: str = "az1"
    boot_volume: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    locked: bool = False
    frozen: bool = False
    flavor: str = "s6.large.2"
    motion: str | None = None
    free_slots: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    """What only this provider's servers have, by the keys of its `WorldKeys`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRow:
    """One volume; `status` None is derived from the attachments."""

    id: str
    name: str
    size_gib: int = 10
    az: str = "az1"
    multiattach: bool = False
    type: str = "SSD"
    status: str | None = None
    bootable: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    """What only this provider's volumes have, by the keys of its `WorldKeys`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRow:
    """One volume on one server, by id; `seen_by` is `both`, `storage` or `compute`."""

    server_id: str
    volume_id: str
    device: str | None = None
    seen_by: str = "both"
    delete_on_termination: bool | None = None
    attachment_id: str | None = None
    attached_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Job:
    """One change that was accepted; a batch's job has `parts`, one an attachment.

    `applies`: the change happens when the job ends. `ends`: SUCCESS or FAIL.
    `shows`: `plain`, `gone` (no query finds it), `init-first` (the first query says INIT).
    Times are seconds of the cloud.
    """

    id: str
    verb: str
    volume_id: str
    began_s: float
    due_s: float
    server_id: str | None = None
    device: str | None = None
    delete_on_termination: bool = False
    applies: bool = True
    ends: str = "SUCCESS"
    shows: str = "plain"
    done: bool = False
    parts: tuple[Job, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing of it is in flight."""
        return all(part.done for part in self.parts) if self.parts else self.done

    @property
    def leaves(self) -> tuple[Job, ...]:
        """The jobs of one attachment each: the parts, or the job itself."""
        return self.parts or (self,)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One project of one simulated cloud, as it is at the start."""

    provider: str
    project_id: str
    region: str = "ap-southeast-3"
    seed: str = "0"
    keys: Mapping[str, str] = field(default_factory=dict)
    users: tuple[User, ...] = ()
    job_time: JobTime = field(default_factory=JobTime)
    latency_s: float = 0.0
    servers: tuple[ServerRow, ...] = ()
    volumes: tuple[VolumeRow, ...] = ()
    attachments: tuple[AttachmentRow, ...] = ()
    jobs: tuple[Job, ...] = ()
    rules: RuleSet
    elapsed_s: float = 0.0
    drawn: int = 0
