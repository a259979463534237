"""From what was given on the command line to the files that are read, each one once.

1. A folder means its `*.yaml` and `*.yml`, sorted; hidden ones and `*.world.yaml` are not read.
2. A link inside a folder leads to something in that folder, or it is refused.
3. A path that was given outright is followed wherever it leads: a person wrote it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.manifest.notes import Notes
from reconciler.manifest.words import nearest, quoted_path, shown
from reconciler.model.finding import Place, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SUFFIXES = (".yaml", ".yml")
WORLD_SUFFIXES = (".world.yaml", ".world.yml")
PATH_CHARACTERS = 4096


@dataclass(slots=True)
class _Search:
    """The files found so far, by their real path."""

    notes: Notes
    recursive: bool
    files: dict[str, Path] = field(default_factory=dict)
    met: int = 0
    """How many times a manifest was met, the same one again included."""

    def note(self, code: str, path: Path, says: str, hint: str) -> None:
        """Note what is wrong with a path; it has no line, so the first one stands for it."""
        place = Place(file=file_name(path), line=1, column=1)
        self.notes.complete = False
        self.notes.error(code, f"{quoted_path(place.file)} {says}", hint, place)

    def add(self, path: Path) -> None:
        """Take the file, unless it was found before under another name."""
        self.met += 1
        self.files.setdefault(os.path.realpath(path), path)


def files(paths: Iterable[str | Path], *, recursive: bool, notes: Notes) -> tuple[Path, ...]:
    """Give the files to read in the order given, each folder's sorted."""
    search = _Search(notes, recursive)
    for given in paths:
        path = Path(given)
        try:
            _given(search, path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not a path"
            hint = "make it readable for this user, or leave it out"
            search.note("unreadable-file", path, f"can't be read: {reason}", hint)
    return tuple(search.files.values())


def is_manifest(path: str) -> bool:
    """Tell whether a file of a folder is read, by its path from there: nothing hidden, no world."""
    hidden = any(part.startswith(".") for part in Path(path).parts)
    return path.endswith(SUFFIXES) and not path.endswith(WORLD_SUFFIXES) and not hidden


def manifest_files(paths: Iterable[str | Path], *, recursive: bool) -> tuple[Path, ...]:
    """Give the files that would be read, without a word about what is wrong with the others."""
    return files(paths, recursive=recursive, notes=Notes())


def file_name(path: Path) -> str:
    """Give the path as messages show it; bytes that aren't text are escaped."""
    return shown(os.fsencode(path).decode("utf-8", "backslashreplace"), PATH_CHARACTERS)


def _given(search: _Search, path: Path) -> None:
    if path.is_dir():
        before = search.met, len(search.notes.findings)
        _folder(search, path)
        if before == (search.met, len(search.notes.findings)):
            says = "holds no manifest (`*.yaml` or `*.yml`)"
            hint = "give another folder" if search.recursive else "give another folder, or add `-R`"
            search.note("no-manifests", path, says, hint)
        return
    if not path.exists():
        search.note("file-not-found", path, "doesn't exist", _near(path))
        return
    if path.name.endswith(WORLD_SUFFIXES):
        words = (
            f"{quoted_path(file_name(path))} is a world of the simulator and was not read",
            "name it under `world:` of a Scope",
        )
        place = Place(file=file_name(path), line=1, column=1)
        search.notes.remark(Severity.NOTE, "world-skipped", words, place)
        return
    search.add(path)


def _folder(search: _Search, top: Path) -> None:
    inside = Path(os.path.realpath(top))
    for path in _walk(top) if search.recursive else sorted(top.iterdir()):
        if path.name.startswith(".") or not _readable_name(search, path):
            continue
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
            hint = "copy the file into the folder, or give its path as well"
            search.note("link-outside", path, f"leads out of {quoted_path(file_name(top))}", hint)
        elif not path.exists():
            search.note("file-not-found", path, "is a link to nothing", "repair or delete the link")
        elif not path.is_dir():
            search.add(path)


def _readable_name(search: _Search, path: Path) -> bool:
    """Return True for a manifest's name, and for a linked folder where we descend."""
    if path.name.endswith(WORLD_SUFFIXES):
        return False
    if path.suffix in SUFFIXES:
        return True
    return search.recursive and path.is_symlink() and path.is_dir()


def _walk(top: Path) -> Iterator[Path]:
    """Everything below in sorted order; links to folders are given, not followed."""
    for folder, names, others in os.walk(top, followlinks=False):
        names[:] = sorted(name for name in names if not name.startswith("."))
        linked = [name for name in names if (Path(folder) / name).is_symlink()]
        yield from (Path(folder) / name for name in sorted([*others, *linked]))


def _near(path: Path) -> str:
    hint = "give a file or a folder that exists"
    if not path.parent.is_dir():
        return hint
    near = nearest(path.name, (other.name for other in path.parent.iterdir()))
    return hint if near is None else f"give {quoted_path(file_name(path.parent / near))}"
