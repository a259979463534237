"""Values of which there are several for each attachment. Speakers: declared, finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def numerous(*, order: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a class of values that mypy keeps frozen and that are made in a quarter of the time.

    A frozen dataclass sets each field by a detour, 0.85 µs for four of them instead of 0.2 µs, and
    half a million of them are made of 100,000 rows. Nothing but mypy stops who writes to one.
    """
    return dataclass(slots=True, kw_only=True, unsafe_hash=True, order=order)
