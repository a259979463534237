"""Rules that may refuse: one function and one code each, by the level they reach."""

from __future__ import annotations

from reconciler.planning.guards.changes import guarded, storage_only, warnings
from reconciler.planning.guards.memory import loosened, to_protect
from reconciler.planning.guards.room import fitted
from reconciler.planning.guards.scopes import allowed_detaches, judged
from reconciler.planning.guards.unmanaged import left

__all__ = [
    "allowed_detaches",
    "fitted",
    "guarded",
    "judged",
    "left",
    "loosened",
    "storage_only",
    "to_protect",
    "warnings",
]
