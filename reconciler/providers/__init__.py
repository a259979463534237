"""Providers, found by looking: a folder with a SPEC is a provider."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding, FindingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.providers.spec import ProviderSpec


def names() -> tuple[str, ...]:
    """Give the names of the folders that may hold a provider, sorted; imports none of them."""
    folders = (found.name for found in pkgutil.iter_modules(__path__) if found.ispkg)
    return tuple(sorted(folder.replace("_", "-") for folder in folders))


def discover() -> Mapping[str, ProviderSpec]:
    """Give every provider's SPEC by name, sorted; imports all of them."""
    found = ((name, _spec(name)) for name in names())
    return {name: spec for name, spec in found if spec is not None}


def spec_of(name: str) -> ProviderSpec:
    """Give one provider's SPEC; imports only that one. Raises FindingsError for another name.

    It isn't called `spec`: importing the module of that name would take its place here.
    """
    # Only a name that looking found is imported: a manifest must not import what it likes.
    found = _spec(name) if name in names() else None
    if found is not None:
        return found
    known = ", ".join(f"`{other}`" for other in names())
    raise FindingsError(
        Finding(
            code="provider-unknown",
            summary=f"`{name}` is not a provider",
            hint=f"write one of {known}",
        )
    )


def _spec(name: str) -> ProviderSpec | None:
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    found: ProviderSpec | None = getattr(module, "SPEC", None)
    assert found is None or found.name == name, "a provider is named as its folder"
    return found
