"""Whether manifests are other files than before, without reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.manifest.notes import Notes
from reconciler.manifest.paths import files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def fingerprint(paths: Iterable[str | Path], *, recursive: bool) -> tuple[object, ...]:
    """Give what differs as soon as the files at these paths are others, or were written again."""
    notes = Notes()
    found = files(paths, recursive=recursive, notes=notes)
    return (*(_marks(path) for path in found), *(note.summary for note in notes.ordered()))


def _marks(path: Path) -> tuple[object, ...]:
    try:
        told = path.stat()
    except OSError as error:
        return str(path), error.errno
    return str(path), told.st_mtime_ns, told.st_size, told.st_ino
