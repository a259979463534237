"""Foreign text as every database takes it."""

from __future__ import annotations


def kept(text: str) -> str:
    """Give text that every database takes: no NUL, and nothing that UTF-8 can't say."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
