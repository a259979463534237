"""Readers by the hundred while a service looks: the real process, 2,000 attachments.

    python -m tests.web.load [--per-second 200] [--seconds 20]

Prints how many requests were answered, how fast, and how many ticks went on meanwhile; the status
is 1 where an answer was wrong, or fewer were given than asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.rig.processes import Child

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS, DISKS = 100, 20
CONNECTIONS = 16
PATHS = (
    "/",
    "/api/watched",
    "/scopes/big",
    "/api/scopes/big",
    "/search?q=v-7",
    "/metrics",
    "/history?since=24h",
    "/static/page.css",
)
PROJECT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
CLOUD = "127.0.0.1:18499"
KEPT = 0.97
"""The share of the wished requests that must have been answered in time."""


def world() -> str:
    """Write the world, as YAML that is JSON: one volume in a hundred is on no server."""
    servers = [
        {"id": f"s-{n}", "name": f"web-{n}", "az": "a", "bootVolume": f"boot-{n}"}
        for n in range(SERVERS)
    ]
    pairs = [(f"web-{n}", f"v-{n}-{disk}") for n in range(SERVERS) for disk in range(DISKS)]
    return json.dumps(
        {
            "provider": "huawei-ecs",
            "projectId": PROJECT,
            "jobSeconds": 0.5,
            "latencySeconds": 0.01,
            "servers": servers,
            "volumes": [{"id": v, "name": v, "sizeGib": 1, "az": "a"} for _, v in pairs],
            "attachments": [
                {"server": s, "volume": v} for n, (s, v) in enumerate(pairs) if n % 100
            ],
        }
    )


def manifests(address: str) -> str:
    """Write what is declared: all of it."""
    scope = {"provider": "huawei-ecs", "region": "r1", "projectId": PROJECT, "endpoint": address}
    rows = {f"web-{n}": {"volumes": [f"v-{n}-{d}" for d in range(DISKS)]} for n in range(SERVERS)}
    documents = [
        {"kind": "Scope", "metadata": {"name": "big"}, "spec": scope},
        {
            "kind": "Attachments",
            "metadata": {"name": "big"},
            "spec": {"scope": "big", "servers": rows},
        },
    ]
    whole = [{"apiVersion": "reconciler/v1", **one} for one in documents]
    return "\n---\n".join(json.dumps(one) for one in whole)


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a verb until the block ends."""
    environ = os.environ | {"HW_ACCESS_KEY": "simulator", "HW_SECRET_KEY": "simulator-secret"}
    command = [sys.executable, "-u", "-m", "reconciler", *arguments]
    with Child(
        command,
        cwd=folder,
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        yield process
        process.send_signal(signal.SIGTERM)


@dataclass
class Answers:
    """What came back."""

    took_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


async def _read(page: str, per_second: float, seconds: float) -> Answers:
    """Ask evenly, whatever the answers take, over a few connections that stay open."""
    answers, waiting = Answers(), asyncio.Queue[int]()
    loop = asyncio.get_running_loop()

    async def reader() -> None:
        async with httpx.AsyncClient(base_url=page, timeout=30, trust_env=False) as client:
            while (number := await waiting.get()) >= 0:
                began = loop.time()
                path = PATHS[number % len(PATHS)]
                answer = await client.get(path)
                answers.took_s.append(loop.time() - began)
                if answer.status_code != httpx.codes.OK:
                    answers.wrong.append(f"{path}: {answer.status_code}")

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(reader())
        began = loop.time()
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, began + number / per_second - loop.time()))
            waiting.put_nowait(number)
            if loop.time() - began > seconds:
                break
        for _ in range(CONNECTIONS):
            waiting.put_nowait(-1)
    return answers


def main() -> int:
    """Let a service look while its page is read; print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-second", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    wished = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "w.yaml").write_text(world(), encoding="utf-8")
        with running(folder, "simulator", "--world", "w.yaml", "--listen", CLOUD) as cloud:
            assert cloud.stdout is not None
            cloud.stdout.readline()
            (folder / "m.yaml").write_text(manifests(f"http://{CLOUD}"), encoding="utf-8")
            with running(
                folder, "watch", "-f", "m.yaml", "--every", "10s", "--listen", "127.0.0.1:0"
            ) as service:
                return _measured(service, wished.per_second, wished.seconds)


def _measured(service: subprocess.Popen[str], per_second: float, seconds: float) -> int:
    assert service.stdout is not None
    page = service.stdout.readline().split()[-1]
    with httpx.Client(base_url=page, trust_env=False) as client:
        while client.get("/readyz").status_code != httpx.codes.OK:
            time.sleep(0.2)
        asked = {"since": "90d", "limit": "1000"}
        before = len(client.get("/api/ticks", params=asked).json()["ticks"])
        answers = asyncio.run(_read(page, per_second, seconds))
        ticks = client.get("/api/ticks", params=asked).json()["ticks"]
    slow = statistics.quantiles(answers.took_s, n=100)
    done = len(answers.took_s) / (per_second * seconds)
    told = {tick["counts"].get("drift") for tick in ticks}
    print(
        f"{len(answers.took_s)} answers in {seconds:g} s ({100 * done:.1f} % of those wished), "
        f"{len(answers.wrong)} wrong; p50 {1000 * slow[49]:.0f} ms, p95 {1000 * slow[94]:.0f} ms, "
        f"p99 {1000 * slow[98]:.0f} ms; {len(ticks) - before} ticks meanwhile, of "
        f"{max(tick['seconds'] for tick in ticks):g} s at most, drift seen {sorted(map(str, told))}"
    )
    return int(bool(answers.wrong) or done < KEPT)


if __name__ == "__main__":
    sys.exit(main())
