"""How foreign text appears in a message, bounded and printable, and what is near it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN_CHARACTERS = 80
"""Longer than any name that a cloud allows to be useful, shorter than a line of a terminal."""
COMPARED_CHARACTERS = 64
"""`difflib` is quadratic in the length, and nobody misspells the 65th character."""
SHOWN_PATH = 1000
"""A path that is cut can't be opened; this bounds only what nobody made on purpose."""
LISTED_WORDS = 20
"""A hint that scrolls away helps nobody."""


def shown(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Give the text fit for a terminal: bounded, what can't be printed escaped."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(mark if mark.isprintable() else _escaped(mark) for mark in cut)


def _escaped(mark: str) -> str:
    return mark.encode("unicode_escape").decode("ascii")


def quoted(text: str) -> str:
    """Give the text as a value in a sentence."""
    return f"`{shown(text)}`"


def quoted_path(path: str) -> str:
    """Give a path as a value in a sentence, whole, so that it can be copied."""
    return f"`{shown(path, SHOWN_PATH)}`"


def nearest(text: str, known: Iterable[str]) -> str | None:
    """Give the known word that was most likely meant; None when none is near."""
    by_folded = {word[:COMPARED_CHARACTERS].casefold(): word for word in sorted(known)}
    folded = text[:COMPARED_CHARACTERS].casefold()
    found = difflib.get_close_matches(folded, list(by_folded), n=1)
    return by_folded[found[0]] if found else None


def listing(words: Iterable[str], last: str = "and") -> str:
    """Give the words in backticks as English lists them, in the order given."""
    marked = [quoted(word) for word in words]
    if len(marked) > LISTED_WORDS:
        return ", ".join(marked[:LISTED_WORDS]) + f" and {len(marked) - LISTED_WORDS} more"
    if len(marked) <= 1:
        return "".join(marked)
    return f"{', '.join(marked[:-1])} {last} {marked[-1]}"


def instead_of(text: str, known: Iterable[str], *, otherwise: str) -> str:
    """Give the hint after a word that isn't known: the nearest one, or `otherwise`."""
    near = nearest(text, known)
    return f"write {quoted(near)}" if near is not None else otherwise
