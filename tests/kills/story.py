"""What a run is about: worlds, manifests, and every changing request that they come to.

The requests are told from the worlds' own ids and the vendors' documented paths, not asked of
the product: it is the product that is on trial.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tests.rig.plot import UNLIMITED, Plot, vendor_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.rig.plot import Pair

ECS, MODELARTS = "huawei-ecs", "huawei-modelarts"
SAMSUNG, WORKSPACE = "samsung-virtualserver", "huawei-workspace"
KINDS = (
    (ECS,),
    (MODELARTS,),
    (SAMSUNG,),
    (WORKSPACE,),
    (ECS, SAMSUNG),
    (ECS, MODELARTS, SAMSUNG, WORKSPACE),
)
"""The scopes of a story: one apply changes all of them at once."""
OFTEN = 0.6
STEP_TIMEOUT = "90s"
"""Where no view shows motion, half of it must pass before a call without an answer is given up."""
JOBS_S = (0.05, 0.1, 0.3)
LATENCIES_S = (0.0, 0.02, 0.06)


class Write(NamedTuple):
    """One changing request: its verb, and the ids that its path names; empty for those it hides."""

    verb: str
    server: str = ""
    volume: str = ""


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.replace("*", "[^/]+")))


PATHS = tuple(
    (verb, _pattern(path))
    for verb, path in (
        ("attach", "POST /v1/*/cloudservers/{server}/attachvolume"),
        ("detach", "DELETE /v1/*/cloudservers/{server}/detachvolume/{volume}"),
        ("update", "PUT /v1/*/cloudservers/{server}/block_device/{volume}"),
        ("attach", "POST /v1/*/batchaction/attachvolumes/{volume}"),
        ("detach", "POST /v1/*/batchaction/detachvolumes/{volume}"),
        ("attach", "POST /v1/*/dev-servers/{server}/attachvolume"),
        ("detach", "DELETE /v1/*/dev-servers/{server}/detachvolume/{volume}"),
        ("attach", "POST /v1/volumes/{volume}/servers"),
        ("detach", "DELETE /v1/volumes/{volume}/servers/{server}"),
        ("update", "PUT /v1/servers/{server}/volumes/{volume}"),
        ("destroy", "POST /v2/*/desktops/{server}/volumes/batch-delete"),
    )
)


def write_of(method: str, path: str) -> Write:
    """Give what a changing request asks for; a path that nobody documents is a write of its own."""
    for verb, pattern in PATHS:
        if found := pattern.fullmatch(f"{method} {path}"):
            return Write(verb, **found.groupdict(""))
    return Write(f"{method} {path}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One scope of a story: its world, its entries, what it comes to."""

    provider: str
    scope: str
    plot: Plot
    servers: Mapping[str, Mapping[str, object]]
    """The entries by server, as a manifest has them, with names for volumes."""
    volumes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left: frozenset[Pair]
    """What is attached in the end, by name, whoever owns it; boot volumes left out."""
    writes: Mapping[Write, int]
    """How many attachments each changing request is about. Each is accepted exactly once."""
    flagged: frozenset[Pair] = frozenset()
    """Which of them end with their server: `deleteOnTermination`."""
    destroys: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """The ids of its servers and volumes; no other part has one of them."""
        vendor, plot = vendor_of(self.provider), self.plot
        return frozenset(map(vendor.identity, (*plot.servers, *plot.volumes, *plot.shared)))

    @property
    def world(self) -> str:
        """The text of its world file."""
        return vendor_of(self.provider).world(self.plot)

    @property
    def project_id(self) -> str:
        """What `/_sim/world` knows its world by."""
        return str(json.loads(self.world)["projectId"])

    def environ(self) -> dict[str, str]:
        """Give the variables that its credentials are in."""
        own = self.provider == SAMSUNG  # Only the key says which of Samsung's worlds is meant.
        region = self.plot.region
        access = f"key-{region}" if own else "simulator"
        secret = f"secret-of-{region}" if own else "simulator-secret"
        return dict(zip(self._variables, (access, secret), strict=True))

    @property
    def _variables(self) -> tuple[str, str]:
        name = re.sub(r"\W", "_", self.scope).upper()
        return f"RECONCILER_CRED_{name}_ACCESS", f"RECONCILER_CRED_{name}_SECRET"

    def manifests(self, endpoint: str) -> list[dict[str, object]]:
        """Give its documents."""
        vendor = vendor_of(self.provider)
        access, secret = self._variables
        project = {} if self.provider == SAMSUNG else {"projectId": self.project_id}
        scope = {
            "provider": self.provider,
            "region": self.plot.region,
            "endpoint": endpoint,
            "limits": {"stepTimeout": STEP_TIMEOUT},
            "credentials": {"accessKey": {"env": access}, "secretKey": {"env": secret}},
            **project,
            **vendor.scope,
        }
        rows = {
            "scope": self.scope,
            "servers": dict(self.servers),
            "volumes": {vendor.ref(v): {"servers": [*s]} for v, s in self.volumes.items()},
        }
        policy = {"scopes": [self.scope], **vendor.policy, **UNLIMITED}
        return [
            _document("Scope", self.scope, scope),
            _document("Attachments", self.scope, rows),
            _document("Policy", self.scope, policy),
        ]


def _document(kind: str, name: str, spec: Mapping[str, object]) -> dict[str, object]:
    kept = {key: value for key, value in spec.items() if value != {}}
    return {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": name}, "spec": kept}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A number, and what it stands for."""

    number: int
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """The name of a folder for it."""
        return f"k{self.number}"

    @property
    def title(self) -> str:
        """Its number and its clouds, for people."""
        return f"story {self.number}: {' + '.join(part.provider for part in self.parts)}"

    @property
    def calls(self) -> int:
        """How many changing requests it takes, and no more."""
        return sum(len(part.writes) for part in self.parts)

    @property
    def writes(self) -> Mapping[Write, int]:
        """How many attachments each of them is about."""
        return {write: n for part in self.parts for write, n in part.writes.items()}

    @property
    def ids(self) -> frozenset[str]:
        """The ids of everything in it."""
        return frozenset[str]().union(*(part.ids for part in self.parts))

    @property
    def acks(self) -> tuple[str, ...]:
        """What the command line says to the destroys."""
        named = (name for part in self.parts for name in part.destroys)
        return tuple(word for name in named for word in ("--ack-destroy", name))

    def text(self, endpoint: str) -> str:
        """Give the manifests; JSON is YAML."""
        documents = [one for part in self.parts for one in part.manifests(endpoint)]
        return "\n---\n".join(json.dumps(one, indent=1) for one in documents) + "\n"

    def environ(self) -> dict[str, str]:
        """Give the variables that its credentials are in."""
        return {key: value for part in self.parts for key, value in part.environ().items()}


def story_of(number: int, seed: int, *, job_s: float | None = None) -> Story:
    """Give a story; the same number and seed give the same one. Numbers keep ids apart."""
    dice = random.Random(f"{seed}/{number}")
    kind = KINDS[number % len(KINDS)]
    return Story(
        number=number,
        parts=tuple(
            _part(f"k{number}{n}", provider, dice, job_s) for n, provider in enumerate(kind)
        ),
    )


def _part(name: str, provider: str, dice: random.Random, job_s: float | None) -> Part:
    make = _desks if provider == WORKSPACE else _moves
    cast = _Cast(name, provider, dice, dice.choice(JOBS_S) if job_s is None else job_s)
    make(cast)
    return cast.part()


class _Cast:
    """A part while it is being written: who is in the world, and who is wanted where."""

    def __init__(self, name: str, provider: str, dice: random.Random, job_s: float) -> None:
        self.name = name
        self.provider = provider
        self.dice = dice
        self.job_s = job_s
        self.rows: dict[str, list[object]] = {}
        self.entries: dict[str, dict[str, object]] = {}
        self.before: set[Pair] = set()
        self.after: set[Pair] = set()
        self.owned: dict[str, tuple[str, ...]] = {}
        self.shared: list[str] = []
        self.flagged: set[Pair] = set()
        self.destroys: list[str] = []
        self.writes: Counter[Write] = Counter()
        # Nobody owns it: whatever happens, it stays.
        self.bystander = (f"{name}-aside", f"{name}-other")

    def server(self, letter: str) -> str:
        """Give a server that the manifests own."""
        server = f"{self.name}-{letter}"
        self.rows.setdefault(server, [])
        return server

    def volume(self, word: str) -> str:
        """Give the name of a volume."""
        return f"{self.name}-{word}"

    def identity(self, name: str) -> str:
        """Give the id of a server or volume."""
        return vendor_of(self.provider).identity(name)

    def sometimes(self) -> bool:
        """Tell whether something that isn't in every story is in this one."""
        return self.dice.random() < OFTEN

    def wants(self, server: str, volume: str, *, flagged: bool = False) -> None:
        """Write a volume into the row of its server."""
        ref = vendor_of(self.provider).ref(volume)
        row = {"volume": ref, "deleteOnTermination": True} if flagged else ref
        self.rows[server].append(row)
        self.after.add((server, volume))

    def calls(self, verb: str, server: str, volume: str, carries: int = 1) -> None:
        """Take down a changing request, with what its path will say."""
        hidden = {"server": server == "", "volume": volume == ""}
        if verb == "attach" and self.provider == SAMSUNG:
            hidden["server"] = True
        elif verb == "attach" and server:
            hidden["volume"] = True
        ids = {"server": server, "volume": volume}
        told = {key: "" if hidden[key] else self.identity(name) for key, name in ids.items()}
        write = Write(verb, **told)
        assert write not in self.writes, "a path that two changes share would tell nothing"
        self.writes[write] = carries

    def part(self) -> Part:
        """Give what was written."""
        named = {v for _, v in (*self.before, *self.after, self.bystander)} - set(self.shared)
        servers = {*self.rows, *self.entries, self.bystander[0]}
        rows = {server: {"volumes": volumes} for server, volumes in self.rows.items()}
        return Part(
            provider=self.provider,
            scope=self.name,
            plot=Plot(
                servers=tuple(sorted(servers)),
                volumes=tuple(sorted(named)),
                shared=tuple(self.shared),
                attached=tuple(sorted({*self.before, self.bystander})),
                job_s=self.job_s,
                latency_s=self.dice.choice(LATENCIES_S),
                region=f"r-{self.name}",
            ),
            servers={**rows, **self.entries},
            volumes=self.owned,
            left=frozenset({*self.after, self.bystander}),
            writes=dict(self.writes),
            flagged=frozenset(self.flagged),
            destroys=tuple(self.destroys),
        )


def _moves(cast: _Cast) -> None:
    """Write an attach, a move, and by chance a detach, an update, and shared volumes."""
    first, second, third = (cast.server(letter) for letter in "abc")
    cast.wants(first, cast.volume("new"))
    cast.calls("attach", first, cast.volume("new"))
    moved = cast.volume("moved")
    cast.before.add((first, moved))
    cast.wants(second, moved)
    cast.calls("detach", first, moved)
    cast.calls("attach", second, moved)
    if cast.sometimes():
        cast.before.add((third, cast.volume("old")))
        cast.calls("detach", third, cast.volume("old"))
    if cast.provider != MODELARTS and cast.sometimes():
        kept = cast.volume("kept")
        cast.before.add((third, kept))
        cast.wants(third, kept, flagged=True)
        cast.flagged.add((third, kept))
        cast.calls("update", third, kept)
    if cast.provider == ECS:
        _batches(cast, (first, second, third))


def _batches(cast: _Cast, servers: tuple[str, ...]) -> None:
    wide, narrow = cast.volume("wide"), cast.volume("narrow")
    cast.shared += [wide, narrow]
    cast.owned[wide] = servers
    for server in servers:
        cast.wants(server, wide)
    cast.calls("attach", "", wide, len(servers))
    cast.owned[narrow] = servers[:1]
    cast.wants(servers[0], narrow)
    cast.before |= {(server, narrow) for server in servers}
    cast.calls("detach", "", narrow, len(servers) - 1)


def _desks(cast: _Cast) -> None:
    """Write a desktop that loses several disks in one call and, by chance, one that loses one."""
    for letter, disks in (("a", ("x", "y", "z")), ("b", ("w",))):
        if letter == "b" and not cast.sometimes():
            continue
        desktop = f"{cast.name}-{letter}"
        names = [cast.volume(disk) for disk in disks]
        stays = cast.volume(f"stays-{letter}")
        cast.entries[desktop] = {"volumes": [stays], "absent": names, "others": "keep"}
        cast.before |= {(desktop, name) for name in names}
        cast.destroys += names
        cast.calls("destroy", desktop, "", len(names))
        cast.before.add((desktop, stays))
        cast.after.add((desktop, stays))
