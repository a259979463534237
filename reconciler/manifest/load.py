"""Manifests from files to `Declared`, with everything that is wrong in them at once."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from reconciler.manifest.attachments import attachments
from reconciler.manifest.builder import documents
from reconciler.manifest.crosscheck import by_scope, crosscheck
from reconciler.manifest.envelope import Kind, opened
from reconciler.manifest.gathered import Gathered
from reconciler.manifest.notes import Notes
from reconciler.manifest.paths import file_name, files
from reconciler.manifest.policies import merged, policy, refs
from reconciler.manifest.reading import Reading
from reconciler.manifest.schedules import check_schedules, schedule
from reconciler.manifest.scopes import scope
from reconciler.manifest.source import STDIN, piped, read
from reconciler.model.declared import Declared

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from reconciler.manifest.builder import Document
    from reconciler.manifest.envelope import Opened
    from reconciler.manifest.source import Source
    from reconciler.model.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the manifests say, and what there is to say about them."""

    declared: Declared | None
    """None when a finding is an error: nothing may be planned from the rest."""
    findings: tuple[Finding, ...]
    """By place, all of them; the caller prints the first ones and a count."""


def load(
    paths: Sequence[str | Path],
    *,
    recursive: bool = False,
    providers: Collection[str] | None = None,
    stdin: bytes | None = None,
) -> Loaded:
    """Everything that the files and folders declare; never raises for what is in them.

    A folder means the manifests directly in it, `recursive` also those below. A file that is
    reached twice counts once. `providers` are those that a scope may name; None: any. `stdin` is
    what the path `-` holds; None: it is a path as any other.
    """
    notes = Notes()
    with _uncollected():
        sources = _sources(paths, stdin, notes, recursive=recursive)
        return _load(sources, tuple(str(path) for path in paths), notes, providers)


def _sources(
    paths: Sequence[str | Path], stdin: bytes | None, notes: Notes, *, recursive: bool
) -> Iterator[Source | None]:
    """Give each file's source, None where it can't be read, until there is too much to say."""
    if stdin is not None:
        yield piped(stdin, notes)
    named = [path for path in paths if stdin is None or str(path) != STDIN]
    for path in files(named, recursive=recursive, notes=notes):
        if notes.full:
            break
        yield read(path, file_name(path), notes)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no cycles: nodes and rows have none, and each search walks over all of them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _load(
    sources: Iterable[Source | None],
    paths: tuple[str, ...],
    notes: Notes,
    providers: Collection[str] | None,
) -> Loaded:
    gathered = Gathered()
    for source in sources:
        if source is None:
            notes.complete = False
            continue
        for document in documents(source, notes):
            if document.usable:
                _gather(document, gathered, notes)
    crosscheck(gathered, notes, providers)
    check_schedules(gathered.schedules, notes)
    declared = _declared(gathered, notes, paths)
    return Loaded(declared=None if notes.failed else declared, findings=notes.ordered())


def _gather(document: Document, gathered: Gathered, notes: Notes) -> None:
    reading = Reading(document.source, notes)
    known = opened(reading, document.root)
    if known is None:
        notes.complete = False
        return
    if known.name is None:
        notes.complete = False
    else:
        gathered.names.append((known.kind.value, known.name))
    _gather_kind(reading, known, gathered)


def _gather_kind(reading: Reading, known: Opened, gathered: Gathered) -> None:
    match known.kind:
        case Kind.SCOPE:
            declared = scope(reading, known.name, known.spec)
            if declared is not None:
                gathered.scopes.append(declared)
        case Kind.ATTACHMENTS:
            rows = attachments(reading, known.name, known.spec)
            if rows is not None:
                gathered.attachments.append(rows)
        case Kind.POLICY:
            written = policy(reading, known.name, known.spec)
            if written is not None:
                gathered.policies.append(written)
        case Kind.SCHEDULE:
            planned = schedule(reading, known.name, known.spec)
            if planned is not None:
                gathered.scheduled.extend(refs(reading, known.spec, "scopes") or ())
                gathered.schedules.append(planned)
        case _:
            assert_never(known.kind)


def _declared(gathered: Gathered, notes: Notes, sources: tuple[str, ...]) -> Declared:
    scopes = {scope.name: scope for scope in gathered.scopes}
    return Declared(
        scopes=scopes,
        entries=by_scope(gathered),
        policies=merged(gathered.policies, scopes, notes),
        schedules=tuple(gathered.schedules),
        sources=sources,
    )
