"""Plan open scopes: look, resolve, plan, schedule, forecast; nothing is changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from reconciler.errors import ProviderError
from reconciler.execution.look import REST_S, Wait, steady
from reconciler.model.call import Verb
from reconciler.model.counting import counted
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.memory import NOBODY, Remembers
from reconciler.model.plan import Action
from reconciler.operations.hooking import undefined
from reconciler.operations.preflight import Asked, ask_beforehand, remembered
from reconciler.operations.sessions import opened, unreadable
from reconciler.planning.forecast import forecast_s
from reconciler.planning.ground import ground
from reconciler.planning.planner import plan_on
from reconciler.planning.resolve import resolve
from reconciler.planning.schedule import Schedule, schedule
from reconciler.planning.windows import window_notice
from reconciler.report.document import ScopeReport, brief_document, with_values

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.hook import Occasion
    from reconciler.model.live import Live
    from reconciler.model.plan import Approved, Circumstances, Plan
    from reconciler.model.record import NamedAttachment
    from reconciler.operations.asked import Surroundings
    from reconciler.operations.sessions import Request, Session
    from reconciler.planning.ground import Ground
    from reconciler.ports import ApiVersion, OwnWords
    from reconciler.report.document import Document

NAMED = 3
"""Volumes named while they are waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopePlan:
    """One scope, planned."""

    session: Session
    plan: Plan
    schedule: Schedule
    report: ScopeReport
    on: Ground
    """What the plan stands on."""
    read_with: int
    """How many requests it took to see everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """All scopes of a run, planned, and the document that tells of them."""

    scopes: tuple[ScopePlan, ...]
    findings: tuple[Finding, ...]
    """What is wrong beside the plans: scopes that can't be read."""
    document: Document
    """What is told of them, but for the rows that stay as they are: see `whole`."""

    @property
    def whole(self) -> Document:
        """The document with every attachment that will be there; made anew each time."""
        return with_values(self.document, [scope.report for scope in self.scopes])

    @property
    def digest(self) -> str:
        """The fingerprint of what would be approved."""
        return str(cast("Mapping[str, object]", self.document["reconciler"])["digest"])

    @property
    def found(self) -> list[Mapping[str, object]]:
        """All that is to be told, as rows of the document."""
        ours = cast("Mapping[str, object]", self.document["reconciler"])
        return cast("list[Mapping[str, object]]", ours["findings"])

    @property
    def clouds(self) -> Mapping[str, str]:
        """By scope, where its ids mean what they mean."""
        return {scope.plan.scope: scope.session.identity.cloud for scope in self.scopes}

    @property
    def approvable(self) -> bool:
        """True when at least one change may be made."""
        return any(scope.plan.permitted for scope in self.scopes)


async def plan_manifests(
    request: Request,
    around: Surroundings,
    *,
    preflight: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Planned:
    """Plan what a request names; open, look and close. Raises FindingsError, JournalError.

    With `preflight` the clouds that can are asked about plain attaches as well; `tell` hears what
    is waited for.
    """
    async with opened(request, around, writing=False) as now:
        made = await planned(now.sessions, now.findings, Terms(destroys=None, tell=tell))
        check_selection(made)  # First: what a question turned out to be must be told.
        return await _preflighted(made, around) if preflight else made


def check_selection(made: Planned) -> None:
    """Raise FindingsError for globs that match nothing: a misspelt `--exclude` excludes nothing.

    And for what shall be forced, where that isn't exactly one detach of the plan.
    """
    _check_forces(made)
    read = [scope.plan.read_as for scope in made.scopes]
    _check_readings(read)
    if made.findings or not made.scopes:
        return  # Somewhere unread they may match.
    asked = made.scopes[0].session.request
    nowhere = {*asked.targets, *asked.excludes}.difference(*read)
    if nowhere:
        raise FindingsError(
            *(
                Finding(
                    code="selection-unmatched",
                    summary=f"`{text}` matches no attachment, live or wanted",
                    hint="write it as [SCOPE:]SERVER/VOLUME; `reconciler live` lists the names",
                )
                for text in sorted(nowhere)
            )
        )


def _check_readings(read: Sequence[Mapping[str, Mapping[str, bool]]]) -> None:
    """Raise FindingsError for globs whose names hold slashes, and that may be read in two ways."""
    found: list[Finding] = []
    for text in sorted({text for scope in read for text in scope}):
        ways = [scope[text] for scope in read if text in scope]
        every = sorted({way for one in ways for way in one})
        if not any(all(one.get(way) for one in ways) for way in every):
            found.append(
                Finding(
                    code="selection-ambiguous",
                    summary=f"`{text}` could mean {' or '.join(every)}",
                    hint="write ids: `reconciler live` lists them; no id has a slash",
                )
            )
    if found:
        raise FindingsError(*found)


def _check_forces(made: Planned) -> None:
    named: dict[str, list[AttachmentKey]] = {}
    leaving = {change.leaves for scope in made.scopes for change in scope.plan.changes}
    for scope in made.scopes:
        for text, here in scope.plan.named_to_force.items():
            named.setdefault(text, []).extend(here)
    found: list[Finding] = []
    for text, keys in sorted(named.items()):
        if len(keys) > 1:
            ids = ", ".join(f"`{key}`" for key in sorted(keys))
            why, hint = f"could mean {ids}", "write the ids of the one that is meant"
        elif not keys and not made.findings:
            why, hint = "names nothing that is attached", "write SERVER/VOLUME exactly, no glob"
        elif keys and keys[0] not in leaving:
            why, hint = "isn't to be detached", "only a detach of the manifests can be forced"
        else:
            continue
        summary = f"`--force-detach {text}` {why}"
        found.append(Finding(code="force-unmatched", summary=summary, hint=hint))
    if found:
        raise FindingsError(*found)


def check_destroys(made: Planned, words: Collection[str]) -> None:
    """Raise FindingsError for words that would agree to lose volumes of several scopes.

    What is the id of any volume names that one, also where another scope calls one of its so.
    """
    found: list[Finding] = []
    for word in sorted(words):
        named = {
            change.key.volume_id
            for scope in made.scopes
            for change in scope.plan.changes
            if change.action is Action.DESTROY and change.name.volume == word
        }
        an_id = any(word in scope.on.live.volumes for scope in made.scopes)
        meant = named | {word} if an_id and named else named
        if len(meant) > 1:
            listed = ", ".join(f"`{one}`" for one in sorted(meant))
            scoped = "choose the scope that is meant with `--scope`"
            summary = f"`--ack-destroy {word}` could mean {listed}"
            hint = scoped if an_id else "write the id of each volume that is meant"
            found.append(Finding(code="ack-ambiguous", summary=summary, hint=hint))
    if found:
        raise FindingsError(*found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms scopes are planned."""

    approved: tuple[Approved, ...] | None = None
    """The only changes that may be made; None: no approval narrows the plan."""
    unsettled: Mapping[str, frozenset[AttachmentKey]] = field(default_factory=dict)
    """By scope, what calls of earlier runs may still change."""
    destroys: frozenset[str] | None = frozenset()
    """The volumes that a person agreed to lose; None: they will be asked."""
    typed: Mapping[str, int] | None = field(default_factory=dict)
    """By scope, the detaches that a person acknowledged by typing their number; None: they will
    be asked."""
    rest_s: float = REST_S
    """How long motion is waited for."""
    ask_at_most: int = 0
    """Up to so many changes are planned only once their servers and volumes were asked alone."""
    tell: Callable[[str], None] = lambda _: None
    """Hears what is waited for while it is."""


async def planned(
    sessions: Sequence[Session], findings: Sequence[Finding], terms: Terms
) -> Planned:
    """Plan open scopes at once; what can't be read is a finding, and the others go on."""
    plans: dict[str, ScopePlan] = {}
    unread: dict[str, Finding] = {}

    async def one(session: Session) -> None:
        try:
            plans[session.scope.name] = await _plan(session, terms)
        except ProviderError as error:
            unread[session.scope.name] = unreadable(session.scope, error)

    async with asyncio.TaskGroup() as group:
        for session in sessions:
            group.create_task(one(session))
    told = (*findings, *(unread[name] for name in sorted(unread)))
    return _told(tuple(plans[name] for name in sorted(plans)), told)


def _told(scopes: tuple[ScopePlan, ...], findings: tuple[Finding, ...]) -> Planned:
    document = brief_document([scope.report for scope in scopes], findings)
    return Planned(scopes=scopes, findings=findings, document=document)


async def _preflighted(made: Planned, around: Surroundings) -> Planned:
    """Give the same with what the clouds say of plain attaches, one question at a time."""
    asked, lost = Asked(), list[Finding]()
    scopes: list[ScopePlan] = []
    for scope in made.scopes:
        found, notice = await ask_beforehand(scope.plan, scope.session.provider, asked)
        lost += remembered(asked, scope.session, around)
        shown = replace(scope.plan, findings=(*scope.plan.findings, *found))
        report = replace(scope.report, plan=shown, notices=(*scope.report.notices, notice))
        scopes.append(replace(scope, plan=shown, report=report))
    return _told(tuple(scopes), (*made.findings, *asked.happened, *lost))


def _laid(session: Session, circumstances: Circumstances) -> Callable[[Live], Ground]:
    """Lay the ground of a listing once: it is asked for before and after each doubt."""
    can, policy = session.spec.can, session.policy
    laid: list[Ground] = []

    def stand(live: Live) -> Ground:
        if not laid or laid[0].live is not live:
            laid[:] = [ground(resolve(session.entries, live), live, policy, can, circumstances)]
        return laid[0]

    return stand


async def _plan(session: Session, terms: Terms) -> ScopePlan:
    left = terms.unsettled.get(session.scope.name, frozenset())
    circumstances = session.circumstances(terms.approved, left, terms.destroys, terms.typed)
    stand = _laid(session, circumstances)
    before = session.pace.requests
    live = await steady(
        session.provider,
        _own_words(session),
        stand,
        session.patience,
        wait=Wait(
            at_most_s=terms.rest_s,
            told=lambda rows: terms.tell(_awaited(session.scope.name, rows, terms.rest_s)),
        ),
        ask_at_most=terms.ask_at_most,
    )
    read_with = session.pace.requests - before
    on = stand(live)
    made = plan_on(on)
    told = (*await _api_version(session), *undefined(made, session))
    made = replace(made, findings=(*made.findings, *told))
    steps = schedule(made, session.spec.can)
    report = _reported(session, made, steps, live.notices, _memory(circumstances))
    return ScopePlan(
        session=session, read_with=read_with, plan=made, schedule=steps, on=on, report=report
    )


def _awaited(scope: str, rows: Sequence[NamedAttachment], rest_s: float) -> str:
    volumes = sorted({row.volume for row in rows})
    named = ", ".join(volumes[:NAMED])
    more = f" and {len(volumes) - NAMED} more" if len(volumes) > NAMED else ""
    what = f"volumes in motion, or on a server that is, in scope `{scope}`"
    return f"waiting {rest_s:.0f} s at most for {what}: {named}{more}"


def _reported(
    session: Session, made: Plan, steps: Schedule, notices: tuple[str, ...], memory: str
) -> ScopeReport:
    call_s = _seconds(session)
    seconds = forecast_s(
        steps,
        call_s,
        session.at_once,
        held=not session.spec.can.shows_motion,
        per_s=session.scope.limits.requests_per_s,
        hook_s=_hook_seconds(session),
    )
    return ScopeReport(
        plan=made,
        schedule=steps,
        seconds=seconds,
        provider=session.spec.name,
        simulated=session.scope.simulated,
        memory=memory,
        call_s=call_s,
        notices=(*notices, *_left_open(session), *_windows(session, seconds)),
    )


def _memory(circumstances: Circumstances) -> str:
    """Give who remembers what was applied before, as documents say it."""
    told = {memory.of for memory in circumstances.memories}
    return " and ".join(who.value for who in Remembers if who in told) or NOBODY


async def _api_version(session: Session) -> tuple[Finding, ...]:
    """Give what is to be told of the version of the cloud's API that this scope asks for."""
    if getattr(session.provider, "api_version", None) is None:
        return ()
    asked = cast("ApiVersion", session.provider)
    told = await asked.api_version(session.today())
    return () if told is None else (replace(told, place=session.scope.place),)


def _own_words(session: Session) -> OwnWords | None:
    asks = getattr(session.provider, "ask", None) is not None
    return cast("OwnWords", session.provider) if asks else None


def _seconds(session: Session) -> Mapping[Verb, float]:
    """Give what a verb takes: as learned, else as the others took, else as the provider guesses."""
    learned = session.pages.job_seconds() if session.pages is not None else {}
    guess = max(learned.values(), default=session.spec.can.job_s)
    return {verb: learned.get(verb.value, guess) for verb in Verb}


def _hook_seconds(session: Session) -> Mapping[tuple[Occasion, str], float]:
    """Give what each hook took by the median of its good ends; unknown ones are absent."""
    policy = session.policy
    hooked = policy.guest_release is not None or policy.after_attach is not None
    return session.pages.hooks.seconds() if hooked and session.pages is not None else {}


def _windows(session: Session, seconds: float) -> tuple[str, ...]:
    """Tell until or from when changes may be made, where a policy says."""
    windows = session.policy.windows
    return (window_notice(windows, session.utc_now(), seconds),) if windows else ()


def _left_open(session: Session) -> tuple[str, ...]:
    """Tell of calls that an earlier run didn't see the end of; `apply` adopts them."""
    count = len(session.pages.open_intents()) if session.pages is not None else 0
    if not count:
        return ()
    calls = counted(count, "call")
    return (f"no end is known yet of {calls} of an earlier run: `apply` looks after that first",)
