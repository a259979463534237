"""The limits a person set on what a run may do. Speakers: manifest, planning."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from reconciler.model.finding import Place
    from reconciler.model.hook import Hook

MAX_DETACH = 10
"""A typo in one entry rarely takes more than this, a maintenance window rarely needs more."""
MAX_DETACH_SHARE = 0.3
"""octoDNS stops at 30 % for the same reason: beyond it, the manifests are the suspect."""
MAX_DETACH_PER_SERVER = 5
"""A server that loses more at once is being emptied, and that should be said."""

HOOK_TIMEOUT_S = 120.0
"""An unmount that has to write its caches takes seconds; one that takes longer hangs."""


class WhenRunning(enum.Enum):
    """What is done before a volume leaves a server whose guest may still hold it."""

    REQUIRE = "require"
    """Nothing leaves unless the guest let go, or the server is stopped."""
    WARN = "warn"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Drift of one attachment that somebody knows of, until the end of a day (UTC)."""

    scope: str
    server: str
    """A name or an id, as the volume's."""
    volume: str
    until: date
    reason: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time that comes again, in which changes may, or may not, be made."""

    allows: bool
    cron: str
    """When it begins: five fields."""
    duration_s: float
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What holds for one scope after `default` and its own policies were merged."""

    max_detach: int = MAX_DETACH
    max_detach_share: float = MAX_DETACH_SHARE
    max_detach_per_server: int = MAX_DETACH_PER_SERVER
    allow_destroy: bool = False
    allow_status_reset: bool = False
    force_detach: bool = False
    """True: a detach that the command line names one by one may be forced."""
    accept: tuple[Acceptance, ...] = ()
    windows: tuple[Window, ...] = ()
    guest_release: Hook | None = None
    """What runs before a volume leaves a server that is running; None: nothing."""
    after_attach: Hook | None = None
    when_running: WhenRunning | None = None
    """None: `require` where the cloud says that a server may hang, else nothing is asked."""
