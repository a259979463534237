"""The least that a scope's credentials must be allowed: from manifests and SPECs, nothing else.

1. Looking is always needed; a change only where an entry, a line or a policy can cause it.
2. Detaching is needed by every row that is owned: what it doesn't list would leave.
3. A call for which the vendor documents no action is told as one: nobody guesses its name.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.model.declared import Side, Unmanaged
from reconciler.model.finding import FindingsError
from reconciler.operations.asked import loaded
from reconciler.providers import spec_of
from reconciler.providers.spec import Need

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.declared import DeclaredScope, Entry
    from reconciler.model.policy import Policy
    from reconciler.operations.asked import Request
    from reconciler.providers.spec import Permission, ProviderSpec
    from reconciler.report.document import Document


def needed(request: Request) -> list[Document]:
    """Give for each scope, by name, the needs, the documented actions and the other calls.

    Raises FindingsError when the manifests can't be read.
    """
    read = loaded(request)
    declared = read.declared
    if declared is None:
        raise FindingsError(*read.findings)
    return [
        _row(scope, spec_of(scope.provider), declared.entries[name], declared.policies[name])
        for name, scope in sorted(declared.scopes.items())
    ]


def _row(
    scope: DeclaredScope, spec: ProviderSpec, entries: Sequence[Entry], policy: Policy
) -> Document:
    asked = calls_of(scope, spec, entries, policy)
    needs = {one.need for one in asked}
    return {
        "scope": scope.name,
        "provider": scope.provider,
        "needs": [need.value for need in Need if need in needs],
        "actions": sorted({action for one in asked for action in one.actions}),
        "undocumented": [one.call for one in asked if not one.actions],
    }


def calls_of(
    scope: DeclaredScope, spec: ProviderSpec, entries: Sequence[Entry], policy: Policy
) -> tuple[Permission, ...]:
    """Give every call that these entries and this policy can cause in a scope."""
    needs = set(needs_of(scope, spec, entries, policy))
    return tuple(one for one in spec.permissions if one.need in needs)


def needs_of(
    scope: DeclaredScope, spec: ProviderSpec, entries: Sequence[Entry], policy: Policy
) -> Iterator[Need]:
    """Give what these entries and this policy can cause in a scope."""
    can = spec.can
    lines = [line for entry in entries for line in entry.listed or ()]
    arrives = can.attach and (bool(lines) or any(entry.selector for entry in entries))
    leaves = any(not entry.keeps_others or entry.absent for entry in entries)
    leaves |= scope.unmanaged is Unmanaged.DETACH
    shared = _shared(entries)
    yield Need.LOOK
    if scope.project_id is None and "projectId" in spec.takes:
        yield Need.FIND_PROJECT
    if arrives:
        yield from (Need.ATTACH, *([Need.ATTACH_SHARED] if shared else []))
    if leaves and can.detach_keeps_data:
        yield from (Need.DETACH, Need.DETACH_SHARED)
    if arrives and any(line.delete_on_termination is not None for line in lines):
        yield Need.UPDATE
    if not can.detach_keeps_data and policy.allow_destroy and any(e.absent for e in entries):
        yield Need.DESTROY
    if policy.allow_status_reset:
        yield Need.RESET


def _shared(entries: Sequence[Entry]) -> bool:
    """Tell whether the manifests may ask for one volume on several servers."""
    times = Counter(
        line.ref.text for e in entries if e.side is Side.SERVER for line in e.listed or ()
    )
    of_volumes = [entry for entry in entries if entry.side is Side.VOLUME]
    several = any(entry.selector or len(entry.listed or ()) > 1 for entry in of_volumes)
    return several or any(count > 1 for count in times.values())
