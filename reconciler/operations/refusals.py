"""Why an apply sends nothing, or remembers less than it did, as findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.finding import Finding

if TYPE_CHECKING:
    from reconciler.errors import JournalError


def lost_scope(name: str) -> Finding:
    """Give the finding for approved changes of a scope that is gone."""
    return Finding(
        code="stale",
        summary=f"changes of scope `{name}` were approved, and it isn't declared or chosen now",
        hint="plan again and approve the new plan",
        scope=name,
    )


def other_digest(expected: str, digest: str) -> Finding:
    """Give the finding for a plan that isn't the one that was approved."""
    return Finding(
        code="digest-differs",
        summary=f"the plan's digest is `{digest}`, `{expected}` was approved",
        hint="look at the plan again and approve its digest",
    )


def not_approved() -> Finding:
    """Give the finding for a plan that nobody approved."""
    return Finding(
        code="not-approved",
        summary="nobody approved this plan, and nothing was sent",
        hint="answer `yes`, or say `--auto-approve`",
    )


def not_recorded(what: str, error: JournalError) -> Finding:
    """Give the finding for what was done and isn't in the journal."""
    return Finding(
        code="journal",
        summary=f"{what} could not be recorded: {error}",
        hint="mend the journal, then apply once more",
    )
