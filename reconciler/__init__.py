"""Declarative volume-to-server attachments: the public API, loaded when it is asked for."""

from __future__ import annotations

import importlib

_HOME = {
    "Consent": "reconciler.operations.apply",
    "Request": "reconciler.operations.sessions",
    "Surroundings": "reconciler.operations.wiring",
    "apply_manifests": "reconciler.operations.apply",
    "plan_manifests": "reconciler.operations.plans",
}


def __getattr__(name: str) -> object:
    """Give a public name, importing the room that it lives in."""
    if name in _HOME:
        found: object = getattr(importlib.import_module(_HOME[name]), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_HOME)
