"""What the journal tells of runs and leases. Speakers: journal, planning, operations, report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the lease of a cloud identity."""

    id: str
    """The name of this one holding; the next one, of the same owner too, has another."""
    identity: str
    scope: str
    """What the owner calls that cloud."""
    owner: str
    """User, host and process, for people."""
    operation: str
    run: str
    since_s: float
    expires_s: float
    """When it ends unless it is renewed, by the owner's clock; nobody decides by it."""
    local: bool
    """True where it binds the processes of one machine only."""
    gone: bool = False
    """True when its owner was a process of this machine and is no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Which commit of their repository manifests were read from."""

    id: str
    dirty: bool
    """True when what was read wasn't what the commit has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One cloud's part of a run."""

    id: str
    identity: str
    scope: str
    verb: str
    began_s: float
    ended_s: float | None
    ending: str | None
    """None: it goes on, or didn't live to its end."""
    counts: Mapping[str, int] = field(default_factory=dict)
    requests: int | None = None
    adopted: int = 0
    """Calls of earlier runs that it looked after."""
    commit: Commit | None = None
    """None where the manifests lay in no repository."""
    owner: str | None = None
    """User, host and process, for people; None where an earlier version wrote it."""
    running: bool = False
    """True while it holds the lease, unless its process is known to be gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastVerdict:
    """What a run wrote about one attachment of a call."""

    server_id: str
    volume_id: str
    verdict: str
    code: str
    message: str
    request_id: str
    took_s: float | None
    at_s: float
    run: str | None
    """Who wrote it; None: whoever sent the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastHook:
    """One hook that a run ran."""

    occasion: str
    hook: str
    label: str
    at_s: float
    verdict: str | None
    """None: the run didn't live to its end."""
    message: str
    output: tuple[str, ...]
    took_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """One call of a run, and everything that was ever written about it."""

    intent_id: int
    run: str
    step_id: str
    label: str
    verb: str
    attachments: tuple[tuple[str, str], ...]
    """Server id and volume id of each."""
    had: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """What `deleteOnTermination` was before; absent where nobody told."""
    at_s: float
    handle: str | None
    verdicts: tuple[PastVerdict, ...]
    """Oldest first; empty: nobody knows what became of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCall:
    """The last call about one attachment of which anything became known, and what."""

    run: str
    """Who sent it."""
    verb: str
    handle: str | None
    at_s: float
    """When that became known."""
    verdict: str
    code: str
    message: str
    request_id: str
    owner: str | None = None
    """As `PastRun.owner`, of who sent it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How one cloud's part of a run ended."""

    ending: str
    counts: Mapping[str, int]
    """By the words of a run's closing line: `attached`, `detached`, ... `refused`, `failed`."""
    requests: int
