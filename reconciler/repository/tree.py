"""What a commit holds of the paths that manifests were read from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding, FindingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.repository.git import Git

MOST_FILES = 10_000
MOST_BYTES = 256 * 1024 * 1024
LONGEST_REV = 200
FOLDER, LINK, FILES = "040000", "120000", {"100644", "100755", "100664"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A file of a commit, or a link."""

    path: str
    """From the repository's root."""
    blob: str
    size: int
    link: bool


def root_of(path: Path) -> Path | None:
    """Give the root of the repository that a path lies in, links followed; None: in none."""
    real = Path(os.path.realpath(path))
    return next((above for above in (real, *real.parents) if (above / ".git").exists()), None)


def commit_id(git: Git, rev: str) -> str:
    """Give the id of the commit that a revision means. Raises FindingsError where there is none."""
    shown = "".join(mark if mark.isprintable() else "?" for mark in rev[:LONGEST_REV])
    if not rev or rev.startswith("-") or shown != rev:
        raise FindingsError(_unknown(shown, "isn't a revision"))
    asked = git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}")
    found = asked.out.decode("ascii", "replace").strip()
    if asked.good and found.isalnum() and len(found) in {40, 64}:
        return found
    whole = git.ask("rev-parse", "--git-dir")
    if not whole.good:
        raise FindingsError(_broken(git.root, whole.words))
    if git.ask("rev-parse", "--is-shallow-repository").out.strip() == b"true":
        raise FindingsError(
            Finding(
                code="shallow-clone",
                summary=f"`{rev}` isn't in this clone, which has only the newest commits",
                hint="fetch more of it (`git fetch --unshallow`; in CI, a depth of 0)",
            )
        )
    raise FindingsError(_unknown(rev, "is no commit of this repository"))


def leaves(
    git: Git, commit: str, path: str, *, recursive: bool, wanted: Callable[[str], bool]
) -> tuple[Leaf, ...]:
    """Give the files of a commit at `path`: itself, or the wanted ones of the folder; sorted."""
    if path != ".":
        rows = list(_rows(git, commit, path))
        if not any(kind == FOLDER for kind, _ in rows):
            return tuple(leaf for kind, leaf in rows if kind in {LINK, *FILES})
    inside = () if path == "." else (f"{path}/",)
    found = [
        leaf
        for kind, leaf in _rows(git, commit, *inside, recursive=recursive)
        if kind in {LINK, *FILES} and wanted(leaf.path)
    ]
    return tuple(sorted(found, key=lambda leaf: leaf.path))


def _rows(
    git: Git, commit: str, *paths: str, recursive: bool = False
) -> Iterator[tuple[str, Leaf]]:
    """Give the rows of `ls-tree`: the mode, and the entry."""
    deep = ("-r",) if recursive else ()
    told = git.ask("ls-tree", "-z", "--long", "--full-tree", *deep, commit, "--", *paths)
    if not told.good:
        raise FindingsError(_broken(git.root, told.words))
    for row in told.out.split(b"\0")[:-1]:
        facts, _, name = row.partition(b"\t")
        mode, _, blob, size = facts.decode("ascii").split()
        leaf = Leaf(
            path=os.fsdecode(name),
            blob=blob,
            size=int(size) if size.isdigit() else 0,
            link=mode == LINK,
        )
        yield mode, leaf


def write(git: Git, found: Sequence[Leaf], folder: Path) -> None:
    """Write the files into a folder, as they are in the repository. Raises FindingsError.

    No filter of the repository touches a byte. A link is made where it stays in the folder.
    """
    size = sum(leaf.size for leaf in found)
    if len(found) > MOST_FILES or size > MOST_BYTES:
        raise FindingsError(
            Finding(
                code="base-too-large",
                summary=f"the commit has {len(found)} manifests of {size} bytes, "
                f"{MOST_FILES} of {MOST_BYTES} are read",
                hint="give -f the folder of the manifests alone",
            )
        )
    for leaf, content in zip(found, _contents(git, found, size), strict=True):
        target = folder / leaf.path
        if set(Path(leaf.path).parts) & {"..", "/"} or not _inside(target, folder):
            raise FindingsError(_outside(leaf))
        target.parent.mkdir(parents=True, exist_ok=True)
        if not leaf.link:
            target.write_bytes(content)
            continue
        to = os.fsdecode(content)
        if "\0" in to or Path(to).is_absolute() or not _inside(target.parent / to, folder):
            raise FindingsError(_outside(leaf))
        target.symlink_to(to)


def _inside(path: Path, folder: Path) -> bool:
    # The links that were made stay inside, so what is below them does.
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _contents(git: Git, found: Sequence[Leaf], size: int) -> Iterator[bytes]:
    """Give the bytes of each file, asked for at once."""
    told = "".join(f"{leaf.blob}\n" for leaf in found).encode("ascii")
    answer = git.ask("cat-file", "--batch", told=told, most_bytes=size + 200 * len(found) + 1)
    at = 0
    for leaf in found:
        end = answer.out.find(b"\n", at)
        head = answer.out[at:end].split()
        if end < 0 or head != [leaf.blob.encode(), b"blob", b"%d" % leaf.size]:
            raise FindingsError(
                Finding(
                    code="base-incomplete",
                    summary=f"`{leaf.path}` of that commit isn't in this clone",
                    hint="fetch it: a partial clone has only what was checked out",
                )
            )
        at = end + 1 + leaf.size + 1
        yield answer.out[end + 1 : end + 1 + leaf.size]


def _outside(leaf: Leaf) -> Finding:
    return Finding(
        code="base-link",
        summary=f"`{leaf.path}` of that commit leads out of the repository",
        hint="choose a commit without such a link",
    )


def _unknown(rev: str, what: str) -> Finding:
    return Finding(
        code="unknown-revision",
        summary=f"`--base {rev}` {what}",
        hint="give a branch, a tag or a commit that `git log` shows",
    )


def _broken(root: Path, words: str) -> Finding:
    return Finding(
        code="git-failed",
        summary=f"git can't read the repository `{root}`: {words or 'it says nothing'}",
        hint="check it with `git fsck`",
    )
