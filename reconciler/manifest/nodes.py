"""What a document is made of, with places: text, lists and mappings. Lines count from 1.

Nobody writes to a node once it is made. Frozen, they would take three times as long to make, and
there are up to ten of them for each attachment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

VOID = frozenset({"", "~", "null"})
"""What YAML writes for "no value"; in quotes they are text."""


@dataclass(slots=True, eq=False)
class TextNode:
    """A scalar exactly as written; `plain` says that it stood without quotes.

    No tuple: pydantic would take it for a list.
    """

    text: str
    plain: bool
    line: int
    column: int

    @property
    def void(self) -> bool:
        """True for what stands for "no value"."""
        return self.plain and self.text in VOID


@dataclass(slots=True, eq=False)
class ListNode:
    """A sequence; `children` in the order of the file."""

    line: int
    column: int
    children: list[Node]


@dataclass(slots=True, eq=False)
class Pair:
    """A key with its value; for an element of a list the key is the element itself."""

    key: Node
    value: Node


@dataclass(slots=True, eq=False)
class MapNode:
    """A mapping; `pairs` by the text of the key, in the order of the file."""

    line: int
    column: int
    pairs: dict[str, Pair]


Node: TypeAlias = TextNode | ListNode | MapNode


def called(node: object) -> str:
    """Give what a person calls this kind of node."""
    match node:
        case TextNode():
            return "no value" if node.void else "text"
        case ListNode() | list():
            return "a list"
        case _:
            return "a mapping"
