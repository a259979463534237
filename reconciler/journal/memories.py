"""What an apply went by, as text of one row: policy, protected rows, documents."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from reconciler.errors import JournalError
from reconciler.model.declared import Side
from reconciler.model.memory import Memory, Protected, Remembers
from reconciler.model.policy import Policy, WhenRunning, Window

if TYPE_CHECKING:
    from collections.abc import Mapping


def written(memory: Memory) -> dict[str, str]:
    """Give the columns that keep a memory; the same memory gives the same text."""
    policy = memory.policy
    limits = {
        "maxDetach": policy.max_detach,
        "maxDetachShare": policy.max_detach_share,
        "maxDetachPerServer": policy.max_detach_per_server,
        "allowDestroy": policy.allow_destroy,
        "allowStatusReset": policy.allow_status_reset,
        "whenRunning": policy.when_running and policy.when_running.value,
        "windows": [asdict(window) for window in policy.windows],
    }
    rows = sorted(memory.protected, key=lambda row: row.order)
    return {
        "policy": json.dumps(limits, sort_keys=True),
        "protected": json.dumps([[row.side.value, row.name, row.owner_id] for row in rows]),
        "documents": json.dumps(sorted(memory.documents)),
        "bare": json.dumps(sorted([side.value, name, one] for side, name, one in memory.bare)),
    }


def read(columns: Mapping[str, str]) -> Memory:
    """Give the memory that these columns keep. Raises JournalError."""
    try:
        rows = json.loads(columns["protected"])
        return Memory(
            of=Remembers.JOURNAL,
            policy=_policy(json.loads(columns["policy"])),
            protected=frozenset(
                Protected(side=Side(side), name=str(name), owner_id=owner_id)
                for side, name, owner_id in rows
            ),
            documents=frozenset(str(name) for name in json.loads(columns["documents"])),
            # Lines of earlier versions don't tell it.
            bare=frozenset(
                (Side(side), str(name), str(one))
                for side, name, one in json.loads(columns["bare"] or "[]")
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        shown = str(dict(columns))[:200]
        raise JournalError(f"a line of the journal can't be read: {shown}") from error


def _policy(told: Mapping[str, object]) -> Policy:
    when, windows = told["whenRunning"], cast("list[dict[str, Any]]", told["windows"])
    return Policy(
        max_detach=int(str(told["maxDetach"])),
        max_detach_share=float(str(told["maxDetachShare"])),
        max_detach_per_server=int(str(told["maxDetachPerServer"])),
        allow_destroy=told["allowDestroy"] is True,
        allow_status_reset=told["allowStatusReset"] is True,
        windows=tuple(Window(**window) for window in windows),
        when_running=None if when is None else WhenRunning(when),
    )
