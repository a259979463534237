"""The simulated APIs, one file each, found by looking.

A module with an `API` is mounted; one with a `WORLD` names a provider that worlds can be of.
Another distribution adds one by an entry point of `reconciler.simulators`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from reconciler.sim.records import WorldKeys


def modules() -> Sequence[ModuleType]:
    """Give every module of this folder, by name, then those of other distributions."""
    found = sorted(one.name for one in pkgutil.iter_modules(__path__))
    return [*(importlib.import_module(f"{__name__}.{name}") for name in found), *_foreign()]


@cache
def _foreign() -> tuple[ModuleType, ...]:
    # Reading what is installed takes 10 ms, and a test makes a simulator in 5.
    points = sorted(entry_points(group="reconciler.simulators"), key=lambda one: one.name)
    return tuple(point.load() for point in points)


def worlds() -> Mapping[str, WorldKeys]:
    """Give what the worlds of each provider may say beside the common keys, by provider."""
    rows = (getattr(module, "WORLD", None) for module in modules())
    return {row.provider: row for row in rows if row is not None}
