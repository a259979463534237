"""How text looks on a terminal: its width, and colours beside words that say the same."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

COLOURS = {
    "+": "32",
    "-": "31",
    "-/+": "33",
    "~": "33",
    "x": "1;31",
    "!": "1;31",
    "?": "36",
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "aside": "2",
}
"""What is painted -> the parameters of its SGR sequence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the reader of a text can show."""

    colour: bool = False
    columns: int | None = None
    """The width of a terminal; None: lines may be as long as they like."""

    def paint(self, what: str, text: str) -> str:
        """Give text in the colour of what it is, where there are colours."""
        return f"\x1b[{COLOURS[what]}m{text}\x1b[0m" if self.colour and text else text


PLAIN = Look()


def width(text: str) -> int:
    """Give the columns that a terminal needs; the text is free of control characters."""
    return len(text) if text.isascii() else max(0, _measure()(text))


@functools.cache
def _measure() -> Callable[[str], int]:
    """Load the tables of wide characters once some are met: most commands never meet any."""
    measure: Callable[[str], int] = importlib.import_module("wcwidth").wcswidth
    return measure


def padded(text: str, columns: int) -> str:
    """Give text filled up with spaces to so many columns."""
    return text + " " * (columns - width(text))
