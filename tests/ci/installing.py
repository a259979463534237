"""A machine as a runner is: the wheel that pip may find, and a Python that has only libraries."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

from tests.cli.running import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

BUILD_S = 120.0


def wheel(folder: Path) -> Path:
    """Build the wheel of this checkout."""
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=BUILD_S)  # noqa: S603 - ours
    (made,) = folder.glob("*.whl")
    return made


def machine(folder: Path) -> Path:
    """Give the programs of a new environment: libraries are there, this project isn't."""
    subprocess.run(  # noqa: S603 - ours
        (sys.executable, "-m", "venv", "--without-pip", str(folder)), check=True, timeout=BUILD_S
    )
    (site,) = (folder / "lib").glob("python*/site-packages")
    here = {sysconfig.get_path("purelib"), *filter(_libraries, sys.path)}
    (site / "libraries.pth").write_text("".join(f"{one}\n" for one in sorted(here)))
    return folder / "bin"


def _libraries(path: str) -> bool:
    return path.endswith("site-packages") and path.startswith("/")


def environment(programs: Path, wheels: Path, home: Path) -> dict[str, str]:
    """Give what a step of a pipeline finds: pip takes what stands in `wheels`, and no network."""
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "CI": "true",
        "PIP_NO_INDEX": "1",
        "PIP_IGNORE_INSTALLED": "1",  # beside the libraries may stand this checkout, editable
        "PIP_NO_DEPS": "1",
        "PIP_FIND_LINKS": str(wheels),
    }
