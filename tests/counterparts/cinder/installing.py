"""A virtual environment for Cinder alone: its dependencies would clash with ours."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("cinder==29.0.0", "python-cinderclient", "fixtures", "oslotest", "testtools")
"""The last three are what its fake volume driver imports."""
INSTALL_S = 900.0
COMPLETE = "complete"
"""Written last: without it, an installation was cut short and is made again."""


def home() -> Path:
    """Give where it stands, or would."""
    kept = os.environ.get("RECONCILER_TEST_CACHE")
    cache = Path(kept) if kept else Path(__file__).parents[3] / ".cache"
    return cache.resolve() / "cinder-29.0.0"


def ready() -> bool:
    """Tell whether it is installed."""
    return (home() / COMPLETE).exists()


def installed() -> Path:
    """Give its folder, made if need be; one process makes it and the others wait."""
    there = home()
    there.parent.mkdir(parents=True, exist_ok=True)
    with there.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready():
            shutil.rmtree(there, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(there))
            _run(str(there / "bin" / "python"), "-m", "pip", "install", "-q", *PACKAGES)
            (there / COMPLETE).touch()
    return there


def _run(*command: str) -> None:
    done = subprocess.run(  # noqa: S603 - ours
        command, check=False, timeout=INSTALL_S, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
