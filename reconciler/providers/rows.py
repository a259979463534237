"""Rows of long listings: decoded as fast as they come, and as leniently as every other answer.

A page of 1,000 volumes has 1.3 MB. Each row is looked at once by its own `__post_init__`, which
leaves what is as documented as it is; pydantic takes six times as long for the same.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from reconciler.providers.lenient import ID_FORM, pairs, text

RowT = TypeVar("RowT", bound="Row")

_ID = re.compile(ID_FORM)


class Row(msgspec.Struct):
    """A JSON object of which unknown members are ignored; its members are checked by itself."""


def converted(model: type[RowT], told: object) -> RowT:
    """Give the row that JSON values make. Raises ValueError for what isn't as documented."""
    try:
        return msgspec.convert(told, model)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


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
