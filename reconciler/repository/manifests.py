"""Manifests in a repository: as another commit has them, and the commit that they are of."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding, FindingsError
from reconciler.model.history import Commit
from reconciler.repository.git import Git
from reconciler.repository.tree import Leaf, commit_id, leaves, root_of, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Wanted = Callable[[str], bool]


SHA1_LENGTH = 40
"""Hexadecimal digits; a repository that names by SHA-256 has 64."""


@contextmanager
def at_revision(
    given: Sequence[str], rev: str, path: str, *, recursive: bool, wanted: Wanted
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Lay the files that `given` meant at a revision into a folder, until the block ends.

    Give the folder, and what stands in it for those of `given` that the revision has. `path` is
    where programs are looked for, `wanted` says which files of a folder are manifests. Raises
    FindingsError where there is no repository, no git, no such revision.
    """
    root = _one_root(given)
    git = Git(root, path)
    commit = commit_id(git, rev)
    inside = [_from_root(one, root) for one in given]
    found = {one: leaves(git, commit, one, recursive=recursive, wanted=wanted) for one in inside}
    with TemporaryDirectory(prefix="reconciler-") as made:
        folder = Path(made)
        every = {leaf.path: leaf for rows in found.values() for leaf in rows}
        write(git, tuple(every.values()), folder)
        yield folder, tuple(str(folder / one) for one in inside if found[one])


def commit_of(
    given: Sequence[str], files: Sequence[Path], path: str, *, recursive: bool, wanted: Wanted
) -> Commit | None:
    """Give the commit that is checked out where the manifests lie; None where nothing tells.

    It is dirty when `files`, what was read, aren't byte for byte what the commit has there.
    """
    try:
        root = _one_root(given)
        git = Git(root, path)
        commit = commit_id(git, "HEAD")
        found = {
            leaf.path: leaf
            for one in given
            for leaf in leaves(
                git, commit, _from_root(one, root), recursive=recursive, wanted=wanted
            )
        }
        there = {_from_root(file, root): file for file in files}
        same = found.keys() == there.keys()
        dirty = not (same and all(_same(leaf, there[name]) for name, leaf in found.items()))
    except (FindingsError, OSError, ValueError):
        return None  # It is for people who look back later; no run is refused for it.
    return Commit(id=commit, dirty=dirty)


def _one_root(given: Sequence[str]) -> Path:
    roots = {root_of(Path(one)) for one in given}
    if len(roots) == 1 and (root := roots.pop()) is not None:
        return root
    several = f"{len(roots)} different ones" if roots else "none"
    raise FindingsError(
        Finding(
            code="no-repository",
            summary=f"the manifests have to lie in one git repository, and lie in {several}",
            hint="give -f paths of one repository, or leave `--base` out",
        )
    )


def _from_root(path: str | Path, root: Path) -> str:
    return Path(os.path.realpath(path)).relative_to(os.path.realpath(root)).as_posix()


def _same(leaf: Leaf, file: Path) -> bool:
    """Tell whether a file has the bytes of a blob, by the name that git would give it."""
    if leaf.link:
        return False
    content = file.read_bytes()
    name = "sha1" if len(leaf.blob) == SHA1_LENGTH else "sha256"
    found = hashlib.new(name, b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return found.hexdigest() == leaf.blob
