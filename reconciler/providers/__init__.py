"""Providers, found by looking: a folder with a SPEC is a provider.

So is the SPEC that another installed distribution names as an entry point of
`reconciler.providers`, under the name that manifests write. None of them takes the name of one of
ours.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from functools import cache, lru_cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding, FindingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import EntryPoint

    from reconciler.providers.spec import ProviderSpec

GROUP = "reconciler.providers"
"""The entry points of other distributions."""


def names() -> tuple[str, ...]:
    """Give the names that may be a provider's, sorted; imports none of them.

    Raises FindingsError where two would bear one name.
    """
    return tuple(sorted((*_ours(), *_theirs())))


@cache
def _ours() -> frozenset[str]:
    folders = (found.name for found in pkgutil.iter_modules(__path__) if found.ispkg)
    return frozenset(folder.replace("_", "-") for folder in folders)


def _theirs() -> Mapping[str, EntryPoint]:
    """Give what other distributions bring, by name."""
    return _found_on(tuple(sys.path))


@lru_cache(maxsize=4)
def _found_on(_path: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    # To look through everything that is installed takes milliseconds, and each scope asks.
    found: dict[str, EntryPoint] = {}
    ours = _ours()
    for point in entry_points(group=GROUP):
        known = found.setdefault(point.name, point)
        if point.name in ours or known.value != point.value:
            raise FindingsError(
                Finding(
                    code="provider-twice",
                    summary=f"`{point.value}` calls itself `{point.name}`, and it isn't alone",
                    hint="uninstall the distribution that brings it, or one of the two",
                )
            )
    return found


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
    return _own_spec(name) if name in _ours() else _loaded(name, _theirs()[name])


def _loaded(name: str, point: EntryPoint) -> ProviderSpec:
    """Give the SPEC that an entry point names. Raises FindingsError for anything else."""
    known: type[ProviderSpec] = importlib.import_module(f"{__name__}.spec").ProviderSpec
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        raise FindingsError(_broken(name, point, f"can't be imported: {error}")) from error
    if not isinstance(found, known):
        raise FindingsError(_broken(name, point, "is no ProviderSpec"))
    if found.name != name:
        raise FindingsError(_broken(name, point, f"calls itself `{found.name}`"))
    return found


def _broken(name: str, point: EntryPoint, what: str) -> Finding:
    return Finding(
        code="provider-broken",
        summary=f"provider `{name}`: `{point.value}` {what}",
        hint="mend or uninstall the distribution that brings it",
    )


def _own_spec(name: str) -> ProviderSpec | None:
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    found: ProviderSpec | None = getattr(module, "SPEC", None)
    assert found is None or found.name == name, "a provider is named as its folder"
    return found
