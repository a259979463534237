"""The hooks of a run: what of them this machine can't run, and what an apply gives its executor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.execution.guests import Guests
from reconciler.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.journal.journal import Pages
    from reconciler.model.finding import Finding
    from reconciler.model.plan import Plan
    from reconciler.operations.sessions import Session


def undefined(plan: Plan, session: Session) -> tuple[Finding, ...]:
    """Give, as warnings, the hooks that a plan would run and this machine can't."""
    named = {errand.hook for change in plan.permitted for errand in change.errands}
    found = (session.hooks.problem(hook) for hook in sorted(named, key=lambda one: one.place))
    return tuple(replace(problem, scope=plan.scope) for problem in found if problem is not None)


def unrunnable(scopes: Iterable[tuple[Plan, Session]]) -> tuple[Finding, ...]:
    """Give the same of a whole run, as errors: an apply that can't ask a guest doesn't begin."""
    found = (problem for plan, session in scopes for problem in undefined(plan, session))
    return tuple(replace(problem, severity=Severity.ERROR) for problem in found)


def guests(session: Session, run_id: str, pages: Pages) -> Guests:
    """Give what an executor needs to run hooks."""
    after = session.policy.after_attach
    return Guests(run=run_id, hooks=session.hooks, pages=pages.hooks, after=after)
