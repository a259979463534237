"""What a journal's file knew last, kept beside it: a file that knows less was put back.

A copy from another day, or a write-ahead log from another time, is a sound database: only what
it lacks tells. The mark may lag, because a crash loses it; it is never ahead.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from reconciler.errors import JournalError

LENGTH = 64
"""Bytes of it: written at once, and over what was there."""


class Mark:
    """The last call number of one journal file, in `FILE-mark`."""

    def __init__(self, path: Path) -> None:
        self._path = Path(f"{path}-mark")
        self._where = path
        self._file: int | None = None
        self.book = ""
        """Which journal it is; set once that is known."""
        if not path.exists():
            self._path.unlink(missing_ok=True)  # Whoever takes a journal away begins a new one.

    def check(self, book: str | None, highest: int) -> None:
        """Raise JournalError when the file isn't that journal, or has fewer calls; None: empty."""
        known, number = self._read()
        if known and (known != book or number > highest):
            had = "is another one than before" if book and known != book else "has lost lines"
            raise JournalError(
                f"the journal {self._where} {had}: call {number} was written, and the last one in "
                f"it is {highest}. Put the right file back, or remove {self._path} to go on with "
                "this one"
            )

    def note(self, number: int) -> None:
        """Remember a call that is durable. A mark that can't be written only lags."""
        with suppress(OSError):
            if self._file is None:
                # Kept open: opening it for each call takes longer than everything else here.
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            os.pwrite(self._file, f"{self.book} {number}".ljust(LENGTH).encode("ascii"), 0)

    def close(self) -> None:
        """Release the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read(self) -> tuple[str, int]:
        try:
            book, number = self._path.read_text(encoding="ascii").split()
            return book, int(number)
        except (OSError, ValueError):
            return "", 0
