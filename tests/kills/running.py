"""Processes and what they leave: a simulator of its own, commands, the cloud's own word."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.cli.running import REPOSITORY
from tests.kills.story import Write, write_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.kills.story import Part, Story

LIMIT_S = 240.0
"""A command that takes longer is ended, and its run is wrong."""
START_S = 20.0
FLAGS = ("--auto-approve", "--first-apply")
KILLED = -signal.SIGKILL
ARRIVES_S = 0.2
"""Longer than the latency of any world."""
REFUSALS = 300
"""Statuses from here on mean that a request was not accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One changing request, as the cloud noted it."""

    at_s: float
    write: Write
    status: int | None

    @property
    def accepted(self) -> bool:
        """Whether the cloud took it on."""
        return self.status is not None and self.status < REFUSALS


@dataclass(frozen=True, slots=True)
class Cloud:
    """A simulator that is a process of its own, with the worlds of several stories."""

    address: str

    def sent(self, story: Story) -> list[Sent]:
        """Give the changing requests of a story, in their order."""
        rows = self._told("requests")["requests"]
        ids = story.ids
        sent = [
            Sent(at_s=r["at"], write=write_of(r["method"], r["path"]), status=r["status"])
            for r in rows
            if r["changing"]
        ]
        return [one for one in sent if {one.write.server, one.write.volume} & ids]

    def sent_by_the_dead(self, story: Story) -> list[Sent]:
        """Give the changing requests of a story once those of a dead process have arrived."""
        self.asked()  # Its answer comes after the cloud has read what was in its buffers.
        time.sleep(ARRIVES_S)
        return self.sent(story)

    def strangers(self) -> list[str]:
        """Give the changing requests that no documented path explains."""
        rows = self._told("requests")["requests"]
        every = [write_of(row["method"], row["path"]) for row in rows if row["changing"]]
        return [write.verb for write in every if not (write.server or write.volume)]

    def asked(self) -> int:
        """Count all requests."""
        counts = self._told("requests")["counts"]
        return int(counts["changing"] + counts["reading"])

    def attached(self, part: Part) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Give the attachments of a world by the names of their ends, boot volumes left out."""
        told = self._told("world", projectId=part.project_id)
        names = {row["id"]: row["name"] for row in (*told["servers"], *told["volumes"])}
        rows = {(names[row["server"]], names[row["volume"]]): row for row in told["attachments"]}
        return {pair: row for pair, row in rows.items() if not pair[1].endswith("-boot")}

    def _told(self, what: str, **query: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.address}/_sim/{what}", params=query, timeout=30.0)
        answer.raise_for_status()
        return dict(answer.json())


@contextmanager
def clouds(stories: Sequence[Story], folder: Path) -> Iterator[Cloud]:
    """Serve the worlds of stories by `reconciler simulator`, until the block ends."""
    worlds = [part.world for story in stories for part in story.parts]
    path = folder / "all.world.yaml"
    path.write_text("---\n".join(worlds), encoding="utf-8")
    port = free_port()
    command = ["simulator", "--world", str(path), "--listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
        [sys.executable, "-m", "reconciler", *command],
        cwd=folder,
        env=_environ({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        cloud = Cloud(f"http://127.0.0.1:{port}")
        _await(cloud, process)
        yield cloud
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _await(cloud: Cloud, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until_s:
        try:
            cloud.asked()
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("the simulator did not start")


def _environ(more: Mapping[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER")}
    return {**ours, "PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1", **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command left behind; `code` is minus its signal where it was killed."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass(slots=True)
class Running:
    """A command that was started; the folder keeps what it prints."""

    process: subprocess.Popen[bytes]
    told: Path
    began_s: float = field(default_factory=time.monotonic)

    def kill(self) -> None:
        """Kill it, if it still runs."""
        self.process.kill()

    def end(self) -> Ran:
        """Wait for its end and give what it left."""
        late = ""
        try:
            self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            late = f"\nit had not ended after {LIMIT_S:.0f} s"
        return Ran(
            code=self.process.returncode,
            out=self.told.with_suffix(".out").read_text(encoding="utf-8", errors="replace"),
            err=self.told.with_suffix(".err").read_text(encoding="utf-8", errors="replace") + late,
            seconds=time.monotonic() - self.began_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder with a story's manifests and journal, in front of a cloud."""

    story: Story
    cloud: Cloud
    folder: Path

    def lay(self) -> None:
        """Make the folder and write the manifests into it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = self.story.text(self.cloud.address)
        (self.folder / "manifests.yaml").write_text(text, encoding="utf-8")

    def start(self, name: str, orders: Mapping[str, object], *arguments: str) -> Running:
        """Start an apply; `name` is what its output is kept under."""
        words = ("apply", "-f", "manifests.yaml", *FLAGS, *self.story.acks, *arguments)
        told = self.folder / name
        with told.with_suffix(".out").open("wb") as out, told.with_suffix(".err").open("wb") as err:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
                [sys.executable, *_module(orders), *words],
                cwd=self.folder,
                env=_environ(self.story.environ()),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        return Running(process, told)

    def apply(self, name: str, orders: Mapping[str, object], *arguments: str) -> Ran:
        """Run an apply to its end."""
        return self.start(name, orders, *arguments).end()

    def intents(self) -> list[Intended]:
        """Give the calls that the journal knows of; a copy is read, the file is left alone."""
        with tempfile.TemporaryDirectory() as copy:
            for path in (self.folder / ".reconciler").glob("journal.db*"):
                if not path.name.endswith("-shm"):
                    shutil.copy(path, copy)
            book = sqlite3.connect(Path(copy) / "journal.db")
            try:
                rows = book.execute(_INTENTS).fetchall()
            finally:
                book.close()
        return [
            Intended(label=label, verb=verb, keys=_keys(call), ended=bool(ended))
            for label, verb, call, ended in rows
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """A call that the journal knows of."""

    label: str
    verb: str
    keys: tuple[tuple[str, str], ...]
    ended: bool
    """Whether what became of it is written too."""

    def write(self, story: Story) -> Write | None:
        """Give how its request looks in the cloud's log; None where the story has no such call."""
        pairs = {pair for s, v in self.keys for pair in ((s, v), (s, ""), ("", v))}
        known = (Write(self.verb, *pair) for pair in pairs)
        found = [write for write in known if story.writes.get(write) == len(self.keys)]
        return found[0] if len(found) == 1 else None


_INTENTS = """
SELECT label, verb, call, EXISTS (SELECT 1 FROM verdicts WHERE verdicts.intent = intents.id)
FROM intents ORDER BY id
"""


def _keys(call: str) -> tuple[tuple[str, str], ...]:
    return tuple((server, volume) for server, volume in json.loads(call)["keys"])


def _module(orders: Mapping[str, object]) -> tuple[str, ...]:
    """Give what is run: the command line as everybody runs it, or under orders."""
    if not orders:
        return ("-m", "reconciler")
    return ("-m", "tests.kills.launcher", json.dumps(orders))
