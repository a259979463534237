"""How a bug is planted in the running house: text of a function becomes another one, in memory."""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
from dataclasses import dataclass
from types import FunctionType

HEAD = "from __future__ import annotations\n"
HOUSE = "reconciler."


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One bug."""

    name: str
    breaks: str
    """What it breaks, for people."""
    where: str
    """`module:function`, `module:Class.method`, or a module alone where a statement is run in it.
    The module's name begins below the package."""
    swaps: tuple[tuple[str, str], ...] = ()
    """Text of the function, each of it once, and what stands there instead."""
    statement: str = ""
    whole: bool | None = None
    """True where only the whole road goes by it."""
    equivalent: str = ""
    """Why no invariant can tell it from the real house; empty: one has to."""


class StaleError(Exception):
    """The text that a plant swaps isn't in the house any more, or more than once."""


def plant(bug: Plant) -> None:
    """Plant a bug in this process; nothing takes it out again."""
    module_name, _, path = bug.where.partition(":")
    module = importlib.import_module(HOUSE + module_name)
    if bug.statement:
        exec(compile(HEAD + bug.statement, bug.name, "exec"), module.__dict__)  # noqa: S102 - the point of it
        return
    owner: object = module
    *parents, last = path.split(".")
    for part in parents:
        owner = getattr(owner, part)
    made = _remade(inspect.getattr_static(owner, last), last, bug)
    if owner is not module:
        setattr(owner, last, made)
        return
    _everywhere(getattr(module, last), made)


def _remade(old: object, name: str, bug: Plant) -> object:
    function = inspect.unwrap(getattr(old, "fget", old))  # type: ignore[arg-type]  # a property's own
    assert isinstance(function, FunctionType)
    text = textwrap.dedent(inspect.getsource(function))
    for before, after in bug.swaps:
        if text.count(before) != 1:
            raise StaleError(f"{bug.name}: {text.count(before)} times in {bug.where}: {before}")
        text = text.replace(before, after)
    made: dict[str, object] = {}
    exec(compile(HEAD + text, bug.name, "exec"), function.__globals__, made)  # noqa: S102 - as above
    return made[name]


def _everywhere(old: object, new: object) -> None:
    """Put a function in the place of another one, under whatever name it was imported."""
    for name, module in list(sys.modules.items()):
        if name.startswith(HOUSE):
            for key, value in list(vars(module).items()):
                if value is old:
                    setattr(module, key, new)
