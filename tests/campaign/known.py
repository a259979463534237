"""Breaches whose cause is known and not mended yet: counted apart, so that a new one shows.

Each has a diagnosis and a test of the breach itself, as narrow as it can be. Once mended, its row
goes; `python -m tests.campaign --strict` counts them as violations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.execution.settle import SILENT_AFTER_S
from reconciler.model.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.campaign.living import Lived, Tale


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One cause."""

    code: str
    why: str
    explains: Callable[[Tale, str], bool]
    """Whether it is what is behind a breach, given as its line."""


def _silent(tale: Tale, breach: str) -> bool:
    slow = any(rule.fault == "slow" for rule in tale.story.rules)
    longer = tale.story.job_s * (1 + 3 * tale.story.sigma) >= SILENT_AFTER_S
    return (
        breach.startswith(("I3 ", "I5 ", "I13 "))
        and len(tale.story.can.views) == 1
        and (slow or longer)
    )


def _overdue(tale: Tale, breach: str) -> bool:
    return breach.startswith("I3 ") and any(_left_open(run) for run in tale.runs)


def _left_open(run: Lived) -> bool:
    outcomes = (o for _, _, by_key in run.events.ended for o in by_key.values())
    return any(outcome.verdict is Verdict.UNKNOWN for outcome in outcomes)


def _never_settled(tale: Tale, breach: str) -> bool:
    found = tale.runs[-1].events.found
    stuck = any(o.verdict is Verdict.UNKNOWN and i.handle is not None for i, o in found)
    return breach.startswith("I2 ") and stuck


def _unapproved(tale: Tale, breach: str) -> bool:
    if not breach.startswith("I4 "):
        return False
    scopes = (s for run in tale.runs if run.applied for s in run.applied.planned.scopes)
    return tale.story.asks and any(scope.plan.unselected for scope in scopes)


KNOWN: tuple[Known, ...] = (
    Known(
        code="silent-where-nothing-moves",
        why="where no view shows motion (ModelArts, Workspace), ten silent seconds are taken for "
        "proof that a call without an answer or a job did nothing; a change that takes longer is "
        "told as failed, its locks are given back, and the next call meets it",
        explains=_silent,
    ),
    Known(
        code="overdue-unlocks",
        why="a step that ends unknown at its deadline gives its server and volume back, and the "
        "next step of the same run is sent while the cloud is still at work on the first",
        explains=_overdue,
    ),
    Known(
        code="approved-is-not-all",
        why="the second look after a prompt may find more to do than was shown and approved (a "
        "listing had lost rows, or the world moved): it is left out, and the run still ends 0",
        explains=_unapproved,
    ),
    Known(
        code="adopted-never-settles",
        why="an adopted call is followed for AT_LEAST_S (60 s), and an old picture must hold for "
        "CONTRADICTED_AFTER_S (60 s) against a job that says SUCCESS: it stays unknown in every "
        "run, and its volume is never planned again",
        explains=_never_settled,
    ),
)


def cause(tale: Tale, breach: str) -> str | None:
    """Give the code of what is behind a breach; None for a new one."""
    return next((known.code for known in KNOWN if known.explains(tale, breach)), None)
