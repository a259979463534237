"""The simulated APIs, one file each, found by looking.

A module with an `API` is mounted; one with a `WORLD` names a provider that worlds can be of.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from reconciler.sim.records import WorldKeys


def modules() -> Sequence[ModuleType]:
    """Give every module of this folder, by name."""
    found = sorted(one.name for one in pkgutil.iter_modules(__path__))
    return [importlib.import_module(f"{__name__}.{name}") for name in found]


def worlds() -> Mapping[str, WorldKeys]:
    """Give what the worlds of each provider may say beside the common keys, by provider."""
    rows = (getattr(module, "WORLD", None) for module in modules())
    return {row.provider: row for row in rows if row is not None}
