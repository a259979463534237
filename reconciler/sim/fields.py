"""Reading YAML with positions: every scalar is text until the schema asks for more.

An id such as `12345678e123` or `NO` stays that text. JSON is read the same way.
"""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_WHOLE = re.compile(r"-?\d{1,18}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~+=@-]{0,254}")
"""As our own providers take one: an answer with another id is none to them."""
_ABSENT = ("", "~", "null")
DEEPEST = 100
"""Lists and mappings inside one another. Nodes are made recursively, outside Python: some
ten thousand levels, which a few kilobytes can write, would end the process."""


class WorldError(ValueError):
    """A world file, or a set of fault rules, that can't be used; says where and what to do."""


def documents(text: str, name: str) -> Iterator[yaml.Node]:
    """Give the root node of each document in the text; raises `WorldError` on a syntax error."""
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        _check_depth(yaml.parse(text, Loader=loader), name)
        yield from yaml.compose_all(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WorldError(f"{name}:{line}: not YAML: {error.problem}; correct this line") from error
    except yaml.YAMLError as error:
        raise WorldError(f"{name}:1: not YAML: {error}; save the file as UTF-8 text") from error


def _check_depth(events: Iterator[yaml.Event], name: str) -> None:
    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise WorldError(f"{name}:{line}: more than {DEEPEST} levels; write it flatter")


def fault_at(node: yaml.Node, name: str, text: str) -> WorldError:
    """Give the error that says `name:line: text`."""
    return WorldError(f"{name}:{node.start_mark.line + 1}: {text}")


def rows(node: yaml.Node, name: str, what: str) -> list[yaml.Node]:
    """Give the members of a list; `what` names it in the error."""
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.ScalarNode) and node.value in _ABSENT and not node.style:
        return []
    raise fault_at(node, name, f"`{what}` is a list; write each row after a `-`")


class Fields:
    """One mapping of a world file, read field by field; unknown and double keys raise."""

    def __init__(self, node: yaml.Node, name: str, what: str, known: Collection[str] = ()) -> None:
        if not isinstance(node, yaml.MappingNode):
            raise fault_at(node, name, f"{what} is a mapping; write `key: value` pairs")
        self.node = node
        self.name = name
        self.what = what
        self.nodes: dict[str, yaml.Node] = {}
        for key, value in node.value:
            self._take(key, value, known)

    def _take(self, key: yaml.Node, value: yaml.Node, known: Collection[str]) -> None:
        if not isinstance(key, yaml.ScalarNode):
            raise fault_at(key, self.name, f"a key of {self.what} is not text; write a word")
        if known and key.value not in known:
            near = difflib.get_close_matches(key.value, known, n=1, cutoff=0.0)[0]
            text = f"{self.what} has no key `{key.value}`; the nearest known one is `{near}`"
            raise fault_at(key, self.name, text)
        if key.value in self.nodes:
            raise fault_at(key, self.name, f"`{key.value}` is written twice; keep one")
        self.nodes[key.value] = value

    def fault(self, key: str, text: str) -> WorldError:
        """Give the error at the value of `key`, or at the mapping when the key is absent."""
        return fault_at(self.nodes.get(key, self.node), self.name, text)

    def given(self, key: str) -> bool:
        """Whether the key is written with a value; a plain `null` or nothing isn't one."""
        node = self.nodes.get(key)
        if node is None:
            return False
        return not (isinstance(node, yaml.ScalarNode) and not node.style and node.value in _ABSENT)

    def text(self, key: str, default: str | None = None) -> str:
        """Give the text under `key`; without a default the key must be there and not be empty."""
        node = self.nodes.get(key)
        if node is None:
            if default is None:
                raise self.fault(key, f"{self.what} has no `{key}`; add it")
            return default
        if not isinstance(node, yaml.ScalarNode):
            raise self.fault(key, f"`{key}` is one word or number; write it without [ ] or {{ }}")
        if not node.value and default is None:
            raise self.fault(key, f"`{key}` is empty; write its value")
        return str(node.value)

    def optional(self, key: str) -> str | None:
        """Give the text under `key`, or None when absent or null."""
        return self.text(key) if self.given(key) else None

    def identity(self, key: str) -> str:
        """Give the id under `key`: what a client of these clouds can put into a path."""
        value = self.text(key)
        if not _ID.fullmatch(value):
            fits = "write letters, digits and . _ : ~ + = @ -, or a UUID as the clouds do"
            raise self.fault(key, f"`{key}` can't be an id: {fits}")
        return value

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """Give the text under `key`, which must be one of `allowed`."""
        value = self.text(key, default)
        if value not in allowed:
            known = ", ".join(f"`{word}`" for word in allowed)
            raise self.fault(key, f"`{key}` is `{value}`; write one of {known}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Give the number, not negative, under `key`."""
        if default is not None and not self.given(key):
            return default
        value = self.text(key)
        if _NUMBER.fullmatch(value) and 0 <= (found := float(value)) < math.inf:
            return found
        raise self.fault(key, f"`{key}` is `{value}`; write a number that isn't negative")

    def whole(self, key: str, default: int | None = None) -> int:
        """Give the whole number under `key`."""
        if default is not None and not self.given(key):
            return default
        value = self.text(key)
        if not _WHOLE.fullmatch(value):
            raise self.fault(key, f"`{key}` is `{value}`; write a whole number")
        return int(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """Give the boolean under `key`: exactly `true` or `false`."""
        return self.choice(key, ("true", "false"), "true" if default else "false") == "true"
