"""Foreign text made harmless, once, at the border to a terminal."""

from __future__ import annotations

LONGEST = 1000
"""Names and cloud messages longer than this are cut: nobody reads on, and lines stay lines."""


def plain(text: str) -> str:
    """Give text without control, bidirectional or unprintable characters, and of bounded length."""
    cut = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return "".join(char if char.isprintable() else _shown(char) for char in cut)


def _shown(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
