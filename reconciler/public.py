"""What other programs may build on; `import reconciler` gives these names, and a test pins them.

Order: `load_manifest` -> `plan` -> (`schedule`, `render`) -> `execute`; the others need a manifest
alone. Each call opens its scopes, looks, and closes them again, on an event loop of its own:
an asynchronous program calls them by `asyncio.to_thread`. What a person has to change first is
raised as `FindingsError`; what became of a change is returned, never raised.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.cli.flags import surroundings
from reconciler.operations.apply import Consent, apply_manifests
from reconciler.operations.asked import Request, Surroundings, loaded
from reconciler.operations.drift import drift
from reconciler.operations.live import see
from reconciler.operations.plans import plan_manifests
from reconciler.planning.approval import approval
from reconciler.report.formats import FORMATS, rendered

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from reconciler.model.call import Call
    from reconciler.model.declared import Declared
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.record import OpenIntent
    from reconciler.operations.applied import Applied
    from reconciler.operations.drift import Drifted
    from reconciler.operations.live import Seen
    from reconciler.operations.plans import Planned
    from reconciler.planning.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Manifests that were read and hold together, and the machine that they are read on."""

    declared: Declared
    request: Request
    around: Surroundings


def load_manifest(
    *files: str | os.PathLike[str], recursive: bool = False, around: Surroundings | None = None
) -> Manifest:
    """Read manifests, files or folders; no network. Raises FindingsError with all that is wrong.

    `around` is what the machine gives; None: its environment, and `.reconciler/` in the working
    folder.
    """
    request = Request(files=tuple(str(one) for one in files), recursive=recursive)
    declared = loaded(request).declared
    assert declared is not None, "`loaded` raises otherwise"
    return Manifest(declared=declared, request=request, around=around or surroundings())


def read_live(manifest: Manifest) -> Seen:
    """List what is attached now in every scope; a scope that can't be read is a finding."""
    return asyncio.run(see(manifest.request, manifest.around))


def plan(
    manifest: Manifest, *, compare_with: str | None = None, first_apply: bool = False
) -> Planned:
    """Plan every scope; nothing is changed. `compare_with` is a revision, as `--base`.

    `first_apply` says that nothing was applied here before.
    """
    asked = replace(manifest.request, compare_with=compare_with, first_apply=first_apply)
    return asyncio.run(plan_manifests(asked, manifest.around))


def schedule(planned: Planned) -> Mapping[str, Schedule]:
    """Give the calls that a plan takes, with their needs and locks, by scope."""
    return {scope.plan.scope: scope.schedule for scope in planned.scopes}


def execute(manifest: Manifest, planned: Planned) -> Applied:
    """Make what a plan permits, and no more: a fresh look may only narrow it.

    Destroys want a person and are refused here. Once something was sent nothing is raised but
    `JournalError`: `ending` says how it went, `results` what became of each change.
    """
    approved = tuple(
        one
        for scope in planned.scopes
        for one in approval(scope.plan.changes, scope.session.identity.cloud)
    )
    asked = _as_planned(manifest.request, planned)
    consent = Consent(ask=lambda _: frozenset(), show=_hidden, prompts=False, approved=approved)
    return asyncio.run(apply_manifests(asked, manifest.around, consent, _Heard()))


def check_drift(manifest: Manifest) -> Drifted:
    """Compare live with what was last applied, or with the manifests where nothing was."""
    return asyncio.run(drift(manifest.request, manifest.around))


def recover(manifest: Manifest) -> tuple[tuple[OpenIntent, Outcome], ...]:
    """Look after the calls that a killed run left in flight; nothing new is sent.

    Gives each with what became of it; empty: nothing was left. An unknown one stays for the next.
    """
    heard = _Heard()
    consent = Consent(ask=lambda _: None, show=_hidden, prompts=False, approved=())
    asyncio.run(apply_manifests(manifest.request, manifest.around, consent, heard))
    return tuple(heard.found)


def render(planned: Planned, form: str = "text") -> str:
    """Give a plan in one format: text, json, markdown, html, junit, sarif, gitlab."""
    if form not in FORMATS:
        raise ValueError(f"`{form}` is no format: {', '.join(FORMATS)}")
    return rendered(planned.document if form == "text" else planned.whole, form)


def _hidden(planned: Planned) -> None:
    """Show nobody the plan: the program has it."""


def _as_planned(asked: Request, planned: Planned) -> Request:
    """Give the request with the memory that a plan was made with."""
    made = [scope.session.request for scope in planned.scopes]
    if not made:
        return asked
    return replace(asked, compare_with=made[0].compare_with, first_apply=made[0].first_apply)


@dataclass
class _Heard:
    """Events of a run that nobody watches; what was adopted is kept."""

    found: list[tuple[OpenIntent, Outcome]] = field(default_factory=list)

    def step_started(self, step_id: str, call: Call) -> None:
        """Tell nobody."""

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Tell nobody: the outcomes are returned."""

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Keep it."""
        self.found.append((intent, outcome))
