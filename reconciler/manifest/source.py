"""The bytes of one manifest, checked before anything is parsed, and the places in it.

1. Only a regular file is opened, and never one that could block.
2. The size is known before a byte is read.
3. Bytes that aren't UTF-8, and characters that a terminal would obey, are refused.
4. A line that may hold a secret is never shown: `hide` says so by place, `SECRET_KEY` by its look.
"""

from __future__ import annotations

import bisect
import codecs
import os
import re
import stat
from array import array
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.manifest.words import shown
from reconciler.model.finding import Place

if TYPE_CHECKING:
    from reconciler.manifest.notes import Notes

MAX_BYTES = 64 * 1024 * 1024
"""A million attachments fit; what is larger was not written as a manifest."""
STDIN = "-"
"""What stands for stdin where a file is named; a file of that name is `./-`."""
PIPED = "<stdin>"
"""How messages call it."""
LINE_CHARACTERS = 200
FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd"
    "\U00010000-\U0010ffff]",
)
"""Controls, line ends that editors don't count, and marks that turn the direction of the text."""
SECRET_KEY = re.compile(
    r"(?i)(?:key|token|passw\w*|secret|credentials?)[\"']?\s*:"
    r"|://[^/\s]*@",
)
CREDENTIALS = re.compile(rb"credentials[\"']?\s*:")
CONFLICT = re.compile(rb"^(?:<{7}|={7}|>{7})(?=[ \r\n]|\Z)", re.MULTILINE)
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Source:
    """One file's bytes and the places in it; `file` is its path as people wrote it."""

    def __init__(self, file: str, path: Path, raw: bytes) -> None:
        self.file = file
        self.path = path
        self.raw = raw
        self._starts: array[int] | None = None
        self._hidden: tuple[list[int], list[int]] = ([], [])
        self._last: tuple[int, str] = (0, "")

    def hide(self, first: int, last: int) -> None:
        """From now on the lines `first` to `last` are blank in every place."""
        starts, ends = self._hidden
        while starts and starts[-1] >= first:
            starts.pop()
            last = max(last, ends.pop())
        self._hidden[0].append(first)
        self._hidden[1].append(last)
        self._last = (0, "")

    def place(self, line: int, column: int) -> Place:
        """Give the place with its source line, cut to a bounded length."""
        if self._last[0] != line:
            self._last = (line, self._shown(line))
        return Place(file=self.file, line=line, column=column, text=self._last[1])

    def blank(self, line: int) -> bool:
        """Return True for a line without anything on it, and for one behind the end."""
        return not self._text(line).strip()

    def written_before(self, place: tuple[int, int]) -> tuple[int, int]:
        """Give the place, or the end of the last text before it when its line is blank."""
        line, column = place
        if not self.blank(line):
            return place
        while line > 1 and self.blank(line):
            line -= 1
        return (line, len(self._text(line)) + 1) if not self.blank(line) else (place[0], column)

    def hide_after_credentials(self, first: int) -> None:
        """Hide all that follows the first `credentials:` from line `first` on: nobody parsed it."""
        found = CREDENTIALS.search(self.raw, self._lines()[first - 1])
        if found is not None:
            self.hide(self.position(found.start())[0], len(self._lines()))

    def conflict(self, first: int, last: int) -> tuple[int, str] | None:
        """Give the first line among these with which git marks a conflict, and its mark."""
        found = CONFLICT.search(self.raw, self._lines()[first - 1])
        if found is None:
            return None
        line = self.position(found.start())[0]
        return (line, found.group().decode("ascii")) if line <= last else None

    def position(self, offset: int) -> tuple[int, int]:
        """Give the line and column of a byte."""
        starts = self._lines()
        line = bisect.bisect_right(starts, offset)
        before = self.raw[starts[line - 1] : offset]
        return line, len(before.decode("utf-8", "replace")) + 1

    def _shown(self, line: int) -> str:
        starts, ends = self._hidden
        at = bisect.bisect_right(starts, line) - 1
        if at >= 0 and line <= ends[at]:
            return ""
        text = self._text(line)
        if _suspicious(text) and SECRET_KEY.search(text):
            return ""
        cut = text if len(text) <= LINE_CHARACTERS else text[: LINE_CHARACTERS - 1] + "…"
        return cut if cut.isprintable() else FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", cut)

    def _text(self, line: int) -> str:
        starts = self._lines()
        if not 1 <= line <= len(starts):
            return ""
        end = starts[line] if line < len(starts) else len(self.raw)
        return self.raw[starts[line - 1] : end].decode("utf-8", "replace").rstrip("\r\n")

    def _lines(self) -> array[int]:
        if self._starts is None:
            self._starts = array("I", [0])
            self._starts.extend(end.end() for end in _LINE_END.finditer(self.raw))
        return self._starts


def read(path: Path, file: str, notes: Notes) -> Source | None:
    """Give the file's source; None when it can't be read as text, which is noted."""
    raw = _raw(path, file, notes)
    if raw is None:
        return None
    source = Source(file, path, raw.removeprefix(codecs.BOM_UTF8))
    return source if _is_text(source, notes) else None


def piped(raw: bytes, notes: Notes) -> Source | None:
    """Give the source of what stdin held; its relative paths begin in the working folder."""
    whole = _within_limit(raw, PIPED, notes)
    if whole is None:
        return None
    source = Source(PIPED, Path(STDIN), whole.removeprefix(codecs.BOM_UTF8))
    if not _is_text(source, notes):
        return None
    if whole and not whole.endswith(b"\n"):
        # A list that lost its end is a list as well, and what it doesn't name is detached.
        place = source.place(*source.position(len(source.raw)))
        hint = "look how the program before the pipe ended; what is whole ends with a line end"
        notes.error("stdin-cut-short", "stdin ends in the middle of a line", hint, place)
    return source


def _raw(path: Path, file: str, notes: Notes) -> bytes | None:
    top = Place(file=file, line=1, column=1)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            hint = "give a file or a folder of manifests"
            notes.error("not-a-file", f"`{file}` is neither a file nor a folder", hint, top)
            return None
        # Between the look and the opening somebody may have put a pipe there: it must not block.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as stream:  # noqa: PTH123 - it is opened already
            size = os.fstat(descriptor).st_size
            if size <= MAX_BYTES:
                return _within_limit(stream.read(MAX_BYTES + 1), file, notes)
            return _within_limit(bytes(0), file, notes, size)
    except OSError as error:
        reason = error.strerror or "it can't be read"
        hint = "make it readable for this user, or leave it out"
        notes.error("unreadable-file", f"`{file}` can't be read: {reason}", hint, top)
        return None


def _within_limit(raw: bytes, file: str, notes: Notes, size: int | None = None) -> bytes | None:
    counted = len(raw) if size is None else size
    if counted <= MAX_BYTES:
        return raw
    summary = f"`{file}` has {counted:,} bytes, {MAX_BYTES:,} are allowed"
    hint = "split it into several files of one folder"
    notes.error("file-too-large", summary, hint, Place(file=file, line=1, column=1))
    return None


def _is_text(source: Source, notes: Notes) -> bool:
    if source.raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        place = Place(file=source.file, line=1, column=1)
        summary = "the file is UTF-16, not UTF-8"
        notes.error("not-utf8", summary, "save it as UTF-8", place)
        return False
    try:
        text = source.raw.decode("utf-8")
    except UnicodeDecodeError as error:
        source.hide_after_credentials(1)
        place = source.place(*source.position(error.start))
        summary = f"byte 0x{source.raw[error.start]:02x} is not UTF-8"
        notes.error("not-utf8", summary, "save the file as UTF-8", place)
        return False
    found = FORBIDDEN.search(text)
    if found is None:
        return True
    source.hide_after_credentials(1)
    place = source.place(*source.position(len(text[: found.start()].encode())))
    summary = f"the character U+{ord(found[0]):04X} is not allowed in a manifest"
    hint = f'take it out, or write it as an escape in double quotes: "{shown(found[0])}"'
    if found[0] == "\0":
        hint = "take it out; a file that holds it was hardly written as text"
    notes.error("control-character", summary, hint, place)
    return False


def _suspicious(text: str) -> bool:
    """Tell whether a line may hold a secret, in a tenth of the time of `SECRET_KEY`.

    One of the words is in whatever that finds; beyond ASCII other signs count as the same letters.
    """
    low = text.lower()
    return (
        not text.isascii()
        or "key" in low
        or "token" in low
        or "passw" in low
        or "secret" in low
        or "credential" in low
        or "@" in low
    )
