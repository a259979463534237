"""Numbers beside what they count, so that one is told as one. Speakers: every room that tells."""

from __future__ import annotations


def counted(number: int, noun: str, many: str = "") -> str:
    """Give `1 volume` or `2 volumes`; `many` is the plural that isn't the noun with an `s`."""
    return f"{number} {noun if number == 1 else many or f'{noun}s'}"
