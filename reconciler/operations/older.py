"""What the manifests said at another commit, and of which commit they are now."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.manifest import is_manifest, load, manifest_files
from reconciler.manifest.source import STDIN
from reconciler.model.endpoint import canonical
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.memory import Memory, Protected, Remembers
from reconciler.providers import names
from reconciler.repository.manifests import at_revision, commit_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.model.declared import Declared, DeclaredScope
    from reconciler.model.history import Commit
    from reconciler.operations.wiring import Surroundings


def older_manifests(
    files: Sequence[str], rev: str, around: Surroundings, *, recursive: bool
) -> Declared | None:
    """Give what the manifests at a revision declare; None where it has none of them.

    Raises FindingsError where they can't be read: who asked for a memory doesn't go on without.
    """
    where = at_revision(files, rev, _programs(around), recursive=recursive, wanted=is_manifest)
    with where as (folder, found):
        if not found:
            return None
        read = load(found, recursive=recursive, providers=names())
        if read.declared is None:
            raise FindingsError(_unreadable(rev, read.findings, folder))
    return read.declared


def memories_of(scope: DeclaredScope, older: Declared | None) -> tuple[Memory, ...]:
    """Give what was declared of a scope: under its name, or under another name for its cloud."""
    if older is None:
        return ()
    return tuple(
        Memory(
            of=Remembers.GIT,
            policy=replace(older.policies[name], accept=()),
            protected=frozenset(
                Protected(side=entry.side, name=entry.owner.text)
                for entry in older.entries[name]
                if entry.protects
            ),
            documents=frozenset(entry.document for entry in older.entries[name]),
        )
        for name, other in sorted(older.scopes.items())
        if name == scope.name or cloud_of(other) == cloud_of(scope)
    )


def made_from(files: Sequence[str], around: Surroundings, *, recursive: bool) -> Commit | None:
    """Give the commit of the manifests; None in no repository, and where nobody can tell."""
    if STDIN in files:
        return None  # What was piped is of no commit, whatever lies beside it.
    found = manifest_files(files, recursive=recursive)
    return commit_of(files, found, _programs(around), recursive=recursive, wanted=is_manifest)


def _programs(around: Surroundings) -> str:
    return around.environ.get("PATH") or os.defpath


def cloud_of(scope: DeclaredScope) -> tuple[object, ...]:
    """Give what manifests say of which cloud it is; an embedded one is its scope's alone."""
    if scope.simulated:
        return ("simulated", scope.name)
    whose = (scope.project_id, scope.account_id, scope.environment)
    where = ((api, canonical(url)) for api, url in sorted(scope.endpoints.items()))
    return (scope.provider, scope.region, scope.cloud, *whose, *where)


def _unreadable(rev: str, findings: Sequence[Finding], folder: Path) -> Finding:
    first = findings[0]
    where = f" ({first.place})".replace(f"{folder}/", "") if first.place is not None else ""
    return Finding(
        code="base-unreadable",
        summary=f"the manifests at `{rev}` can't be read: {first.summary}{where}",
        hint="choose a commit whose manifests this version can read",
    )
