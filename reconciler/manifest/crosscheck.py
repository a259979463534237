"""What only the whole set shows: names twice, rows twice, and scopes that nobody declares."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.manifest.agreement import check_agreement
from reconciler.manifest.words import instead_of, listing, quoted
from reconciler.model.declared import Unmanaged
from reconciler.model.endpoint import canonical
from reconciler.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from reconciler.manifest.gathered import Gathered
    from reconciler.manifest.notes import Notes
    from reconciler.model.declared import DeclaredScope, Entry, Ref, Side


def crosscheck(gathered: Gathered, notes: Notes, providers: Collection[str] | None = None) -> None:
    """Note every contradiction between documents that needs no live listing to be seen."""
    _names(gathered, notes)
    if providers is not None:
        _providers(gathered.scopes, providers, notes)
    _scopes(gathered, notes)
    _identities(gathered.scopes, notes)
    for scope, entries in by_scope(gathered).items():
        _rows(scope, entries, notes)
        check_agreement(entries, notes)


def by_scope(gathered: Gathered) -> dict[str, tuple[Entry, ...]]:
    """Give the entries of every scope that is named, in the order of the files."""
    entries: dict[str, list[Entry]] = {scope.name: [] for scope in gathered.scopes}
    for document in gathered.attachments:
        entries.setdefault(document.scope.text, []).extend(document.entries)
    return {scope: tuple(rows) for scope, rows in entries.items()}


def _names(gathered: Gathered, notes: Notes) -> None:
    first: dict[tuple[str, str], Ref] = {}
    for kind, name in gathered.names:
        earlier = first.setdefault((kind, name.text), name)
        if earlier is not name:
            summary = f"two documents of kind `{kind}` are named {quoted(name.text)}"
            hint = "rename one of the two, or make them one document"
            notes.error("duplicate-name", summary, hint, name.place, (earlier.place,))


def _providers(scopes: Iterable[DeclaredScope], known: Collection[str], notes: Notes) -> None:
    for scope in scopes:
        if scope.provider not in known:
            summary = f"no provider is called {quoted(scope.provider)}"
            otherwise = f"write {listing(sorted(known), 'or')}"
            hint = instead_of(scope.provider, known, otherwise=otherwise)
            notes.error("provider-unknown", summary, hint, scope.keys["provider"])


def _scopes(gathered: Gathered, notes: Notes) -> None:
    if not notes.complete:
        # The scope may stand in what could not be read: to call it unknown would be a guess.
        return
    known = {name.text for kind, name in gathered.names if kind == "Scope"}
    for ref in _named_scopes(gathered):
        if ref.text in known:
            continue
        summary = f"no document declares the scope {quoted(ref.text)}"
        otherwise = f"use {listing(sorted(known), 'or')}" if known else "add a Scope document"
        hint = instead_of(ref.text, known, otherwise=otherwise)
        notes.error("unknown-scope", summary, hint, ref.place)


def _named_scopes(gathered: Gathered) -> Iterable[Ref]:
    yield from (document.scope for document in gathered.attachments)
    for policy in gathered.policies:
        yield from policy.scopes or ()
        yield from policy.accepted
    yield from gathered.scheduled


def _identities(scopes: Iterable[DeclaredScope], notes: Notes) -> None:
    first: dict[tuple[object, ...], DeclaredScope] = {}
    elsewhere: dict[tuple[object, ...], DeclaredScope] = {}
    regions: dict[tuple[object, ...], list[DeclaredScope]] = defaultdict(list)
    for scope in scopes:
        if scope.simulated:
            continue
        who, address = _account(scope), _address(scope)
        regions[_region(scope)].append(scope)
        earlier = first.setdefault((who, address), scope)
        if earlier is not scope and earlier.name != scope.name:
            names = f"{quoted(earlier.name)} and {quoted(scope.name)}"
            summary = f"the scopes {names} are the same provider, region, project and endpoint"
            hint = "make them one scope"
            notes.error("duplicate-identity", summary, hint, scope.place, (earlier.place,))
        other = elsewhere.setdefault(who, scope)
        if _address(other) != address and _numbered(scope):
            names = f"{quoted(other.name)} and {quoted(scope.name)}"
            summary = f"the scopes {names} are one project at two endpoints: perhaps one cloud"
            hint = "if they are, make them one scope: each would detach what the other one attaches"
            if _taking(other, scope):
                # What one of them owns is nobody's to the other, which would take it away.
                notes.error("perhaps-one-cloud", summary, hint, scope.place, (other.place,))
                continue
            words = summary, hint
            notes.remark(Severity.WARNING, "perhaps-one-cloud", words, scope.place)
    for alike in regions.values():
        _unnumbered(alike, notes)


def _unnumbered(alike: Sequence[DeclaredScope], notes: Notes) -> None:
    """Tell of a scope of one region that may be another one's project: it takes no strays.

    Which project credentials choose only the cloud knows, and one scope may be looked at alone.
    """
    taking = [scope for scope in alike if _taking(scope)]
    by_keys = {_keys(scope): scope for scope in alike if _numbered(scope)}
    for scope in alike:
        if _numbered(scope):
            continue
        beside = alike if _taking(scope) else taking
        other = next((one for one in beside if one.name != scope.name), None)
        found = other or by_keys.get(_keys(scope))
        if found is None:
            continue
        names = f"the scope {quoted(scope.name)} names no project: perhaps it is that of"
        summary = f"{names} {quoted(found.name)}"
        hint = "write its `projectId` (Samsung: `accountId`); if they are one, make them one scope"
        if other is not None:
            # What one of them owns is nobody's to the other, which would take it away.
            notes.error("perhaps-one-cloud", summary, hint, scope.place, (other.place,))
            continue
        notes.remark(Severity.WARNING, "perhaps-one-cloud", (summary, hint), scope.place)


def _taking(*scopes: DeclaredScope) -> bool:
    return any(scope.unmanaged is Unmanaged.DETACH for scope in scopes)


def _address(scope: DeclaredScope) -> tuple[object, ...]:
    urls = ((api, canonical(url)) for api, url in sorted(scope.endpoints.items()))
    return (scope.cloud, *urls)


def _region(scope: DeclaredScope) -> tuple[object, ...]:
    return (scope.provider, scope.region, scope.environment)


def _numbered(scope: DeclaredScope) -> bool:
    return scope.project_id is not None or scope.account_id is not None


def _keys(scope: DeclaredScope) -> tuple[object, ...]:
    return tuple((key, ref.env, ref.file) for key, ref in sorted(scope.credentials.items()))


def _account(scope: DeclaredScope) -> tuple[object, ...]:
    """Give what the cloud tells apart; without a project, credentials choose one."""
    account: tuple[object, ...] = ()
    if not _numbered(scope):
        account = _keys(scope)
    return (*_region(scope), scope.project_id or scope.account_id, account)


def _rows(scope: str, entries: Iterable[Entry], notes: Notes) -> None:
    first: dict[tuple[Side, str], Entry] = {}
    for entry in entries:
        earlier = first.setdefault((entry.side, entry.owner.text), entry)
        if earlier is not entry:
            owner = f"{entry.side.value} {quoted(entry.owner.text)}"
            summary = f"the {owner} has two entries in scope {quoted(scope)}"
            hint = "make them one entry; an entry owns its whole row"
            also = (earlier.owner.place,)
            notes.error("duplicate-entry", summary, hint, entry.owner.place, also)
