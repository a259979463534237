"""What a cloud can do; what isn't claimed is assumed impossible. Speakers: providers, planning."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.attachment import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.call import Verb


class BatchBy(enum.Enum):
    """What the attachments of one batched call have in common."""

    VOLUME = "volume"
    SERVER = "server"


class SetBy(enum.Enum):
    """When an attribute of an attachment can be set."""

    NEVER = "never"
    AFTERWARDS = "afterwards"
    """Only once it is attached, with a call of its own."""
    WITH_ATTACH = "with the attach"
    """By the call that attaches, and in place afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """How many attachments one call of a verb may carry."""

    by: BatchBy
    maximum: int
    shareable_only: bool = False
    """True where only volumes that can be shared may be batched."""
    disks_at_most: int | None = None
    """A server with more disks than this can't be in the batch; None where there is no rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The facts that planning and execution may rely on; sources stand in the provider's README."""

    attach: bool = False
    detach_keeps_data: bool = False
    """False: taking a volume away deletes it for good, and only a destroy may do that."""
    batch: Mapping[Verb, Batch] = field(default_factory=dict)
    """No entry: one attachment a call."""
    views: tuple[View, ...] = (View.COMPUTE,)
    has_jobs: bool = False
    shows_motion: bool = False
    """True where a view shows that a change is under way; else silence proves little."""
    shows_owner_marks: bool = False
    """True where names or tags tell which volumes and servers another controller has."""
    guest_must_release: bool = False
    """True where a running server may hang unless its guest let go of the volume first."""
    force: bool = False
    device: bool = False
    delete_on_termination: SetBy = SetBy.NEVER
    delete_on_termination_of_shared: bool = True
    """False where it can't be set for a volume that can be shared."""
    max_servers_per_volume: int = 1
    sure_slots: int = 0
    """Disks (the boot volume too) that every server takes; above it, free slots are asked for."""
    max_concurrency: int = 1
    step_deadline_s: float = 600.0
    job_s: float = 10.0
    """How long a change is guessed to take before any was seen."""
