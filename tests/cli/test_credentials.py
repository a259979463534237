"""Where credentials come from and where they never go; over a socket, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from reconciler.sim.app import build
from reconciler.sim.clock import WallClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.serving import serving
from reconciler.sim.world import read_worlds

from .running import REPOSITORY, WORLD, Lab

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ACCESS = "TESTACCESSKEY0000001"
SECRET = "TestSecretKeyNotReal/0123456789+abc="
PASSWORD = 'pass"word\\/+ <of> 1'
SECURITY = "gQpjbi1ub3J0aC0xSecurityToken/+=" * 8
PEOPLE = """\
keys: [{accessKey: TESTACCESSKEY0000001, secretKey: TestSecretKeyNotReal/0123456789+abc=}]
users: [{name: person, password: 'pass"word\\/+ <of> 1', domain: company}]
"""
SCOPE = """\
apiVersion: reconciler/v1
kind: Scope
metadata: {{name: lab}}
spec:
  provider: huawei-ecs
  region: ap-southeast-3
  projectId: 0a1b2c3d4e5f60718293a4b5c6d7e8f9
  endpoint: "{address}"
  credentials: {credentials}
"""
REAL = """\
apiVersion: reconciler/v1
kind: Scope
metadata: {{name: lab}}
spec: {{provider: huawei-ecs, region: ap-southeast-3, credentials: {credentials}}}
"""
ENTRY = "  servers:\n    web-3: {volumes: [three]}\n    web-1: {volumes: []}\n"
BY_KEY = "{accessKey: {env: HW_LAB_AK}, secretKey: {file: secret.txt}}"
BY_TEMPORARY = BY_KEY[:-1] + ", securityToken: {env: HUAWEICLOUD_LAB}}"
BY_USER = "{user: {env: HW_U}, password: {env: RECONCILER_CRED_P}, domain: {env: HW_D}}"
ENVIRON = {
    "HW_LAB_AK": f"{ACCESS}\n",
    "HUAWEICLOUD_LAB": SECURITY,
    "HW_U": "person",
    "HW_D": "company",
    "RECONCILER_CRED_P": PASSWORD,
}


@dataclass
class Parrot:
    """Repeats, wherever an answer may hold text, all that it was told to prove who asks."""

    inside: ASGIApp
    known: str = ""
    """What it found in its own books."""
    heard: list[str] = field(default_factory=list)
    changes: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = {key.decode(): value.decode() for key, value in scope["headers"]}
        proofs = [told.get(f"x-{name}-token", "") for name in ("auth", "security")]
        proofs.append(told.get("authorization", ""))
        proofs = [proof for proof in proofs if proof]
        self.heard += proofs
        words = f"you said {' and '.join(proofs)} with {self.known}".strip()
        self.changes += scope["method"] in {"POST", "DELETE"} and "auth" not in scope["path"]
        refuses = scope["method"] == "DELETE"
        echo = [(b"x-request-id", words.encode()), (b"location", words.encode())]

        async def repeat(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["status"] = 400 if refuses else message["status"]
                kept = [(k, v) for k, v in message["headers"] if k != b"content-length"]
                self.heard += [v.decode() for k, v in kept if k == b"x-subject-token"]
                kept.append((b"transfer-encoding", b"chunked"))
                message["headers"] = [*kept, *echo]
            elif refuses:
                inner = json.dumps({"error": {"message": words, "code": "Nova"}})
                message["body"] = escaped({"error": {"code": "Ecs.0100", "message": inner}})
            await send(message)

        await self.inside(scope, receive, repeat)


def escaped(document: object) -> bytes:
    """Write JSON in which every letter of a secret may be escaped, and slashes are."""
    text = json.dumps(document)
    return text.replace("T", "\\u0054").replace("/", "\\/").replace("=", "\\u003D").encode()


def reconciler(folder: Path, environ: Mapping[str, str], *words: str) -> tuple[int, str]:
    """Give the exit code and all that a process wrote."""
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "reconciler", *words, "-f", "lab.yaml", "--log-level", "debug"],
        cwd=folder,
        env={**os.environ, **environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("credentials", "known"),
    [(BY_KEY, SECRET), (BY_TEMPORARY, SECRET), (BY_USER, PASSWORD)],
    ids=["keys", "temporary keys", "user"],
)
def test_no_secret_reaches_any_output(lab: Lab, credentials: str, known: str) -> None:
    (lab.folder / "secret.txt").write_text(f"{SECRET}\n", encoding="utf-8")
    worlds = read_worlds(WORLD + PEOPLE, "lab.world.yaml")
    parrot = Parrot(build([Cloud(world, WallClock()) for world in worlds]), known)
    with serving(parrot) as address:
        lab.declare(ENTRY, scope=SCOPE.format(address=address, credentials=credentials))
        planned, words = reconciler(lab.folder, ENVIRON, "plan", "--out", "lab.plan")
        applied, more = reconciler(lab.folder, ENVIRON, "apply", "--first-apply", "--auto-approve")
    assert (planned, applied) == (0, 4), words + more
    assert "Ecs.0100" in more
    assert "you said ***" in more
    assert parrot.changes >= 2
    secrets = {ACCESS, SECRET, PASSWORD, json.dumps(PASSWORD)[1:-1], SECURITY, *parrot.heard}
    secrets |= {one.rpartition("Signature=")[2] for one in parrot.heard}
    kept = [path for path in lab.folder.rglob("*") if path.is_file() and path.name != "secret.txt"]
    assert {"lab.plan", "journal.db"} <= {path.name for path in kept}
    places = {"the output": (words + more).encode()}
    places |= {path.name: path.read_bytes() for path in kept if path.suffix != ".yaml"}
    print(f"{len(secrets)} secrets, {len(places)} places, {sum(map(len, places.values()))} bytes")
    found = [
        (name, one) for name, text in places.items() for one in secrets if one.encode() in text
    ]
    assert found == []


def test_a_wrong_key_is_noticed_with_one_request_and_told(lab: Lab) -> None:
    worlds = read_worlds(WORLD + PEOPLE, "lab.world.yaml")
    parrot = Parrot(build([Cloud(world, WallClock()) for world in worlds]))
    (lab.folder / "secret.txt").write_text("TestSecretKeyNotReal-but-wrong", encoding="utf-8")
    with serving(parrot) as address:
        lab.declare(ENTRY, scope=SCOPE.format(address=address, credentials=BY_KEY))
        code, words = reconciler(lab.folder, ENVIRON, "apply", "--first-apply", "--auto-approve")
    assert code == 4
    assert len(parrot.heard) == 1
    assert "error[scope-unreadable]" in words
    assert "HTTP 401 `APIGW.0301`" in words
    assert "verify aksk signature fail (check the secret key)" in words


def test_a_user_applies(lab: Lab) -> None:
    worlds = read_worlds(WORLD + PEOPLE, "lab.world.yaml")
    with serving(build([Cloud(world, WallClock()) for world in worlds])) as address:
        lab.declare(ENTRY, scope=SCOPE.format(address=address, credentials=BY_USER))
        code, words = reconciler(lab.folder, ENVIRON, "apply", "--first-apply", "--auto-approve")
    assert code == 0
    assert "Apply complete." in words
    assert words.count("POST /v3/auth/tokens: HTTP 201") == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "has no secret in it"),
        (b"", "has no secret in it"),
        (b" \n", "has no secret in it"),
        (b"\xff\xfe", "has no secret in it"),
        (b"one-secret\nanother-secret", "holds what no secretKey can be"),
        (b"a secret with blanks", "holds what no secretKey can be"),
        ("geheimnis-mit-ü".encode(), "holds what no secretKey can be"),
        (b"secret\x1b[2Jsecret", "holds what no secretKey can be"),
        (b"s" * 70_000, "holds what no secretKey can be"),
    ],
    ids=["none", "empty", "blank", "bytes", "lines", "blanks", "umlaut", "escape", "long"],
)
def test_a_file_without_a_usable_secret_is_refused_unseen(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, content: bytes | None, why: str
) -> None:
    if content is not None:
        (lab.folder / "secret.txt").write_bytes(content)
    monkeypatch.setenv("HW_LAB_AK", ACCESS)
    lab.declare(ENTRY, scope=REAL.format(credentials=BY_KEY))
    ran = lab.plan()
    assert ran.code == 1
    assert f"the file `secret.txt` {why}" in ran.err
    assert "lab.yaml:4" in ran.err
    assert content is None or not content.strip() or content.decode("latin-1") not in ran.err


def test_a_file_that_never_ends_is_not_read(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(lab.folder / "secret.txt")
    monkeypatch.setenv("HW_LAB_AK", ACCESS)
    lab.declare(ENTRY, scope=REAL.format(credentials=BY_KEY))
    assert "the file `secret.txt` has no secret in it" in lab.plan().err


@pytest.mark.parametrize(
    ("credentials", "missing"),
    [
        ("{accessKey: {env: HW_LAB_AK}}", "no secretKey for scope `lab`"),
        ("{secretKey: {env: HW_LAB_AK}}", "no accessKey for scope `lab`"),
        ("{securityToken: {env: HW_LAB_AK}}", "no accessKey and no secretKey for scope `lab`"),
    ],
)
@pytest.mark.parametrize("simulated", [True, False])
def test_half_a_pair_is_not_completed_from_elsewhere(
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    credentials: str,
    missing: str,
    simulated: bool,  # noqa: FBT001 - a parameter of the case
) -> None:
    monkeypatch.setenv("HW_LAB_AK", ACCESS)
    monkeypatch.setenv("HW_ACCESS_KEY", "another-access-key")
    monkeypatch.setenv("HW_SECRET_KEY", "another-secret-key")
    scope = REAL.format(credentials=credentials)
    if simulated:
        scope = scope.replace("region:", "endpoint: simulator, world: lab.world.yaml, region:")
    lab.declare(ENTRY, scope=scope)
    ran = lab.plan()
    assert ran.code == 1
    assert missing in ran.err
    assert "name variables or files under `spec.credentials`" in ran.err
