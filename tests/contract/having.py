"""Which providers a test is about: those that have what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.call import Verb
from reconciler.providers import discover
from tests.rig.plot import vendor_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.providers.spec import ProviderSpec


def having(fits: Callable[[ProviderSpec], bool]) -> pytest.MarkDecorator:
    """Run a test for each provider that fits; at least one has to."""
    names = [name for name, spec in discover().items() if fits(spec)]
    assert names, "a test for nobody tests nothing"
    return pytest.mark.parametrize("house", names, indirect=True)


def throttled() -> pytest.MarkDecorator:
    """Run a test for each provider and each `fault` by which it says "too fast"."""
    cases = [(n, fault) for n in _attaching() for fault in vendor_of(n).throttles]
    return pytest.mark.parametrize(("house", "fault"), cases, indirect=["house"])


def cut_short() -> pytest.MarkDecorator:
    """Run a test for each provider, each listing `match`, each `fault` that it can be told by."""
    cases = [
        (name, match, fault)
        for name in _attaching()
        for match, faults in vendor_of(name).cut_short.items()
        for fault in faults
    ]
    return pytest.mark.parametrize(("house", "match", "fault"), cases, indirect=["house"])


def _attaching() -> list[str]:
    return [name for name, spec in discover().items() if spec.can.attach]


def any_at_all(spec: ProviderSpec) -> bool:
    """Take every provider."""
    del spec
    return True


def sharing(spec: ProviderSpec) -> bool:
    """Take those whose volumes several servers can share."""
    return spec.can.attach and spec.can.max_servers_per_volume > 1


def batching(spec: ProviderSpec) -> bool:
    """Take those that take a shared volume off many servers in one call."""
    return spec.can.attach and Verb.DETACH in spec.can.batch


def paged(spec: ProviderSpec) -> bool:
    """Take those whose listings come in pages, one of which may be lost."""
    lost = vendor_of(spec.name).cut_short.values()
    return spec.can.attach and any("drop-page" in faults for faults in lost)


def two_views(spec: ProviderSpec) -> bool:
    """Take those where both sides tell of an attachment."""
    return spec.can.attach and len(spec.can.views) > 1


def marking(spec: ProviderSpec) -> bool:
    """Take those that show what belongs to another controller, so that a stray can be told."""
    return spec.can.attach and spec.can.detach_keeps_data and spec.can.shows_owner_marks


def forcing(spec: ProviderSpec) -> bool:
    """Take those that take a volume from a guest that doesn't let go."""
    return spec.can.attach and spec.can.force


def unforced(spec: ProviderSpec) -> bool:
    """Take the others."""
    return spec.can.attach and not spec.can.force


def jobs(spec: ProviderSpec) -> bool:
    """Take those whose changes have a job that can be asked."""
    return spec.can.attach and spec.can.has_jobs


def projects(spec: ProviderSpec) -> bool:
    """Take those where a scope is a project, named in every path."""
    return spec.can.attach and "projectId" in spec.takes


def ecs(spec: ProviderSpec) -> bool:
    """Take the one whose gateway the test plays; the others of its vendor share the code."""
    return spec.name == "huawei-ecs"
