"""Snapshots: what was live of what manifests name, signed, for whoever plans without credentials.

1. An Ed25519 key signs: who can prove a snapshot can't make one, so a job without any secret may.
   An HMAC was rejected: a pipeline gives no secret to a fork, and a key that is given can sign.
2. The signature is over every byte, and nothing is read of a file before it holds.
3. A file that lies where the manifests do is refused: a pull request brings such files.
4. One that is too old, or from a time to come, is refused.
"""

from __future__ import annotations

import base64
import math
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from reconciler.model.finding import Finding, FindingsError
from reconciler.operations.snapshot_rows import Body, Head
from reconciler.operations.wholefile import write_whole
from reconciler.repository.tree import root_of
from reconciler.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.operations.snapshot_rows import ScopeRow

SIGNS = "RECONCILER_SNAPSHOT_KEY"
"""The variable with the key that signs, as `openssl genpkey -algorithm ed25519` writes it."""
PROVES = "RECONCILER_SNAPSHOT_PUBLIC_KEY"
"""The variable with its public half, as `openssl pkey -pubout` writes it."""
FORMAT = 1
MEANT = b"attachment reconciler snapshot 1\n"
"""What is signed before the file's own bytes: no other use of the key makes such a signature."""
LONGEST_BYTES = 256 * 1024 * 1024
AHEAD = timedelta(minutes=5)
"""By how much clocks of two machines may differ."""
DAY_S = 24 * 60 * 60
AGAIN = "fetch it anew from the run of the main branch that made it, and change nothing in it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot that was proved."""

    made: datetime
    age: timedelta
    scopes: Mapping[str, ScopeRow]


def signing_key(environ: Mapping[str, str]) -> Ed25519PrivateKey:
    """Give the key that signs. Raises FindingsError where there is none."""
    try:
        key = load_der_private_key(_der(environ, SIGNS), password=None)
    except (ValueError, TypeError) as error:
        raise _no_key(SIGNS, "holds no Ed25519 key without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(SIGNS, "holds no Ed25519 key without a password")
    return key


def write(
    path: Path, scopes: Mapping[str, ScopeRow], key: Ed25519PrivateKey, made: datetime
) -> None:
    """Write a snapshot that only its owner may read; whole or not at all. Raises FindingsError."""
    told = Body(
        version=__version__, made_s=made.timestamp() // 1, scopes=dict(sorted(scopes.items()))
    )
    body = msgspec.json.encode(told) + b"\n"
    signature = base64.b64encode(key.sign(MEANT + body)).decode("ascii")
    head = msgspec.json.encode(Head(attachment_reconciler_snapshot=FORMAT, signature=signature))
    try:
        write_whole(path, head + b"\n" + body)
    except OSError as error:
        what = f"can't be written: {error.strerror}"
        raise _wrong("snapshot-file", path, what, "choose another --snapshot FILE") from error


def read(
    path: Path,
    files: Sequence[str],
    environ: Mapping[str, str],
    now: datetime,
    oldest: timedelta,
) -> Snapshot:
    """Read a snapshot for the manifests in `files`. Raises FindingsError where it isn't to be used.

    `oldest` is the age up to which it is.
    """
    content = _content(path)
    _elsewhere(path, files)
    body = _proved(path, content, environ)
    made = datetime.fromtimestamp(body.made_s, tz=UTC)
    age = now - made
    if age > oldest:
        what = f"is {told_age(age)} old, and may be {told_age(oldest)}"
        raise _wrong("snapshot-too-old", path, what, "fetch a newer one, or say `--max-age`")
    if age < -AHEAD:
        what = f"was made {told_age(-age)} from now"
        raise _wrong("snapshot-file", path, what, "set the clocks of both machines")
    return Snapshot(made=made, age=max(age, timedelta()), scopes=body.scopes)


def told_age(age: timedelta) -> str:
    """Give how long something took or takes, in its two largest units; parts of seconds are one."""
    seconds = math.ceil(age.total_seconds())
    days = seconds // DAY_S if seconds >= 2 * DAY_S else 0
    left = seconds - days * DAY_S
    parts = [(days, "d"), (left // 3600, "h"), (left // 60 % 60, "min"), (left % 60, "s")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{number} {unit}" for number, unit in parts[:2] if number) or "0 s"


def moment(made: datetime) -> str:
    """Give when it was made, in UTC."""
    return made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _elsewhere(path: Path, files: Sequence[str]) -> None:
    """Raise FindingsError for a file that may have come with the manifests; links are followed."""
    real = Path(os.path.realpath(path))
    for file in files:
        beside = Path(os.path.realpath(file))
        folders = {root_of(Path(file)), beside if beside.is_dir() else beside.parent} - {None}
        inside = next((f for f in folders if f is not None and real.is_relative_to(f)), None)
        if inside is not None:
            raise _wrong(
                "snapshot-place",
                path,
                f"lies in `{inside}`, with the manifests: a pull request may have brought it",
                "put it into a folder of its own, outside the checkout",
            )


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise _wrong("snapshot-file", path, "isn't a file", AGAIN)
        with path.open("rb") as file:
            content = file.read(LONGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise _wrong("snapshot-file", path, f"can't be read: {why}", AGAIN) from error
    if len(content) > LONGEST_BYTES:
        raise _wrong("snapshot-file", path, f"is larger than {LONGEST_BYTES} bytes", AGAIN)
    return content


def _proved(path: Path, content: bytes, environ: Mapping[str, str]) -> Body:
    """Give what a file says, when the key of the environment signed it."""
    try:
        key = load_der_public_key(_der(environ, PROVES))
    except (ValueError, TypeError) as error:
        raise _no_key(PROVES, "holds no public Ed25519 key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(PROVES, "holds no public Ed25519 key")
    first, _, body = content.partition(b"\n")
    try:
        head = msgspec.json.decode(first, type=Head)
        if head.attachment_reconciler_snapshot != FORMAT:
            what = f"is of format {head.attachment_reconciler_snapshot}, and {FORMAT} is read"
            raise _wrong("snapshot-file", path, what, "make it with this version")
        key.verify(base64.b64decode(head.signature, validate=True), MEANT + body)
    except InvalidSignature as error:
        what = f"wasn't signed by the key of `{PROVES}`, or was changed since"
        raise _wrong("snapshot-signature", path, what, AGAIN) from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _wrong("snapshot-file", path, "isn't a snapshot", AGAIN) from error
    try:
        return msgspec.json.decode(body, type=Body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        what = "is signed, and holds what this version can't read"
        raise _wrong("snapshot-file", path, what, "make it with this version") from error


def _der(environ: Mapping[str, str], name: str) -> bytes:
    """Give the bytes of a key: PEM, or the text between its first and last line."""
    text = environ.get(name, "").strip()
    if not text:
        raise _no_key(name, "isn't set")
    lines = [line.strip() for line in text.replace("\\n", "\n").splitlines()]
    try:
        return base64.b64decode("".join(x for x in lines if not x.startswith("-")), validate=True)
    except ValueError as error:
        raise _no_key(name, "holds no key in PEM") from error


def _no_key(name: str, what: str) -> FindingsError:
    half = "-pubout" if name == PROVES else "-algorithm ed25519"
    verb = "pkey" if name == PROVES else "genpkey"
    finding = Finding(
        code="snapshot-key",
        summary=f"the variable `{name}` {what}",
        hint=f"set it to what `openssl {verb} {half}` prints",
    )
    return FindingsError(finding)


def _wrong(code: str, path: Path, what: str, hint: str) -> FindingsError:
    return FindingsError(Finding(code=code, summary=f"the snapshot `{path}` {what}", hint=hint))
