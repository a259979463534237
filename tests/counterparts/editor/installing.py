"""The YAML language server from npm, in a folder of its own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

VERSION = "1.25.0"
INSTALL_S = 300.0
QUIETLY = ("--loglevel=error", "--no-fund", "--no-audit", "--fetch-retries=1")
COMPLETE = "complete"
"""Written last: without it, an installation was cut short and is made again."""


def home() -> Path:
    """Give where it stands, or would."""
    kept = os.environ.get("RECONCILER_TEST_CACHE")
    cache = Path(kept) if kept else Path(__file__).parents[3] / ".cache"
    return cache.resolve() / f"yaml-language-server-{VERSION}"


def ready() -> bool:
    """Tell whether it is installed."""
    return (home() / COMPLETE).exists()


def installed() -> Path:
    """Give its program, made if need be; one process makes it and the others wait."""
    there = home()
    there.parent.mkdir(parents=True, exist_ok=True)
    with there.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready():
            shutil.rmtree(there, ignore_errors=True)
            there.mkdir()
            npm = shutil.which("npm")
            assert npm is not None, "install Node.js and npm first"
            asked = (npm, "install", *QUIETLY, "--prefix", str(there))
            subprocess.run(  # noqa: S603 - ours
                (*asked, f"yaml-language-server@{VERSION}"),
                check=True,
                timeout=INSTALL_S,
                stdin=subprocess.DEVNULL,
            )
            (there / COMPLETE).touch()
    return there / "node_modules" / ".bin" / "yaml-language-server"
