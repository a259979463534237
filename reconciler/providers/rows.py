"""Rows of long listings: decoded as fast as they come, and as leniently as every other answer.

A page of 1,000 volumes has 1.3 MB. It is taken in by types that are as documented; where one row
isn't, the whole page is read once more by its loose twin, whose rows look at their members one by
one. That takes five times as long, and pydantic thirty times.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, TypeAlias, TypeVar, cast

import msgspec

from reconciler.providers.lenient import ID_FORM, pairs, text

RowT = TypeVar("RowT", bound="Row")

_ID = re.compile(ID_FORM)
PlainId: TypeAlias = Annotated[str, msgspec.Meta(pattern=rf"^(?:{ID_FORM})\Z")]
PlainOptionalId: TypeAlias = Annotated[str, msgspec.Meta(pattern=rf"^(?:{ID_FORM})?\Z")]
PlainFlag: TypeAlias = bool | Literal["true", "false"] | None
"""The same member is a boolean in one sample of a vendor and its word in another: see `said`."""
PlainPairs: TypeAlias = dict[str, str] | list[str] | None
"""Keys and values, or `key=value` one by one: see `told_pairs`."""


class Row(msgspec.Struct):
    """A JSON object of which unknown members are ignored."""

    loose: ClassVar[type[Row] | None] = None
    """Its twin, a subclass, that takes what isn't as documented; None: nothing does."""


def converted(model: type[RowT], told: object) -> RowT:
    """Give the row that JSON values make. Raises ValueError for what can't be read."""
    try:
        return msgspec.convert(told, model)
    except msgspec.ValidationError as error:
        if model.loose in (None, model):
            raise ValueError(str(error)) from error
    return converted(cast("type[RowT]", model.loose), told)


def said(flag: PlainFlag) -> bool | None:
    """Give what a flag or its word says; None where it says nothing."""
    return flag == "true" if isinstance(flag, str) else flag


def told_text(value: object) -> str:
    """Give a text; empty where the cloud sends nothing or null. Raises ValueError."""
    if type(value) is str:
        return value
    found = text(value)
    if isinstance(found, str):
        return found
    raise ValueError("not a text")


def told_id(value: object) -> str:
    """Give an id. Raises ValueError: a row without one can't be told from another one."""
    found = told_text(value)
    if not _ID.fullmatch(found):
        raise ValueError("not an id")
    return found


def told_optional_id(value: object) -> str:
    """Give an id; empty where the cloud sends nothing or null. Raises ValueError."""
    found = told_text(value)
    return told_id(found) if found else ""


def told_pairs(value: object) -> dict[str, str]:
    """Give keys and values, none where the cloud sends neither a mapping nor a list."""
    return pairs(value) if value else {}
