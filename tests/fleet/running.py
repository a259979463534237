"""A fleet of processes: manifests of many scopes, their clouds in one simulator, workers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import psycopg

from tests.cli.running import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

ACCESS = "CANARYACCESSKEY47"
SECRET = "canary-secret-of-a-fleet-4711"
START_S = 60.0
REFUSED = 300
"""Statuses from here on mean that a request was not accepted."""
HEAD = "apiVersion: reconciler/v1\n"
SCOPE = """kind: Scope
metadata: {{name: {name}}}
spec:
  provider: huawei-ecs
  region: ap-southeast-3
  projectId: "{project}"
  endpoint: {address}
  credentials:
    accessKey: {{env: RECONCILER_CRED_ACCESS}}
    secretKey: {{env: RECONCILER_CRED_SECRET}}
{limits}---
apiVersion: reconciler/v1
kind: Attachments
metadata: {{name: {name}}}
spec:
  scope: {name}
  servers:
"""
LOOSE = "kind: Policy\nmetadata: {name: default}\nspec: {maxDetach: 1000, maxDetachShare: 1.0}\n"
SCHEDULE = "kind: Schedule\nmetadata: {name: all}\nspec: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """How many scopes, how large, and how they are looked at."""

    scopes: int
    attachments: int
    spread: int = 10
    """Volumes a server."""
    schedule: str = "{every: 10s, correct: true, heal: manifests}"
    limit: float | None = None
    """Requests a second of the account that all scopes belong to."""
    job_s: float = 0.3
    attached: bool = False
    """True: the cloud is in line from the beginning."""

    def name(self, number: int) -> str:
        """Give the name of a scope."""
        return f"scope-{number:05}"

    def project(self, number: int) -> str:
        """Give the project of a scope."""
        return f"{number:032x}"

    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Give each server with its volumes."""
        for first in range(0, self.attachments, self.spread):
            last = min(first + self.spread, self.attachments)
            yield f"s{first // self.spread}", [f"v{n}" for n in range(first, last)]


def world(plot: Plot, number: int) -> str:
    """Give the cloud of one scope."""
    of = f"{number}-"
    servers = [
        f"  - {{id: {of}{s}, name: {s}, status: ACTIVE, az: az1, bootVolume: {of}boot-{s}}}\n"
        for s, _ in plot.rows()
    ]
    volumes = [
        f"  - {{id: {of}{v}, name: {v}, sizeGib: 10, az: az1}}\n"
        for _, row in plot.rows()
        for v in row
    ]
    pairs = [
        f"  - {{server: {s}, volume: {v}, device: /dev/vd{'bcdefghijklmnopqrstu'[n]}}}\n"
        for s, row in plot.rows()
        for n, v in enumerate(row)
    ]
    attached = "attachments:\n" + "".join(pairs) if plot.attached else "attachments: []\n"
    return (
        f"provider: huawei-ecs\nprojectId: '{plot.project(number)}'\njobSeconds: {plot.job_s}\n"
        f"keys: [{{accessKey: {ACCESS}, secretKey: {SECRET}}}]\n"
        f"servers:\n{''.join(servers)}volumes:\n{''.join(volumes)}{attached}"
    )


def manifests(plot: Plot, address: str) -> str:
    """Give what is declared."""
    limits = f"  limits: {{requestsPerSecond: {plot.limit}}}\n" if plot.limit else ""
    parts = [LOOSE, f"{SCHEDULE}{plot.schedule}\n"]
    for number in range(plot.scopes):
        rows = "".join(f"    {s}: {{volumes: [{', '.join(row)}]}}\n" for s, row in plot.rows())
        named = {"name": plot.name(number), "project": plot.project(number)}
        parts.append(SCOPE.format(**named, address=address, limits=limits) + rows)
    return "---\n".join(HEAD + part for part in parts)


def sql(url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Give what a statement says, as another process would see it."""
    with psycopg.connect(url, autocommit=True) as connection:
        told = connection.execute(query.encode(), values or None)
        return told.fetchall() if told.description else []


def cells(url: str) -> str:
    """Give every row of every table, as text."""
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    read = "SELECT query_to_xml('SELECT * FROM ' || quote_ident(%s), true, false, '')::text"
    return "\n".join(str(sql(url, read, name)[0][0]) for (name,) in sql(url, tables))


@dataclass(slots=True)
class Fleet:
    """What runs; `url` is the database's."""

    plot: Plot
    folder: Path
    url: str
    address: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)
    """Of the surroundings of the next worker."""

    def environ(self) -> dict[str, str]:
        """Give the surroundings of a worker."""
        ours = {n: v for n, v in os.environ.items() if not n.startswith("RECONCILER")}
        return ours | {
            "PYTHONPATH": str(REPOSITORY),
            "NO_COLOR": "1",
            "RECONCILER_DATABASE_URL": self.url,
            "RECONCILER_CRED_ACCESS": ACCESS,
            "RECONCILER_CRED_SECRET": SECRET,
            **self.more,
        }

    def told(self, *arguments: str) -> str:
        """Run a verb of the fleet and give what it prints; it ends well."""
        ran = subprocess.run(  # noqa: S603 - our own interpreter, our own words
            [sys.executable, "-m", "reconciler", "fleet", *arguments],
            cwd=self.folder,
            env=self.environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=START_S,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def start(self, concurrency: int = 4) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        words = ["fleet", "worker", "--concurrency", str(concurrency), "--log-level", "info"]
        words += ["--metrics-file", f"worker-{len(self.workers)}.prom"]
        log = (self.folder / f"worker-{len(self.workers)}.log").open("wb")
        with log:
            made = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
                [sys.executable, "-m", "reconciler", *words],
                cwd=self.folder,
                env=self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.workers.append(made)
        return made

    def stop(self) -> None:
        """Let every worker end what is in flight, and wait for it."""
        for one in self.workers:
            one.send_signal(signal.SIGTERM)
        for one in self.workers:
            one.wait(START_S)

    @contextmanager
    def page(self) -> Iterator[httpx.Client]:
        """Show the page of the fleet, and give who asks it."""
        words = ["fleet", "page", "--listen", "127.0.0.1:0"]
        path = self.folder / "page.log"
        with path.open("wb") as log:
            shown = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
                [sys.executable, "-m", "reconciler", *words],
                cwd=self.folder,
                env=self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            until(lambda: "The page is at" in path.read_text(), START_S, "the page is shown")
            address = path.read_text().partition("The page is at ")[2].strip()
            with httpx.Client(base_url=address, timeout=60.0) as client:
                yield client
            shown.send_signal(signal.SIGTERM)
            assert shown.wait(START_S) == 0, path.read_text()
        finally:
            _ended(shown)

    def log(self, place: int) -> str:
        """Give what one worker said."""
        path = self.folder / f"worker-{place}.log"
        return path.read_text(encoding="utf-8", errors="replace")

    def logs(self) -> str:
        """Give all that workers said."""
        return "\n".join(self.log(place) for place in range(len(self.workers)))

    def requests(self) -> list[Mapping[str, Any]]:
        """Give the simulator's log."""
        answer = httpx.get(f"{self.address}/_sim/requests", timeout=60.0)
        return list(answer.json()["requests"])

    def counts(self) -> Mapping[str, int]:
        """Give how many requests there were."""
        answer = httpx.get(f"{self.address}/_sim/requests", timeout=60.0)
        return dict(answer.json()["counts"])

    def accepted(self) -> Counter[str]:
        """Count the changing requests that the clouds took on, by path."""
        rows = [row for row in self.requests() if row["changing"] and row["status"] < REFUSED]
        return Counter(str(row["path"]) for row in rows)

    def refused(self) -> list[Mapping[str, Any]]:
        """Give the changing requests that the clouds didn't take on."""
        rows = self.requests()
        return [row for row in rows if row["changing"] and row["status"] >= REFUSED]

    def attached(self) -> int:
        """Count the attachments of all clouds that aren't boot volumes."""
        found = 0
        for number in range(self.plot.scopes):
            query = {"projectId": self.plot.project(number)}
            told = httpx.get(f"{self.address}/_sim/world", params=query, timeout=60.0).json()
            found += sum("boot" not in row["volume"] for row in told["attachments"])
        return found

    @property
    def wanted(self) -> int:
        """How many attachments are declared."""
        return self.plot.scopes * self.plot.attachments


def until(holds: Callable[[], bool], limit_s: float, what: str) -> float:
    """Wait for something that other processes make; give the seconds. Fails after the limit."""
    began_s = time.monotonic()
    while not holds():
        assert time.monotonic() - began_s < limit_s, what
        time.sleep(0.1)
    return time.monotonic() - began_s


@contextmanager
def fleet(plot: Plot, folder: Path, url: str) -> Iterator[Fleet]:
    """Serve the clouds and write the manifests; whatever runs is ended with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    address = f"http://127.0.0.1:{port}"
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(manifests(plot, address), encoding="utf-8")
    worlds = "---\n".join(world(plot, number) for number in range(plot.scopes))
    (folder / "all.world.yaml").write_text(worlds, encoding="utf-8")
    made = Fleet(plot=plot, folder=folder, url=url, address=address)
    with ExitStack() as stack:
        words = ["simulator", "--world", "all.world.yaml", "--listen", f"127.0.0.1:{port}"]
        simulator = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
            [sys.executable, "-m", "reconciler", *words],
            cwd=folder,
            env=made.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        stack.callback(_ended, simulator)
        until(lambda: _answers(made), START_S, "the simulator answers")
        made.told("apply-schema")
        try:
            yield made
        finally:
            for one in made.workers:
                _ended(one)


def _answers(made: Fleet) -> bool:
    try:
        made.counts()
    except httpx.TransportError:
        return False
    return True


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
