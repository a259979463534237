"""A PostgreSQL of Debian's on loopback, one for all workers of a session, a database a test."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = Path("/usr/lib/postgresql")
USER = "postgres"
"""Whom the server runs as where tests run as root, whom it refuses."""
PASSWORD = "hush-hush-4711"
PATIENCE_S = 60
SETTINGS = ("fsync=off", "max_connections=200", "shared_buffers=16MB", "log_statement=none")
"""Nobody pulls the plug of a test: what is durable is the server's promise, not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server."""

    port: int
    folder: str

    def url(self, database: str = "postgres", password: str = PASSWORD) -> str:
        """Give the URL of a database."""
        return f"postgresql://keeper:{password}@127.0.0.1:{self.port}/{database}"


def binaries() -> Path | None:
    """Give the folder of the newest PostgreSQL; None where there is none."""
    found = sorted(FOLDERS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def shared(folder: Path) -> Iterator[Server]:
    """Give the session's server: the first worker starts it, the last one stops it."""
    with _locked(folder) as book:
        told = json.loads(book.read_text() or "{}") if book.exists() else {}
        server = Server(**told["server"]) if told.get("users") else _started()
        users = told.get("users", 0) + 1
        book.write_text(json.dumps({"users": users, "server": _row(server)}))
    try:
        yield server
    finally:
        with _locked(folder) as book:
            users = json.loads(book.read_text())["users"] - 1
            book.write_text(json.dumps({"users": users, "server": _row(server)}))
            if not users:
                crash(server)
                shutil.rmtree(server.folder)


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    with (folder / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / "postgres.json"


def _row(server: Server) -> dict[str, object]:
    return {"port": server.port, "folder": server.folder}


def _started() -> Server:
    # Not below pytest's folder, which nobody but its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="reconciler-pg-"))
    (folder / "password").write_text(PASSWORD)
    if os.geteuid() == 0:
        whose = pwd.getpwnam(USER)
        for path in (folder, folder / "password"):
            os.chown(path, whose.pw_uid, whose.pw_gid)
    where = f"{folder}/pg"
    _ran(
        *("initdb", "-D", where, "-U", "keeper", "--auth=scram-sha-256", "--no-sync"),
        *(f"--pwfile={folder}/password", "--encoding=UTF8", "--locale=C"),
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    server = Server(port=port, folder=str(folder))
    start(server)
    return server


def start(server: Server) -> None:
    """Start a server that was stopped, or never ran."""
    folder = server.folder
    options = [f"-h 127.0.0.1 -p {server.port} -k {folder}", *(f"-c {one}" for one in SETTINGS)]
    _ran(
        "pg_ctl",
        "-D",
        f"{folder}/pg",
        "-l",
        f"{folder}/log",
        "-w",
        "-o",
        " ".join(options),
        "start",
    )


def crash(server: Server) -> None:
    """Stop a server at once, as a crash would: what comes next is its recovery."""
    _ran("pg_ctl", "-D", f"{server.folder}/pg", "-m", "immediate", "-w", "stop")


def _ran(program: str, *arguments: str) -> None:
    found = binaries()
    assert found is not None, "asked before"
    switched = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    command = [*(switched if os.geteuid() == 0 else []), str(found / program), *arguments]
    # Not through a pipe: the server would keep its other end open.
    with tempfile.TemporaryFile("w+") as told:
        ran = subprocess.run(  # noqa: S603 - Debian's own programs
            command, cwd="/", stdout=told, stderr=told, timeout=PATIENCE_S, check=False
        )
        told.seek(0)
        assert ran.returncode == 0, told.read()
