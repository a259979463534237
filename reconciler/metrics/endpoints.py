"""The name of an endpoint: a path without ids, so that there are few of them; pure."""

from __future__ import annotations

import re

WORD = re.compile(r"[A-Za-z_.-]+|v\d+(\.\d+)*")
"""A part of a path that a vendor chose: letters alone, or a version. Ids and projects have
digits in all five systems."""
LONGEST_WORD = 40
ID = "{id}"


def endpoint(method: str, path: str) -> str:
    """Give `METHOD /path/{id}/...`: what has a digit in it is somebody's id."""
    parts = (part if _is_word(part) else ID for part in path.split("/"))
    return f"{method} {'/'.join(parts)}"


def _is_word(part: str) -> bool:
    return not part or (len(part) <= LONGEST_WORD and WORD.fullmatch(part) is not None)
