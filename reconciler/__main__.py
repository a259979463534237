"""The command, and `python -m reconciler`: who interrupts it before it begins hears nothing."""

from __future__ import annotations

import importlib
import sys

INTERRUPTED = 130


def program() -> None:
    """Load the command line and run it; an interrupt while it loads is nobody's error."""
    try:
        with importlib.import_module("reconciler.cli.ending").unheard():
            command = importlib.import_module("reconciler.cli.main")
        command.program()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    program()
