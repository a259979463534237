"""Commands of this machine that speak to guests. Speakers: manifest, planning, execution, hooks."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.finding import Place


class Occasion(enum.Enum):
    """When a hook runs; the value is the manifest's key."""

    RELEASE = "guestRelease"
    """Before a volume is taken away: its guest shall let go of it."""
    ATTACHED = "afterAttach"
    """Once a volume is confirmed on its server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """What a policy names; the command of that name is defined on the machine."""

    name: str
    timeout_s: float
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One run of a hook, about one attachment."""

    occasion: Occasion
    hook: Hook
    key: AttachmentKey
    server: str
    """What people call it."""
    volume: str
    device: str | None = None
    """What the cloud calls the device, a hint; None where it isn't told."""


class HookVerdict(enum.Enum):
    """How a run of a hook ended."""

    DONE = "done"
    """It ended with 0."""
    FAILED = "failed"
    """It ended otherwise, or couldn't be started."""
    OVERDUE = "timed out"
    """It was still running at its timeout, and was ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookEnd:
    """What became of one run of a hook; its words are fit for a person and hold no secret."""

    verdict: HookVerdict
    message: str = ""
    """How it ended, as half a sentence with the hook's last words; empty where it is done."""
    output: tuple[str, ...] = ()
    """The last lines that it wrote."""
    took_s: float = 0.0
