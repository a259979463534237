"""Programs that a package of this environment brings."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def program(name: str) -> str | None:
    """Give the path of a program of this environment or machine; None when there is none."""
    beside = [str(Path(sys.executable).parent)]
    libraries = [str(Path(one).parents[2] / "bin") for one in sys.path if "site-packages" in one]
    return shutil.which(name, path=os.pathsep.join([*beside, *libraries, os.environ["PATH"]]))
