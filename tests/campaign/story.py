"""What one seed means: a world, what is wanted of it, what goes wrong, who else is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.capabilities import Capabilities
    from reconciler.sim.rules import Rule

Pair: TypeAlias = tuple[str, str]
"""(server, volume), by the story's own words for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entry about one server."""

    listed: Mapping[str, bool | None] = field(default_factory=dict)
    """Volumes, and what `deleteOnTermination` shall be; None: not written."""
    absent: tuple[str, ...] = ()
    keeps_others: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """What the manifests say of one scope."""

    servers: Mapping[str, Row] = field(default_factory=dict)
    volumes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Volume -> every server that it shall be attached to."""

    def wanted(self) -> dict[Pair, bool | None]:
        """Give what shall be attached, and how."""
        found: dict[Pair, bool | None] = {
            (server, volume): None for volume, servers in self.volumes.items() for server in servers
        }
        for server, row in self.servers.items():
            found |= {(server, volume): flag for volume, flag in row.listed.items()}
        return found

    def absent(self) -> frozenset[Pair]:
        """Give what is written to be gone."""
        return frozenset((s, volume) for s, row in self.servers.items() for volume in row.absent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Somebody at the console: at a second of the first run, or while its plan is looked at."""

    at_s: float | None
    """None: after the plan was shown, before it is approved."""
    verb: str
    pair: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that one seed decides."""

    seed: int
    provider: str
    can: Capabilities
    servers: tuple[str, ...]
    volumes: tuple[str, ...]
    shared: tuple[str, ...]
    attached: Mapping[Pair, bool]
    """What is there at first, and whether it goes with its server."""
    ghosts: tuple[Pair, ...] = ()
    """What only storage shows."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the cloud calls a server or volume, where it isn't the story's own word."""
    entries: Entries
    before: Entries | None = None
    """What was applied, undisturbed, before the story begins."""
    rules: tuple[Rule, ...] = ()
    acts: tuple[Act, ...] = ()
    asks: bool = False
    """Whether a person is asked, so that the world is looked at a second time."""
    agreed: frozenset[str] = frozenset()
    """Volumes that a person agrees to lose by name."""
    dies: tuple[int, ...] = ()
    """After how many moments each of the first runs dies; a moment is a line or a request."""
    rests: bool = True
    """Whether what is in flight has ended before the next run begins."""
    denied_after: int | None = None
    """After how many requests of the first run the credentials end."""
    lying_word: int | None = None
    """Which question about a job is answered with a status that nobody has documented."""
    echoes: bool = False
    """Whether errors quote the credentials, and control characters."""
    skews_s: tuple[float, ...] = (0.0,)
    """How far our clock is off, run by run; the last one holds for all further runs."""
    second_s: float | None = None
    """After how many seconds of the first run a second applier begins, of the same manifests."""
    limits: Mapping[str, object] = field(default_factory=dict)
    job_s: float = 2.0
    sigma: float = 0.0
    latency_s: float = 0.0
    whole: bool = False
    """The whole road: YAML, signatures, httpx, Starlette, SQLite; else each of them is cut short
    where it isn't what the story is about."""

    def name(self, key: str) -> str:
        """Give what the cloud calls a server or volume."""
        return self.names.get(key, key)

    def sharing(self, volume: str) -> bool:
        """Tell whether several servers can have the volume."""
        return volume in self.shared
