"""A row, played: `plan` and `apply` of the real command line against the simulator, in one process.

Time is virtual and begins on Thursday, 15 January 2026, 08:00 UTC. What is asked of the cloud is
read from the requests themselves.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from reconciler.cli import apply as apply_verb
from reconciler.cli import drift as drift_verb
from reconciler.cli import plan as plan_verb
from reconciler.cli.interrupt import Interruptions
from reconciler.cli.main import main
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.record import Intent
from reconciler.operations import asked as asking
from reconciler.operations import sessions, wiring
from reconciler.operations.wiring import Surroundings
from reconciler.sim.app import build
from reconciler.sim.changes import act
from reconciler.sim.clock import LoopClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.world import read_worlds
from tests.campaign.asked import asked_for
from tests.campaign.books import MemoryPages, Unread
from tests.rig.pem import pem
from tests.rig.stage import utc_now
from tests.rig.transport import InProcess
from tests.rig.virtual_time import VirtualTimeLoop
from tests.scenarios import hooking
from tests.scenarios.world import (
    SPECS,
    applied_rows,
    id_of,
    labels_of,
    manifests_text,
    memory_of,
    with_ids,
    world_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    import httpx

    from reconciler.model.record import Identity
    from reconciler.sim.world import World
    from tests.campaign.asked import Asked
    from tests.scenarios.row import Row, Side

TOLD = re.compile(
    r"^ *(?:error|warning|note)\[([a-z0-9-]+)\]: |^ {4,}([a-z]+(?:-[a-z]+)*): ", re.MULTILINE
)
OUTCOME = re.compile(r"^  (?:refused|failed|unknown|done) .*? \(([a-z-]+)\)", re.MULTILINE)
WORDS = {"detach": "from", "attach": "to", "destroy": "of", "update": "on"}
NO_CODES = {"at", "hint", "deleteOnTermination", "note"}
ACTED = re.compile(r"(attach|detach) (\S+) (?:to|from) (\S+)")


SIGNS, PROVES = pem(ed25519.Ed25519PrivateKey.generate())


@dataclass(kw_only=True)
class Played:
    """What a row came to."""

    exits: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    text: str = ""

    @property
    def findings(self) -> list[str]:
        """Every code that was told, once, sorted."""
        told = {first or second for first, second in TOLD.findall(self.text)}
        return sorted((told | set(OUTCOME.findall(self.text))) - NO_CODES)


class Alone:
    """The lease of the only run there is."""

    held = believed = False

    def attempt(self, run: str, operation: str) -> None:
        """Get it."""
        del run, operation

    def release(self) -> None:
        """Give it back."""


class Unwatched(Unread):
    """What a service has written down: nothing."""

    def lasting(self) -> tuple[object, ...]:
        """Give what it saw differ."""
        return ()


class Pages(MemoryPages):
    """A scope's journal in memory."""

    lease = Alone()
    runs = Unread()
    hooks: hooking.Pages
    watch = Unwatched()
    corrections = Unread()


class Books:
    """A journal in memory for each scope, with what an earlier run left in it."""

    def __init__(self, row: Row) -> None:
        self._by_scope: dict[str, Pages] = {}
        for side in row.sides:
            pages = Pages(
                lambda: utc_now().timestamp(), rows=applied_rows(side), by=memory_of(side)
            )
            self._by_scope[side.name] = pages
            pages.hooks = hooking.pages_of(row) if side is row.sides[0] else hooking.Pages()
            for text in row.unfinished if side is row.sides[0] else ():
                pages.begin(_intent(text, side))

    def pages(self, identity: Identity, scope: str) -> Pages:
        """Give the pages of one scope."""
        del identity
        return self._by_scope[scope]

    def close(self) -> None:
        """Keep them."""


@dataclass
class Stand:
    """Everything that lasts as long as a row."""

    row: Row
    folder: Path
    runner: asyncio.Runner
    clouds: dict[str, Cloud] = field(default_factory=dict)
    transport: InProcess = field(init=False)
    sent: list[tuple[Asked, ...] | str] = field(default_factory=list)
    """Calls that left, and the hooks that ran, in their order."""

    def __post_init__(self) -> None:
        for side in self.row.sides:
            rules = self.row.faults if side is self.row.sides[0] else ()
            (world,) = read_worlds(world_text(side, rules), f"{side.name}.world.yaml")
            self.clouds[side.name] = self.runner.run(_cloud(world))
        app = build(tuple(self.clouds.values()), utc_now=utc_now)
        self.transport = InProcess(app)
        self.transport.watchers.append(self._left)

    def _left(self, request: httpx.Request) -> None:
        """Take in a request that leaves."""
        asked = asked_for(request.method, request.url.path, request.content)
        if asked:
            self.sent.append(asked)

    def around(self) -> Surroundings:
        """Give what the house is told of its machine."""
        environ = {"RECONCILER_SNAPSHOT_KEY": SIGNS, "RECONCILER_SNAPSHOT_PUBLIC_KEY": PROVES}
        for side in self.row.sides:
            environ[f"RECONCILER_CRED_{side.name.upper()}_A"] = f"key-of-{side.name}"
            environ[f"RECONCILER_CRED_{side.name.upper()}_S"] = f"secret-of-{side.name}"
        return Surroundings(
            environ=environ,
            folder=self.folder,
            transport=self.transport,
            utc_now=utc_now,
            hooks=hooking.Guests(self.row.hooks, self.sent.append),
        )

    def write(self, *, later: bool = False) -> None:
        """Write the manifests."""
        text = manifests_text(self.row, later=later)
        (self.folder / "row.yaml").write_text(text, encoding="utf-8")

    def meanwhile(self) -> None:
        """Do what somebody does at the console."""
        cloud = self.clouds[self.row.sides[0].name]
        for text in self.row.meanwhile or ():
            verb, volume, server = _parsed(text)
            self.runner.run(_acting(cloud, verb, id_of(server), id_of(volume)))


def played(row: Row, folder: Path) -> Played:
    """Play a row in a folder of its own."""
    made = Played()
    with (
        asyncio.Runner(loop_factory=VirtualTimeLoop) as runner,
        pytest.MonkeyPatch.context() as patch,
    ):
        stand = Stand(row, folder, runner)
        _staged(patch, stand)
        stand.write()
        flags = with_ids(row.flags).split()
        saving = ["--out", "saved.plan"] if row.saved else []
        first = ["--first-apply"] if row.first else []
        told = ["-f", "row.yaml", *flags, *first]
        if row.fork is not None:
            _forked(patch, made, stand, told)
            return made
        _command(patch, made, "plan", *told, "--detailed-exitcode", *saving)
        stand.write(later=True)
        stand.meanwhile()
        patch.setattr(sys, "stdin", io.StringIO("".join(f"{one}\n" for one in row.answers)))
        if row.saved:
            _command(patch, made, "apply", "saved.plan", *_kept(flags), *first)
        else:
            approve = [] if row.answers else ["--auto-approve"]
            _command(patch, made, "apply", *told, *approve)
        made.calls = list(_calls(row, stand.sent))
    return made


def _forked(patch: pytest.MonkeyPatch, made: Played, stand: Stand, told: list[str]) -> None:
    """Take a snapshot, and plan with it what a fork declares; nobody applies that."""
    snapshot = str(stand.folder.parent / f"{stand.folder.name}.snapshot")
    _command(patch, made, "drift", "-f", "row.yaml", "--snapshot", snapshot)
    made.text = ""
    stand.write(later=True)
    _command(patch, made, "plan", *told, "--offline", snapshot, "--detailed-exitcode")
    made.calls = list(_calls(stand.row, stand.sent))


def _kept(flags: list[str]) -> list[str]:
    """Give the flags that an apply of a saved plan is told again: it has its selection in it."""
    return [] if {"--target", "--exclude"} & {*flags} else flags


def _staged(patch: pytest.MonkeyPatch, stand: Stand) -> None:
    """Put a row in the places where the command line finds clock, cloud and journal."""
    books, around = Books(stand.row), stand.around()

    def stoppable(use_case: Callable[[Interruptions], Coroutine[object, object, object]]) -> object:
        async def whole() -> object:
            return await use_case(Interruptions())

        return stand.runner.run(whole())

    patch.chdir(stand.folder)
    patch.delenv("RECONCILER_INPUT", raising=False)
    for verb in (plan_verb, apply_verb, drift_verb):
        patch.setattr(verb, "surroundings", lambda: around)
    for verb in (plan_verb, drift_verb):
        patch.setattr(verb, "run", lambda use_case: stand.runner.run(use_case()))
    patch.setattr(apply_verb, "run_stoppable", stoppable)
    patch.setattr(wiring, "book", lambda *_, **__: books)
    # Discovery reads folders; nobody adds one meanwhile.
    patch.setattr(asking, "names", lambda: tuple(SPECS))
    patch.setattr(sessions, "spec_of", SPECS.__getitem__)


def _command(patch: pytest.MonkeyPatch, made: Played, *words: str) -> None:
    patch.setattr(sys, "argv", ["reconciler", *words])
    heard = io.StringIO()
    with redirect_stdout(heard), redirect_stderr(heard), pytest.raises(SystemExit) as end:
        main()
    made.exits[words[0]] = int(str(end.value.code))
    made.text += heard.getvalue()


def _calls(row: Row, sent: list[tuple[Asked, ...] | str]) -> Iterator[str]:
    """Give each changing request and each hook as a line, in the order in which they left."""
    labels: dict[str, str] = {}
    for side in row.sides:
        labels |= labels_of(side)
    for asked in sent:
        if isinstance(asked, str):
            yield asked
            continue
        verb = asked[0].verb
        volumes = dict.fromkeys(labels.get(one.volume_id, one.volume_id) for one in asked)
        servers = dict.fromkeys(labels.get(one.server_id, one.server_id) for one in asked)
        yield f"{verb} {', '.join(volumes)} {WORDS.get(verb, '?')} {', '.join(servers)}"


def _parsed(text: str) -> tuple[str, str, str]:
    found = ACTED.fullmatch(text)
    assert found is not None, f"`{text}`: write `attach VOLUME to SERVER` or `detach ... from ...`"
    verb, volume, server = found.groups()
    return verb, volume, server


def _intent(text: str, side: Side) -> Intent:
    verb, volume, server = _parsed(text)
    key = AttachmentKey(side.name, id_of(server), id_of(volume))
    call = Call(verb=Verb(verb), keys=(key,))
    return Intent(run="earlier", step_id="1", label=text, call=call)


async def _cloud(world: World) -> Cloud:
    return Cloud(world, LoopClock())


async def _acting(cloud: Cloud, verb: str, server_id: str, volume_id: str) -> None:
    refused = act(cloud, verb, cloud.servers[server_id], cloud.volumes[volume_id])
    assert refused is None, refused
