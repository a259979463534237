"""What manifests said before this plan. Speakers: manifest's readers, journal, planning, report."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.declared import Side
    from reconciler.model.policy import Policy


class Remembers(enum.Enum):
    """Who remembers; the value is the word in documents."""

    JOURNAL = "journal"
    GIT = "git"


NOBODY = "none"
"""The word for no memory at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """A row of which nothing is taken away."""

    side: Side
    name: str
    """As the entry was written: a name or an id."""
    owner_id: str | None = None
    """What it meant; None where only the live listing can tell."""

    @property
    def order(self) -> tuple[str, str, str]:
        """The sort key."""
        return self.side.value, self.name, self.owner_id or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the last apply of one scope went by, or what an older commit says of it.

    Guards hold a plan against it as well, so that a change can't disarm what would refuse it.
    """

    of: Remembers
    policy: Policy
    """Without its acceptances: those only ever hold something back."""
    protected: frozenset[Protected] = frozenset()
    documents: frozenset[str] = frozenset()
    """`metadata.name` of every document that had entries of the scope."""
    bare: frozenset[tuple[Side, str, str]] = frozenset()
    """Rows that were owned and had nothing attached: side, name as written, and the id it meant.
    What names of other rows meant is told by what was applied."""
