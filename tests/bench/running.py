"""The real command in its own process against the simulator in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.bench.bounds import Job
from tests.bench.cases import text_of
from tests.bench.manifests import write
from tests.cli.running import REPOSITORY
from tests.kills.running import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.bench.cases import Case

START_S = 300.0
"""A world of a million attachments takes a minute to make."""
KIB = 1024
AROUND = {
    "HW_ACCESS_KEY": "simulator",
    "HW_SECRET_KEY": "simulator-secret",
    "NO_COLOR": "1",
    "PYTHONPATH": str(REPOSITORY),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a process took."""

    code: int
    wall_s: float
    cpu_s: float
    memory_mb: float
    """Resident, at its highest."""
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the cloud was asked by one command."""

    read_s: float
    """Until the last page of the first listing was answered."""
    seconds: float
    """From the first request to the last answer."""
    pages: int
    words: int
    """Servers and volumes that were asked for their own word before anything was changed."""
    writes: int
    refused: int
    looks: int
    """Everything that was read after the first change."""
    jobs: tuple[Job, ...]
    ended_s: float
    """The last answer, by the cloud's own clock, as its jobs are."""


def run(words: Sequence[str], folder: Path) -> Spent:
    """Run a command to its end; `words` begin with the interpreter's."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER")}
    out, err = folder / "out.txt", folder / "err.txt"
    began_s = time.perf_counter()
    with out.open("wb") as to, err.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
            [sys.executable, *words],
            cwd=folder,
            env={**ours, **AROUND},
            stdin=subprocess.DEVNULL,
            stdout=to,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Spent(
        code=process.returncode,
        wall_s=time.perf_counter() - began_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        memory_mb=usage.ru_maxrss / KIB,
        out=out.read_text(encoding="utf-8"),
        err=err.read_text(encoding="utf-8"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A folder with a case's manifest, in front of its cloud."""

    case: Case
    folder: Path
    address: str

    def command(self, *words: str) -> Spent:
        """Run the command line."""
        return run(("-m", "reconciler", *words), self.folder)

    def asked(self) -> Asked:
        """Give what the cloud was asked so far."""
        told = httpx.get(f"{self.address}/bench", timeout=60.0).json()
        return asked_of(told, self.case.latency_s)


def asked_of(told: Mapping[str, list[list[Any]]], latency_s: float) -> Asked:
    """Give what a cloud was asked, out of what it tells of itself at `/bench`."""
    rows = told["requests"]
    first_s = rows[0][0] - latency_s if rows else 0.0
    writes = [at for at, kind, _ in rows if kind in {"write", "refused"}]
    before = [row for row in rows if not writes or row[0] < writes[0]]
    pages = [row for row in before if row[1] == "page"]
    kinds = [kind for _, kind, _ in rows]
    return Asked(
        read_s=pages[-1][0] - first_s if pages else 0.0,
        seconds=rows[-1][0] - first_s if rows else 0.0,
        pages=len(pages),
        words=len(before) - len(pages),
        writes=kinds.count("write"),
        refused=kinds.count("refused"),
        looks=len(rows) - len(before) - len(writes),
        jobs=tuple(Job(*job) for job in told["jobs"]),
        ended_s=rows[-1][0] if rows else 0.0,
    )


@contextmanager
def ground(case: Case) -> Iterator[Ground]:
    """Serve the world of a case until the block ends, with its manifest in a folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        ours = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
            [sys.executable, "-m", "tests.bench.cloud", text_of(case), str(port)],
            cwd=REPOSITORY,
            env=ours,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _await(address, process)
            write(case, address, folder / "manifests.yaml")
            yield Ground(case=case, folder=folder, address=address)
        finally:
            process.kill()
            process.wait()


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until_s:
        try:
            httpx.get(f"{address}/bench", timeout=60.0).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the simulator did not start")
