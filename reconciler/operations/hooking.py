"""The hooks of a run: what of them this machine can't run, and what an apply gives its executor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.execution.guests import Guests
from reconciler.model.finding import Finding, Severity
from reconciler.model.outcome import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.execution.sending import Run
    from reconciler.journal.journal import Pages
    from reconciler.model.hook import Errand
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


async def made_up(
    scopes: Iterable[tuple[Plan, Session]], runs: Mapping[str, Run]
) -> tuple[Finding, ...]:
    """Run the hooks that are owed, once more each; give those that didn't end well."""
    found: list[Finding] = []
    for plan, session in scopes:
        run, errands = runs[plan.scope], {errand.key: errand for errand in plan.owed}
        if not errands or plan.refused or run.stop.is_set():
            continue
        if session.closed():
            found += [
                _again(one, f"hook `{one.hook.name}` waits: no window is open") for one in plan.owed
            ]
            continue
        assert run.guests is not None, "an apply has them"
        there = dict.fromkeys(errands, Outcome(verdict=Verdict.DONE))
        outcomes = await run.guests.told(errands, there, run.settling.watcher)
        wrong = {errands[key]: one.after_attach for key, one in outcomes.items()}
        found += [_again(errand, why) for errand, why in wrong.items() if why]
    return tuple(found)


def _again(errand: Errand, why: str) -> Finding:
    return Finding(
        code="after-attach",
        summary=f"`{errand.volume}` is attached to `{errand.server}`, and {why}",
        hint="`reconciler history RUN` shows what the hook said; each `apply` runs it again",
        scope=errand.key.scope,
    )


def guests(session: Session, run_id: str, pages: Pages) -> Guests:
    """Give what an executor needs to run hooks."""
    after = session.policy.after_attach
    return Guests(run=run_id, hooks=session.hooks, pages=pages.hooks, after=after)
