"""One real service and many large scopes: whether its memory stays flat, and how long a look takes.

`python -m tests.watch.large` serves 50 clouds of 2,000 attachments by a simulator that is a process
of its own, lets `reconciler watch` look at each 12 times, and prints memory, CPU and ticks as it
goes. Exit 1 where a look failed, or memory grew by more than a tenth after half of the looks.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fleet.running import Fleet, Plot, manifests, until, world

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT_S = 3600.0
EVERY_S = 20.0
GROWN_SHARE = 1.1
TICKS = "SELECT count(*), sum(looked), avg(took_s), max(took_s) FROM ticks GROUP BY scope"


def main() -> int:
    """Look, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.watch.large", description=__doc__)
    parser.add_argument("--scopes", type=int, default=50)
    parser.add_argument("--attachments", type=int, default=2000, help="of each scope")
    parser.add_argument("--ticks", type=int, default=12)
    asked = parser.parse_args()
    plot = Plot(
        scopes=asked.scopes,
        attachments=asked.attachments,
        attached=True,
        schedule="{every: 20s, correct: true}",
    )
    folder = Path(tempfile.mkdtemp(prefix="reconciler-large-"))
    running: list[subprocess.Popen[bytes]] = []
    try:
        made = _served(plot, folder, running)
        return _watched(made, running, asked.ticks)
    finally:
        for one in running:
            one.kill()
            one.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _served(plot: Plot, folder: Path, running: list[subprocess.Popen[bytes]]) -> Fleet:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    made = Fleet(plot=plot, folder=folder, url="", address=f"http://127.0.0.1:{port}")
    worlds = "---\n".join(world(plot, number) for number in range(plot.scopes))
    (folder / "all.world.yaml").write_text(worlds, encoding="utf-8")
    (folder / "manifests").mkdir()
    declared = manifests(plot, made.address)
    (folder / "manifests" / "all.yaml").write_text(declared, encoding="utf-8")
    words = ["simulator", "--world", "all.world.yaml", "--listen", f"127.0.0.1:{port}"]
    running.append(_started(made, words))
    until(lambda: _listens(port), LIMIT_S, "the simulator listens")
    return made


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _started(made: Fleet, words: Sequence[str]) -> subprocess.Popen[bytes]:
    environ = {k: v for k, v in made.environ().items() if k != "RECONCILER_DATABASE_URL"}
    with (made.folder / f"{words[0]}.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
            [sys.executable, "-m", "reconciler", *words],
            cwd=made.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _watched(made: Fleet, running: list[subprocess.Popen[bytes]], ticks: int) -> int:
    service = _started(made, ["watch"])
    running.append(service)
    began_s, half_mib = time.monotonic(), 0.0
    while time.monotonic() - began_s < LIMIT_S:
        time.sleep(EVERY_S)
        mib, cpu_s, rows = _memory_mib(service.pid), _cpu_s(service.pid), _rows(made.folder)
        if len(rows) < made.plot.scopes:
            continue
        least, total = min(row[0] for row in rows), sum(row[0] for row in rows)
        failed = total - sum(row[1] for row in rows)
        mean_s = sum(row[0] * row[2] for row in rows) / total
        took = f"{mean_s:.1f} s a tick, {max(row[3] for row in rows):.1f} s at most"
        passed_s = time.monotonic() - began_s
        print(f"{passed_s:.0f} s: {total} ticks, {failed} failed, {took}, ", end="")
        print(f"{cpu_s / total:.2f} s CPU each, {mib:.0f} MiB", flush=True)
        half_mib = half_mib or (mib if least >= ticks // 2 else 0.0)
        if least >= ticks:
            return int(failed > 0 or mib > half_mib * GROWN_SHARE)
    return 1


def _rows(folder: Path) -> list[tuple[int, int, float, float]]:
    """Give ticks, those that saw, mean and longest of each scope."""
    try:
        book = sqlite3.connect(f"file:{folder}/.reconciler/journal.db?mode=ro", uri=True)
        rows: list[tuple[int, int, float, float]] = book.execute(TICKS).fetchall()
        book.close()
    except sqlite3.OperationalError:
        return []  # It isn't there yet.
    return rows


def _memory_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def _cpu_s(pid: int) -> float:
    told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / 100


if __name__ == "__main__":
    sys.exit(main())
