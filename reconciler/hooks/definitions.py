"""The commands that hooks are, read from the file of this machine that RECONCILER_HOOKS names.

1. A mapping: hook name -> command, a list of words. No shell reads them.
2. Words may hold ids as placeholders, no names: an id is one word of plain characters wherever it
   ends up, a name is what somebody typed into a console.
3. Everything is text; what isn't as it should be makes the whole file unusable, and says where.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from reconciler.model.finding import Finding, Place, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.hook import Hook

VARIABLE = "RECONCILER_HOOKS"
IDS = ("server_id", "volume_id", "run")
"""What may stand in braces."""
PLACEHOLDER = re.compile(r"\{(\w+)\}")
LONGEST_BYTES = 1024 * 1024
SHAPE = "write `NAME: [COMMAND, ARGUMENT, ...]`, one for each hook"


class _WrongError(Exception):
    """Something in the file isn't as it should be."""

    def __init__(self, says: str, hint: str, mark: yaml.Mark | None) -> None:
        super().__init__(says)
        self.hint, self.mark = hint, mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """The hooks that this machine defines, or why it defines none."""

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trouble: Finding | None = None
    """Why the file can't be used; None where it can, or where the variable names none."""

    def problem(self, hook: Hook) -> Finding | None:
        """Tell why a hook can't be run here, as a warning at its place; None: it can."""
        if hook.name in self.words:
            return None
        known = ", ".join(f"`{name}`" for name in sorted(self.words)) or "none"
        why = f"this machine defines {known}"
        hint = f"define it in the file that {VARIABLE} names"
        also: tuple[Place, ...] = ()
        if self.trouble is not None:
            why, hint = self.trouble.summary, self.trouble.hint
            also = (self.trouble.place,) if self.trouble.place is not None else ()
        return Finding(
            code="hook-undefined",
            summary=f"hook `{hook.name}` can't be run here: {why}",
            hint=hint,
            severity=Severity.WARNING,
            place=hook.place,
            also=also,
        )


def commands(path: str | None) -> Commands:
    """Read the file of hooks; None where the variable names none. Never raises."""
    if not path:
        return Commands()
    try:
        return Commands(words=_read(Path(path)))
    except _WrongError as error:
        at = error.mark
        place = Place(file=path, line=at.line + 1, column=at.column + 1) if at else None
        summary = f"the hooks in `{path}` can't be used: {error}"
        trouble = Finding(code="hooks-file", summary=summary, hint=error.hint, place=place)
        return Commands(trouble=trouble)


def filled(words: Sequence[str], ids: Mapping[str, str]) -> tuple[str, ...]:
    """Give a command with its ids in the place of their placeholders."""
    return tuple(PLACEHOLDER.sub(lambda found: ids[found[1]], word) for word in words)


def asks_for(words: Sequence[str]) -> frozenset[str]:
    """Give the placeholders in a command."""
    return frozenset(name for word in words for name in PLACEHOLDER.findall(word))


def _read(path: Path) -> Mapping[str, tuple[str, ...]]:
    readable = f"check the path in {VARIABLE}, and that this user may read it"
    try:
        if not path.is_file():
            raise _WrongError("there is no such file", readable, None)
        with path.open("rb") as file:
            content = file.read(LONGEST_BYTES + 1)
        if len(content) > LONGEST_BYTES:
            raise _WrongError(f"it is larger than {LONGEST_BYTES} bytes", SHAPE, None)
        tree = yaml.compose(content.decode(), Loader=yaml.SafeLoader)
    except OSError as error:
        raise _WrongError(str(error.strerror), readable, None) from error
    except ValueError as error:
        raise _WrongError("it isn't UTF-8", SHAPE, None) from error
    except yaml.MarkedYAMLError as error:
        raise _WrongError(f"it isn't YAML: {error.problem}", SHAPE, error.problem_mark) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise _WrongError("it isn't YAML", SHAPE, None) from error
    if not isinstance(tree, yaml.MappingNode):
        raise _WrongError("it isn't a mapping", SHAPE, tree.start_mark if tree else None)
    return dict(_defined(tree))


def _defined(tree: yaml.MappingNode) -> Iterator[tuple[str, tuple[str, ...]]]:
    seen: set[str] = set()
    for key, value in tree.value:
        if not isinstance(key, yaml.ScalarNode) or not key.value:
            raise _WrongError("a hook has no name", SHAPE, key.start_mark)
        if key.value in seen:
            raise _WrongError(f"`{key.value}` is defined twice", "keep one", key.start_mark)
        seen.add(key.value)
        nodes = value.value if isinstance(value, yaml.SequenceNode) else []
        words = tuple(node.value for node in nodes if isinstance(node, yaml.ScalarNode))
        if not words or len(words) != len(nodes):
            says = f"`{key.value}` isn't a list of words"
            raise _WrongError(says, SHAPE, value.start_mark)
        _check(key.value, words, value.start_mark)
        yield key.value, words


def _check(name: str, words: tuple[str, ...], mark: yaml.Mark) -> None:
    known = ", ".join(f"`{{{one}}}`" for one in IDS)
    if not words[0] or PLACEHOLDER.search(words[0]):
        says = f"the command of `{name}` must be named, and hold no placeholder"
        raise _WrongError(says, "write the program first, its arguments after it", mark)
    if any("\0" in word for word in words):
        raise _WrongError(f"`{name}` holds a NUL, which no argument can", "take it out", mark)
    for placeholder in sorted(asks_for(words) - set(IDS)):
        says = f"`{name}` asks for `{{{placeholder}}}`; arguments may hold {known} alone"
        hint = "read everything else from the environment or from stdin"
        raise _WrongError(says, hint, mark)
