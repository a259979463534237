"""Declarative volume-to-server attachments: the public API, loaded when it is asked for."""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # As a name of our own: the command loads this before it can be interrupted.
if TYPE_CHECKING:
    from reconciler.errors import JournalError, ReconcilerError
    from reconciler.model.finding import FindingsError
    from reconciler.public import (
        Manifest,
        check_drift,
        execute,
        load_manifest,
        plan,
        read_live,
        recover,
        render,
        schedule,
    )
    from reconciler.version import __version__

__all__ = [
    "FindingsError",
    "JournalError",
    "Manifest",
    "ReconcilerError",
    "__version__",
    "check_drift",
    "execute",
    "load_manifest",
    "plan",
    "read_live",
    "recover",
    "render",
    "schedule",
]
_HOME = dict.fromkeys(__all__, "reconciler.public") | {
    "FindingsError": "reconciler.model.finding",
    "JournalError": "reconciler.errors",
    "ReconcilerError": "reconciler.errors",
    "__version__": "reconciler.version",
}


def __getattr__(name: str) -> object:
    """Give a public name, importing the room that it lives in."""
    if name in _HOME:
        found: object = getattr(importlib.import_module(_HOME[name]), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_HOME)
