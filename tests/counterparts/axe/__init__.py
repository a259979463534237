"""axe-core from npm: what judges whether everybody can use the page."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

PACKAGE = "axe-core@4.14.1"
INSTALL_S = 300.0


def home() -> Path:
    """Give where it stands, or would."""
    kept = os.environ.get("RECONCILER_TEST_CACHE")
    cache = Path(kept) if kept else Path(__file__).parents[3] / ".cache"
    return cache.resolve() / PACKAGE


def script() -> Path:
    """Give its one file."""
    return home() / "node_modules" / "axe-core" / "axe.min.js"


def ready() -> bool:
    """Tell whether it is installed."""
    return script().exists()


def installed() -> str:
    """Give its text, installed if need be; one process does it and the others wait."""
    there = home()
    there.parent.mkdir(parents=True, exist_ok=True)
    with there.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready():
            npm = shutil.which("npm")
            assert npm is not None, "apt-get install npm"
            prefix = ("--prefix", str(there))
            subprocess.run(  # noqa: S603 - a pinned package, and none of its scripts
                [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", *prefix, PACKAGE],
                check=True,
                timeout=INSTALL_S,
                capture_output=True,
            )
    return script().read_text(encoding="utf-8")
