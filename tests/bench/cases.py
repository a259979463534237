"""What is measured: cases as a few numbers each, from which world and manifest are made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.bounds import Pair

PROJECT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ECS, WORKSPACE = "huawei-ecs", "huawei-workspace"
READ, DETACH, MOVE, START, MANIFEST = "read", "detach", "move", "start", "manifest"
AT_ONCE = 32
"""C of the bounds: requests in flight, in every case."""
LATENCY_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One measurement: so many attachments on so many servers, and what becomes of them."""

    name: str
    kind: str
    attachments: int = 0
    servers: int = 0
    provider: str = ECS
    per_s: float | None = None
    """R of the bounds; None: no limit."""
    job_s: float = 2.0
    sigma: float = 0.0
    latency_s: float = LATENCY_S
    shared: bool = False
    """One volume on all the servers, instead of volumes of their own."""
    arguments: tuple[str, ...] = ()
    """START only: the words of the command line."""
    long: bool = False
    """Left out unless it is asked for by name or with `--all`."""

    def server_ids(self) -> list[str]:
        """Give every server; of a move, those that volumes go to as well."""
        count = self.servers * (2 if self.kind == MOVE else 1)
        return [f"5e000000-0000-4000-8000-{n:012d}" for n in range(count)]

    def volume_ids(self) -> list[str]:
        """Give every data volume."""
        count = 1 if self.shared else self.attachments
        return [f"d1000000-0000-4000-8000-{n:012d}" for n in range(count)]

    @staticmethod
    def name_of(identity: str) -> str:
        """Give what people call a server or a volume."""
        return f"{'web' if identity.startswith('5e') else 'disk'}-{identity[-7:]}"

    def live(self) -> Iterator[Pair]:
        """Give what is attached when the case begins, as (server, volume)."""
        servers, volumes = self.server_ids()[: self.servers], self.volume_ids()
        for n in range(self.attachments):
            yield servers[n % self.servers], volumes[0 if self.shared else n]

    def target(self, server_id: str) -> str:
        """Give the server that a moved volume goes to."""
        return f"{server_id[:24]}{int(server_id[24:]) + self.servers:012d}"


def case_of(text: str) -> Case:
    """Read what `text_of` wrote."""
    return Case(**json.loads(text))


def text_of(case: Case) -> str:
    """Give a case as one word of a command line."""
    return json.dumps(asdict(case))


def _reads() -> Iterator[Case]:
    for size, long in ((1_000, False), (1_234, False), (10_000, False), (12_345, False)):
        yield Case(name=f"read-{size}", kind=READ, attachments=size, servers=size // 10, long=long)
    for size, long in ((100_000, False), (123_456, True)):
        yield Case(name=f"read-{size}", kind=READ, attachments=size, servers=size // 10, long=long)


def _million() -> Case:
    size = 1_000_000
    return Case(name=f"read-{size}", kind=READ, attachments=size, servers=size // 10, long=True)


def _detaches() -> Iterator[Case]:
    for size, per_s in ((100, None), (1_000, None), (1_000, 50.0), (1_000, 10.0), (10_000, None)):
        tail = "" if per_s is None else f"-r{per_s:.0f}"
        yield Case(
            name=f"detach-{size}{tail}",
            kind=DETACH,
            attachments=size,
            servers=size,
            per_s=per_s,
            long=size > 1_000,
        )
    yield Case(
        name="detach-1000-lognormal",
        kind=DETACH,
        attachments=1_000,
        servers=1_000,
        job_s=8.0,
        sigma=0.5,
    )
    yield Case(
        name="detach-1000-r50-lognormal",
        kind=DETACH,
        attachments=1_000,
        servers=1_000,
        job_s=8.0,
        sigma=0.5,
        per_s=50.0,
    )
    yield Case(name="detach-1000-on-100", kind=DETACH, attachments=1_000, servers=100)


CASES = (
    *_reads(),
    *_detaches(),
    Case(name="shared-off-16", kind=DETACH, attachments=16, servers=16, shared=True),
    Case(name="move-500", kind=MOVE, attachments=500, servers=500),
    Case(name="move-500-r50", kind=MOVE, attachments=500, servers=500, per_s=50.0),
    Case(
        name="workspace-1000-on-100",
        kind=DETACH,
        provider=WORKSPACE,
        attachments=1_000,
        servers=100,
    ),
    Case(name="manifest-100000", kind=MANIFEST, attachments=100_000, servers=100_000),
    Case(name="start-help", kind=START, arguments=("--help",)),
    Case(name="start-validate", kind=START, arguments=("validate", "-f", "manifests.yaml")),
    Case(
        name="start-plan",
        kind=START,
        attachments=10,
        servers=5,
        latency_s=0.0,
        arguments=("plan", "-f", "manifests.yaml"),
    ),
    # Last: a process begins with the memory of the one that started it as its highest.
    _million(),
)
