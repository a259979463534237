"""Every verb and format, with a canary in every credential: not one of them is shown or kept."""

from __future__ import annotations

import json
import logging
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import reconciler
from reconciler.report.formats import FORMATS
from reconciler.sim.app import build
from reconciler.sim.clock import WallClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.serving import serving
from reconciler.sim.world import read_worlds
from tests.cli.running import WORLD
from tests.cli.test_credentials import (
    ACCESS,
    BY_KEY,
    BY_TEMPORARY,
    BY_USER,
    ENVIRON,
    PASSWORD,
    PEOPLE,
    SCOPE,
    SECRET,
    SECURITY,
    Parrot,
)
from tests.rig.canaries import shown, spellings
from tests.rig.inbox import inbox
from tests.rig.pem import pem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tests.cli.running import Lab

ENTRIES = """\
  servers:
    web-1: {volumes: [one, shared], others: keep}
    web-2: {volumes: [shared, three]}
---
apiVersion: reconciler/v1
kind: Schedule
metadata: {name: nightly}
spec:
  every: 10s
  notify:
    - webhook: {urlFrom: {env: RECONCILER_CRED_URL}, keyFrom: {env: RECONCILER_CRED_KEY}}"""
OF_WEBHOOK = "canary-of-the-webhook/9Xq+7"
OF_ITS_KEY = "canary-of-its-key-4nJ=2"
OF_DATABASE = "canary-of-the-database-8Lm"
KEY, PUBLIC = pem(Ed25519PrivateKey.generate())


class Echo:
    """Calls a server by what its client said to prove who it is: a name goes everywhere."""

    def __init__(self, inside: ASGIApp) -> None:
        self._inside = inside
        self.known = ""
        """What it found in its own books."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = {key.decode(): value.decode() for key, value in scope["headers"]}
        proof = told.get("authorization") or told.get("x-auth-token", "")
        begun: list[Message] = []

        async def repeat(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(k, v) for k, v in message["headers"] if k != b"content-length"]
                begun.append({**message, "headers": kept})
                return
            body = message.get("body", b"")
            name = json.dumps(f"web-3 {proof} {self.known}").encode()
            for written in (b'"name":"web-3"', b'"name": "web-3"'):
                body = body.replace(written, b'"name":' + name)
            if begun:
                await send(begun.pop())
            await send({**message, "body": body})

        await self._inside(scope, receive, repeat)


@pytest.fixture
def told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Parrot]]:
    """Give what serves a cloud that repeats all it hears, and declares it with some credentials."""
    (lab.folder / "secret.txt").write_text(f"{SECRET}\n", encoding="utf-8")
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RECONCILER_SNAPSHOT_KEY", KEY)
    monkeypatch.setenv("RECONCILER_CRED_KEY", OF_ITS_KEY)
    worlds = read_worlds(WORLD + PEOPLE, "lab.world.yaml")
    app = build([Cloud(world, WallClock()) for world in worlds])
    echo = Echo(app)
    parrot = Parrot(echo)
    with serving(parrot) as address, inbox() as (box, _):
        monkeypatch.setenv("RECONCILER_CRED_URL", f"{box}/hook/{OF_WEBHOOK}")
        monkeypatch.setenv("RECONCILER_ENDPOINTS", box)

        def declare(credentials: str) -> Parrot:
            echo.known = parrot.known = PASSWORD if credentials == BY_USER else SECRET
            scope = SCOPE.format(address=address, credentials=credentials)
            lab.declare(ENTRIES, scope=scope)
            return parrot

        yield declare


def said(lab: Lab, *commands: tuple[str, ...]) -> dict[str, bytes]:
    """Run commands with the log at its loudest; give by command what each one wrote."""
    found = {}
    for words in commands:
        ran = lab.run(*words, "-f", "lab.yaml", "--log-level", "debug")
        found[" ".join(words)] = (ran.out + ran.err).encode()
    return found


def kept(folder: Path) -> dict[str, bytes]:
    """Give by name what lies in a folder, but for what was put there."""
    mine = {"secret.txt", "lab.yaml", "lab.world.yaml"}
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in mine)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    "credentials", [BY_KEY, BY_TEMPORARY, BY_USER], ids=["keys", "temporary keys", "user"]
)
def test_no_verb_shows_or_keeps_a_secret(
    lab: Lab,
    told: Callable[[str], Parrot],
    credentials: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    parrot = told(credentials)
    caplog.set_level(logging.DEBUG)
    places = said(
        lab,
        ("live", "--json"),
        *(("plan", "--format", form) for form in FORMATS),
        ("plan", "--preflight", "--out", "lab.plan"),
        ("apply", "--auto-approve", "--json", "--target", "*/three"),
        ("apply", "--auto-approve"),
        *(("drift", *more) for more in ((), ("--json",), ("--snapshot", "live.snapshot"))),
        *(("import", *more) for more in ((), ("--out", "made"))),
        *((verb, "s-1/v-1") for verb in ("explain",)),
        ("doctor",),
        ("permissions",),
        ("validate", "--format", "sarif"),
        ("watch", "--once", "--metrics-file", "m.prom"),
        ("watch", "--once", "--correct"),
    )
    runs = json.loads(lab.run("history", "--json").out)["runs"]
    for words in (
        *(("show", "lab.plan", "--format", form) for form in FORMATS),
        ("history",),
        ("history", runs[0]["id"], "--json"),
        ("show", runs[-1]["id"], "--format", "json"),
        ("lock", "list"),
    ):
        ran = lab.run(*words)
        places[" ".join(words)] = (ran.out + ran.err).encode()
    places |= said(lab, ("undo", runs[-1]["id"]), ("undo", runs[-1]["id"], "--json"))
    places |= kept(lab.folder) | {"the log": caplog.text.encode()}
    assert {".reconciler/journal.db", "lab.plan", "live.snapshot", "m.prom"} <= places.keys()
    assert b"Ecs.0100" in places["the log"] + places["apply --auto-approve"], "it was refused"
    assert b"web-3 *** ***" in places["plan --format text"] + places["live --json"]
    heard = {one.rpartition("Signature=")[2] for one in parrot.heard} | set(parrot.heard)
    middle = "".join(KEY.splitlines()[1:-1])
    secrets = {ACCESS, SECRET, PASSWORD, SECURITY, OF_WEBHOOK, OF_ITS_KEY, middle, *heard}
    assert len(heard) > 0
    assert shown(secrets, places) == []


def frames(error: traceback.TracebackException) -> Iterator[tuple[str, str]]:
    """Give where each frame of ours stands, and what its locals show."""
    ours = reconciler.__path__[0]
    yield "the words", str(error)
    for frame in error.stack:
        if frame.filename.startswith(ours):
            shown_here = f"{frame.line} {sorted((frame.locals or {}).items())}"
            yield f"{frame.filename}:{frame.lineno}", shown_here
    for one in (*(error.exceptions or ()), error.__cause__, error.__context__):
        if one is not None:
            yield from frames(one)


class PlantedError(Exception):
    """A bug."""


@pytest.mark.parametrize("credentials", [BY_TEMPORARY, BY_USER], ids=["keys", "user"])
@pytest.mark.parametrize(
    ("where", "values"),
    [
        pytest.param("reconciler.operations.plans.resolve", True, id="planning"),
        pytest.param("reconciler.operations.sessions.wiring.guest_hooks", True, id="opening"),
        # Python prints no values, other tools do. At the edge they are what is about to be sent.
        pytest.param("reconciler.providers.http.bounded_body", False, id="receiving"),
    ],
)
def test_a_traceback_shows_no_secret(
    lab: Lab,
    told: Callable[[str], Parrot],
    monkeypatch: pytest.MonkeyPatch,
    credentials: str,
    where: str,
    values: bool,  # noqa: FBT001 - a column
) -> None:
    parrot = told(credentials)

    def broken(*_: Any, **__: Any) -> NoReturn:  # noqa: ANN401 - whatever it is called with
        raise PlantedError

    monkeypatch.setattr(where, broken)
    with pytest.raises((PlantedError, BaseExceptionGroup)) as caught:
        lab.run("plan", "-f", "lab.yaml")
    told_all = traceback.TracebackException.from_exception(caught.value, capture_locals=values)
    found = dict(frames(told_all))
    assert len(found) > 1
    secrets = {ACCESS, SECRET, PASSWORD, SECURITY, OF_WEBHOOK, OF_ITS_KEY, *parrot.heard}
    assert shown(secrets, {place: text.encode() for place, text in found.items()}) == []


def test_the_password_of_a_database_is_in_no_word_about_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lab.declare(ENTRIES)
    for url in (
        f"postgresql://u:{OF_DATABASE}@127.0.0.1:1/none",
        f"postgresql://u:{OF_DATABASE}@127.0.0.1:port/none",
        f"nothing://u:{OF_DATABASE}@127.0.0.1/none",
        f"{OF_DATABASE}",
    ):
        monkeypatch.setenv("RECONCILER_DATABASE_URL", url)
        found = said(lab, ("plan",), ("apply", "--auto-approve"), ("watch", "--once"))
        for words in (("history",), ("lock", "list"), ("fleet", "status"), ("show", "abc")):
            ran = lab.run(*words)
            assert ran.code == 1
            found[" ".join(words)] = (ran.out + ran.err).encode()
        assert shown({OF_DATABASE}, {**found, "the log": caplog.text.encode()}) == []


@pytest.mark.parametrize("how", [name for name, _ in spellings("abc")])
def test_a_planted_secret_is_found_however_it_is_spelt(how: str) -> None:
    secret = "a canary/with+marks=&ü"
    for spelling, text in spellings(secret):
        if spelling == how:
            assert any(found == how for _, found, _ in shown({secret}, {"x": b"<" + text + b">"}))
