"""How long a version of the API is supported: what the cloud tells, or the vendor's table; pure.

1. A version that the cloud doesn't offer is an error: its answers would be refused, or another
   version's.
2. One that has ended, ends within 90 days or is deprecated is a warning while it is offered.
3. Where the cloud couldn't be asked, the table of its page counts; newer versions than those that
   it dates exist, so one that it doesn't know is a warning.

Source: the vendor's pages on API versions (CURRENT, SUPPORTED, DEPRECATED: less than 90 days are
left or it has ended, PLANNED: can't be called yet); SDK v4, which stops at a version that isn't
listed and warns below 90 days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeAlias

from reconciler.model.finding import Severity
from reconciler.providers.samsung_virtualserver import EDITIONS
from reconciler.providers.talk import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.providers.samsung_virtualserver.wire import WireVersion

SOON = timedelta(days=90)
PLANNED, DEPRECATED = "PLANNED", "DEPRECATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """How long one version is offered."""

    supported_until: date | None = None
    """The last day that was promised; None: no end is published."""
    deprecated: bool = False


Told: TypeAlias = Mapping[str, Term]
"""The versions that can be called, by their name without the `v`."""
TABLE: Told = {each.name: Term(supported_until=each.supported_until) for each in EDITIONS}


def offered(rows: Iterable[WireVersion]) -> Told:
    """Give what the cloud says it offers, sorted; what is only planned is left out."""
    named = ((clean(row.id).removeprefix("v"), row) for row in rows if row.id)
    return {
        name: Term(supported_until=_date(row.not_before), deprecated=row.status == DEPRECATED)
        for name, row in sorted(named, key=lambda pair: pair[0])
        if row.status != PLANNED
    }


def standing(edition: str, told: Told | None, today: date) -> tuple[Severity, str] | None:
    """Give how a version stands and the words for it; None where there is nothing to tell.

    `told` None: the cloud couldn't be asked.
    """
    known = TABLE if told is None else told
    named = f"version `{edition}` of the API"
    term = known.get(edition)
    if term is None and told is None:
        return Severity.WARNING, f"{named} isn't in the vendor's table, and the cloud didn't answer"
    if term is None:
        others = ", ".join(f"`{name}`" for name in known)
        return Severity.ERROR, f"{named} isn't offered: the cloud offers {others}"
    end = term.supported_until
    if end is not None and end < today:
        return Severity.WARNING, f"{named} was supported until {end.isoformat()}"
    if end is not None and end - today < SOON:
        return Severity.WARNING, f"{named} is supported until {end.isoformat()}"
    return (Severity.WARNING, f"{named} is deprecated") if term.deprecated else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
