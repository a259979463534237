"""Repositories to be read: made by the real git, with nobody's configuration."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NOBODYS = {
    "PATH": os.environ["PATH"],
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(folder: Path, *words: str, good: bool = True) -> str:
    """Run git as a person would; give what it says."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "protocol.file.allow=always")
    ran = subprocess.run(  # noqa: S603 - words of these tests
        ["git", *who, *words],  # noqa: S607 - whichever is there
        cwd=folder,
        env=NOBODYS,
        stdin=subprocess.DEVNULL,
        timeout=30,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0 or not good, ran.stderr
    return ran.stdout.strip()


def commit(folder: Path, message: str = "as it is") -> str:
    """Commit everything in a folder, which becomes a repository where it is none; give the id."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")
