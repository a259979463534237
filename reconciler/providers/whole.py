"""Long pages, taken in straight from their bytes by types that leave no member out.

A typed decoder skips what nobody reads, and of a member that stands twice takes the last one
without a word. So each model has a whole twin: what nobody reads stays in it as the bytes that it
was, and all members stand in the order in which pages have them. Written again, a page is the same
bytes or at least has as many colons; one that is short of any is read as every other answer is
(`strict_json`), which refuses what stands twice and teaches the twin what is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import chain
from operator import or_
from types import GenericAlias
from typing import TYPE_CHECKING, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec import UNSET, Raw, UnsetType, structs

from reconciler.providers.requests import COLON, COLON_BY_NUMBER, strict_json
from reconciler.providers.rows import Row, converted

if TYPE_CHECKING:
    from collections.abc import Sequence

RowT = TypeVar("RowT", bound=Row)

LONG = 64 * 1024
"""Bytes from which a twin pays: making one takes about a millisecond."""
MOST_NAMES = 300
"""A server has about 60 members; rows that never stop naming new ones teach nothing more."""


@dataclass(frozen=True, slots=True)
class _Members:
    """The names of members in the rows of a model, as far as they were seen."""

    some: tuple[str, ...] = ()
    """In the order of the rows."""
    every: frozenset[str] = frozenset()
    """Those that no row lacked."""


_NONE = _Members()
SEEN: dict[type[Row], _Members] = {}
"""What pages have taught. It decides how fast one is read, and never what is read in it."""
TWINS: dict[type[Row], type[Row]] = {}


def read(model: type[RowT], body: bytes) -> RowT:
    """Give what a body says. Raises ValueError and RecursionError, as `strict_json`."""
    if len(body) >= LONG and model in SEEN:
        try:
            told = msgspec.json.decode(body, type=_twin(model))
        except msgspec.MsgspecError:
            pass  # A row lacks a member, or has another kind of value in it, or is no JSON.
        else:
            if _complete(told, body):
                return told
    plain = strict_json(body)
    if len(body) >= LONG:
        _learn(model, plain)
    return converted(model, plain)


def _complete(told: Row, body: bytes) -> bool:
    """Tell whether all that is in a body is in what was read."""
    if not body.isascii():
        body.decode()  # What nobody reads was not looked at.
    again = msgspec.json.encode(told)
    if again == body:
        return True
    if b"\\" in body and COLON_BY_NUMBER in body:
        return False  # It may be a colon, and isn't written so again.
    return again.count(COLON) == body.count(COLON)


def _learn(model: type[Row], *told: object) -> None:
    rows = [row for row in told if isinstance(row, dict)]
    if not rows:
        return
    longest = max(rows, key=len)  # It tells most of the order.
    here = [name for name in dict.fromkeys(chain(longest, *rows)) if _plain(name)]
    known = SEEN.get(model, _Members(every=frozenset(here)))
    some = tuple(dict.fromkeys((*known.some, *here)))
    if len(some) < MOST_NAMES:
        SEEN[model] = _Members(some, known.every.intersection(*rows))
        TWINS.clear()
    for member in structs.fields(model):
        inner = _rows_in(member.type)
        if inner is not None:
            _learn(inner, *(one for row in rows for one in _each(row.get(member.encode_name))))


def _plain(name: str) -> bool:
    """Tell whether a member can be written by its name as it is."""
    return name.isprintable() and not {'"', "\\"}.intersection(name)


def _each(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def _twin(model: type[RowT]) -> type[RowT]:
    """Give a model of the same members that takes in every other one that was seen."""
    if model not in TWINS:
        TWINS[model] = _made(model, SEEN.get(model, _NONE))
    return cast("type[RowT]", TWINS[model])


def _made(model: type[Row], seen: _Members) -> type[Row]:
    assert not hasattr(model, "__post_init__"), "its twin wouldn't do what it does"
    read = {member.encode_name: member for member in structs.fields(model)}
    members = [
        _kept(read[name], must=name in seen.every) if name in read else _unread(n, name)
        for n, name in enumerate(dict.fromkeys((*seen.some, *read)))
    ]
    # No subclass: the members of its base would stand before all others.
    twin = msgspec.defstruct(
        f"Whole{model.__name__}",
        members,
        bases=(Row,),
        kw_only=True,
        omit_defaults=True,
        gc=False,
    )
    return cast("type[Row]", twin)


def _kept(member: structs.FieldInfo, *, must: bool) -> tuple[str, object, object]:
    # What every row had must be there. Of the rest a default isn't written again: short as well.
    default = {} if must else {"default": member.default, "default_factory": member.default_factory}
    field = msgspec.field(name=member.encode_name, **default)
    return member.name, _whole(member.type), field


def _unread(n: int, name: str) -> tuple[str, object, object]:
    return f"unread_{n}", Raw | UnsetType, msgspec.field(default=UNSET, name=name)


def _rows_in(kind: object) -> type[Row] | None:
    """Give the rows that a member holds; None where it holds none."""
    if isinstance(kind, type) and issubclass(kind, Row):
        return kind
    return next((row for part in get_args(kind) if (row := _rows_in(part)) is not None), None)


def _whole(kind: object) -> object:
    """Give the type of a member with the twin of its rows instead of them."""
    if _rows_in(kind) is None:
        return kind
    if isinstance(kind, type) and issubclass(kind, Row):
        return _twin(kind)
    parts = tuple(_whole(part) for part in get_args(kind))
    is_tuple = get_origin(kind) is tuple
    return GenericAlias(tuple, parts) if is_tuple else reduce(or_, parts)
