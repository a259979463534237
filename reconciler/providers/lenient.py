"""Members of foreign JSON, read leniently: what can't be read is absent, never guessed.

The same member is a string in one sample of a vendor and a number in another (`bootIndex`, `size`,
`delete_on_termination`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

TRUE_WORDS = frozenset({"true", "1"})
FALSE_WORDS = frozenset({"false", "0"})


def text(value: object) -> object:
    """Give a scalar as text, empty for null; what is no scalar stays what it is."""
    if type(value) is str:
        return value  # As nearly all are.
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def flag(value: object) -> bool | None:
    """Give what a boolean or its word says; None where it says neither."""
    word = str(value).strip().lower()
    if word in TRUE_WORDS:
        return True
    return False if word in FALSE_WORDS else None


def whole(value: object) -> int | None:
    """Give a whole number, written as one or as text; else None."""
    word = text(value)
    return int(word) if isinstance(word, str) and word.isdecimal() and word.isascii() else None


def pairs(value: object) -> dict[str, str]:
    """Give keys and values of a mapping, or of a list of `key=value`."""
    if isinstance(value, dict):
        if all(type(of_key) is str for of_key in value.values()):
            return value  # As documented: nothing is to be read into it.
        return {str(key): str(text(of_key)) for key, of_key in value.items()}
    if not isinstance(value, list):
        return {}
    # Servers list their tags as `key=value`; a tag may have an empty value or none.
    split = (str(each).partition("=") for each in value)
    return {key: told for key, _, told in split}


def rows(value: object) -> object:
    """Give no rows where the cloud sends null."""
    return [] if value is None else value


Text = Annotated[str, BeforeValidator(text)]
"""Empty where the cloud sends nothing or null."""
ID_FORM = "[A-Za-z0-9][A-Za-z0-9._:~+=@-]{0,254}"
"""Ids become parts of paths and of lists in queries: `..`, a blank, a quote or a comma there would
ask for something else. Ours; the documents show UUIDs and 32 hexadecimal digits."""
Id = Annotated[str, BeforeValidator(text), Field(pattern=f"^{ID_FORM}$")]
"""A row without its id can't be told from another one: the whole answer is then in doubt."""
OptionalId = Annotated[str, BeforeValidator(text), Field(pattern=f"^({ID_FORM})?$")]
"""Empty where the cloud sends nothing or null."""
Flag = Annotated[bool | None, BeforeValidator(flag)]
Whole = Annotated[int | None, BeforeValidator(whole)]
Pairs = Annotated[dict[str, str], BeforeValidator(pairs)]


class Wire(BaseModel):
    """A JSON object of which unknown members are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)
