"""What a row came to, against what it expects, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.scenarios.world import with_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.scenarios.playing import Played
    from tests.scenarios.row import Row


def differences(row: Row, made: Played) -> list[str]:
    """Give every difference as a line, and what was printed below it; empty: it holds."""
    found = list(_differences(row, made))
    return [*found, "", "It printed:", made.text] if found else []


def _differences(row: Row, made: Played) -> Iterator[str]:
    yield from _listed("finding", sorted(row.findings), made.findings)
    yield from _listed("call", row.calls, made.calls)
    for verb, expected in row.exits.items():
        if made.exits.get(verb) != expected:
            yield f"  `{verb}` ended with {made.exits.get(verb)}, {expected} was expected"
    for text in row.says:
        if with_ids(text) not in made.text:
            yield f"  it never said: {text}"


def _listed(kind: str, expected: Sequence[str], found: Sequence[str]) -> Iterator[str]:
    if list(expected) == list(found):
        return
    yield from (f"  {kind} expected, and missing: {one}" for one in expected if one not in found)
    yield from (f"  {kind} that nobody expected: {one}" for one in found if one not in expected)
    if sorted(expected) == sorted(found):
        yield f"  the {kind}s came in another order: {', '.join(found)}"
