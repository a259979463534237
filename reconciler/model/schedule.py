"""When a service looks, and what it may do about what it finds. Speakers: manifest, operations."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.finding import Place

EVERY_S = 300.0
"""Nobody wants drift to stand for much longer; a look costs a handful of requests."""
SHORTEST_S = 10.0
"""More often would be asking the cloud without pause."""
MAX_DETACH_PER_DAY = 20
"""Twice what one run may take by default: a service that wants more has lost its way."""
RETENTION_S = 90 * 86400.0
"""A quarter, so that what happens once a month was seen before."""


class Heal(enum.Enum):
    """What a correction goes by; the value is the manifests' word."""

    APPLIED = "applied"
    """Only what an apply confirmed is restored; new commits wait for an apply."""
    MANIFESTS = "manifests"
    """What is pending is applied too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """A repository that manifests are fetched from."""

    url: str
    branch: str | None
    """None: the one that the repository's HEAD names."""
    path: str
    """From the repository's root."""
    signed: bool
    """True: a commit without a good signature isn't in force."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One address that is told; it is a secret, so only where to read it is written."""

    place: Place
    env: str | None
    """The variable's name, or a file's path under `file`: exactly one of the two."""
    file: str | None
    format: str
    """`json` or `slack`."""
    key_env: str | None = None
    """Where the key that signs is read; both None: nothing signs."""
    key_file: str | None = None
    body: str | None = None
    """JSON with placeholders, sent instead of the format; None: the format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When scopes are looked at. Exactly one of `every_s` and `cron` is set."""

    name: str = ""
    """Empty: nobody wrote one."""
    place: Place | None = None
    scopes: tuple[str, ...] | None = None
    """None: every scope that no other schedule names."""
    every_s: float | None = EVERY_S
    cron: str | None = None
    timezone: str = "UTC"
    correct: bool = False
    heal: Heal = Heal.APPLIED
    max_detach_per_day: int = MAX_DETACH_PER_DAY
    source: GitSource | None = None
    notify: tuple[Webhook, ...] = ()
    retention_s: float = RETENTION_S

    @property
    def words(self) -> str:
        """Give when it looks, for people."""
        if self.cron is not None:
            return f"cron {self.cron} ({self.timezone})"
        return f"every {self.every_s:g} s"
