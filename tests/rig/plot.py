"""What a test needs of a world and of manifests, in names only; a provider's file writes it."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Pair: TypeAlias = tuple[str, str]
"""(server, volume), by name."""
Rule: TypeAlias = "Mapping[str, object]"

UNLIMITED = {"maxDetach": 100_000, "maxDetachShare": 1.0, "maxDetachPerServer": 100_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A small world; every server has a boot volume of its own beside these volumes."""

    servers: tuple[str, ...]
    volumes: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    attached: tuple[Pair, ...] = ()
    storage_only: tuple[Pair, ...] = ()
    rules: tuple[Rule, ...] = ()
    job_s: float = 4.0
    sigma: float = 0.0
    latency_s: float = 0.0
    seed: int = 7
    region: str = "r1"


class Vendor(Protocol):
    """Where one provider's calls can be met by a fault rule, and how its worlds are written."""

    attaches: bool
    throttles: tuple[object, ...]
    """The answers by which it says that a change came too fast, and wasn't made."""
    scope: Mapping[str, object]
    """Keys of a Scope that this provider wants."""
    policy: Mapping[str, object]
    """Keys of a Policy without which nothing could be changed in its worlds."""
    attach: str
    """The `match` of everything that attaches."""
    detach: str
    write: str
    """The `match` of every call that changes the cloud through us."""
    listings: tuple[str, ...]
    """The `match` of each listing."""
    cut_short: Mapping[str, tuple[str, ...]]
    """By listing, the faults of it that show in what it answers."""
    jobs: str
    batch_max: int
    busy: str
    """The code of a server that another change is in flight on, for people."""

    def world(self, plot: Plot) -> str:
        """Give the world file of a plot; boot volumes have `boot` in their names."""
        ...

    def identity(self, name: str) -> str:
        """Give the id of the server or volume of this name in its worlds."""
        ...

    def ref(self, volume: str) -> str:
        """Give how manifests write a volume: its name, or its id where it has none."""
        ...


@cache
def vendor_of(provider: str) -> Vendor:
    """Give what is known of one provider's worlds; its file is found by its name.

    A provider of another distribution brings its own, as an entry point of `reconciler.worlds`.
    """
    for point in entry_points(group="reconciler.worlds", name=provider):
        return cast("Vendor", point.load())
    return cast(
        "Vendor", importlib.import_module(f"tests.contract.worlds.{provider.replace('-', '_')}")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The entries of one scope, by name."""

    provider: str
    servers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    volumes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    absent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By server, the volumes that shall not be there; its entry then says `others: keep`."""
    scope: str = "prod"
    region: str = "r1"
    endpoint: str | None = None
    """None: the embedded simulator."""
    limits: Mapping[str, object] = field(default_factory=dict)
    policy: Mapping[str, object] = field(default_factory=lambda: UNLIMITED)
    more: Mapping[str, object] = field(default_factory=dict)
    """Further keys of the Scope."""

    def pairs(self) -> frozenset[Pair]:
        """Give what shall be attached."""
        by_server = {(s, v) for s, volumes in self.servers.items() for v in volumes}
        return frozenset(by_server | {(s, v) for v, names in self.volumes.items() for s in names})

    def owns(self, pair: Pair) -> bool:
        """Tell whether a row of these entries owns an attachment."""
        server, volume = pair
        if server in self.absent:
            return volume in self.absent[server] or volume in self.servers.get(server, ())
        return server in self.servers or volume in self.volumes

    def text(self) -> str:
        """Give the manifests; JSON is YAML."""
        vendor = vendor_of(self.provider)
        address = {"endpoint": self.endpoint} if self.endpoint else _EMBEDDED
        where: dict[str, object] = {**address, **vendor.scope}
        scope = {"provider": self.provider, "region": self.region, "limits": dict(self.limits)}
        rows = {
            "scope": self.scope,
            "servers": {s: self._row(s) for s in (*self.servers, *self.absent)},
            "volumes": {vendor.ref(v): {"servers": [*s]} for v, s in self.volumes.items()},
        }
        policy = {"scopes": [self.scope], **vendor.policy, **self.policy}
        documents = (
            _document("Scope", self.scope, scope | where | dict(self.more)),
            _document("Attachments", f"{self.scope}-rows", rows),
            _document("Policy", f"{self.scope}-limits", policy),
        )
        return "---\n".join(documents)

    def _row(self, server: str) -> Mapping[str, object]:
        ref = vendor_of(self.provider).ref
        listed = {"volumes": [*map(ref, self.servers[server])]} if server in self.servers else {}
        if server not in self.absent:
            return listed
        return {**listed, "absent": [*map(ref, self.absent[server])], "others": "keep"}


_EMBEDDED = {"endpoint": "simulator", "world": "unread.world.yaml"}


def _document(kind: str, name: str, spec: Mapping[str, object]) -> str:
    kept = {key: value for key, value in spec.items() if value != {}}
    shape = {
        "apiVersion": "reconciler/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": kept,
    }
    return json.dumps(shape, indent=1) + "\n"
