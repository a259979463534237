"""What the reader of a stream can show; the only reader of what concerns presentation.

`--no-color`, then NO_COLOR, say no; FORCE_COLOR says yes, also in a pipe; else a terminal that
isn't `dumb` has colours. Live progress is for a terminal that isn't `dumb`, and not for CI.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from reconciler.report.look import Look

if TYPE_CHECKING:
    from typing import TextIO

NARROWEST = 20
"""A terminal that claims to be narrower, or doesn't know, is given this much."""


def look(stream: TextIO) -> Look:
    """Give how text may look on this stream."""
    return Look(colour=_coloured(stream), columns=_columns() if _terminal(stream) else None)


def live(stream: TextIO) -> bool:
    """Tell whether lines on this stream may be drawn over."""
    return _terminal(stream) and not _dumb() and not _said("CI")


def annotating() -> bool:
    """Tell whether GitHub Actions reads along."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _coloured(stream: TextIO) -> bool:
    # The command line itself, because what ends a verb early is shown when its flags are gone.
    if "--no-color" in sys.argv or os.environ.get("NO_COLOR"):
        return False
    return _said("FORCE_COLOR") or (_terminal(stream) and not _dumb())


def _columns() -> int:
    return max(NARROWEST, shutil.get_terminal_size().columns)


def _terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:
        return False  # Closed already.


def _dumb() -> bool:
    return os.environ.get("TERM") in {"dumb", "unknown"}


def _said(name: str) -> bool:
    return os.environ.get(name, "").lower() not in {"", "0", "false", "no"}
