"""Reset one stale record of the storage view, and nothing else; by hand, by name, once.

The phases of a repair, in this order:

find      exactly one attachment, in exactly one declared scope
allow     the scope's policy says so, and the cloud has such a call
doubt     look and ask the server itself, twice, apart; every condition holds both times; nothing is
          waited for where what was typed ahead, or nobody to ask, rules consent out
consent   a person types the volume's name, and the server's id where there is no such server
lease     of this cloud: only one run at a time changes it
look      once more: time passed while somebody thought
reset     intent (durable) -> one request -> settle by looking -> verdict (durable)
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from reconciler.errors import JournalError, ProviderError, ReconcilerError
from reconciler.execution.settle import Settling, settle
from reconciler.execution.watcher import Durations, Watcher
from reconciler.model.attachment import View
from reconciler.model.call import Call, Verb
from reconciler.model.finding import Finding
from reconciler.model.history import RunEnd
from reconciler.model.outcome import Answer, Outcome, Verdict
from reconciler.model.plan import Name
from reconciler.model.record import Intent
from reconciler.operations.applied import Ending
from reconciler.operations.lease import LOCK_TIMEOUT_S, Claim, Leases, LockedError
from reconciler.operations.named import one_attachment
from reconciler.operations.sessions import loaded, opened, unreadable
from reconciler.planning.reset import contradiction, reset_refusals
from reconciler.report.diagnosis import RepairReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.model.outcome import Receipt
    from reconciler.operations.sessions import Opened, Request, Session
    from reconciler.operations.wiring import Surroundings
    from reconciler.ports import StatusReset

APART_S = 30.0
"""Seconds between the two times that a server is asked: a listing that lags has caught up."""
VERB = "repair"
NOTHING_SENT = {Answer.REFUSED, Answer.DENIED, Answer.BUSY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a person is asked about."""

    key: AttachmentKey
    name: Name
    attachment_id: str
    server_gone: bool
    """True when there is no such server: then its id has to be typed as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How a repair is approved, and how it tells what it does meanwhile."""

    ask: Callable[[Subject], bool]
    """Called once, and only where every condition holds."""
    tell: Callable[[str], None]
    possible: Callable[[Subject], bool] = lambda _: True
    """Tells before the wait between the two looks whether `ask` may still agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What became of a repair."""

    key: AttachmentKey
    name: Name
    ending: Ending
    outcome: Outcome | None = None
    """None where nothing was sent."""
    requests: int = 0
    seconds: float = 0.0
    simulated: bool = False
    findings: tuple[Finding, ...] = ()
    """Why nothing was sent, or why the verdict could not be kept."""


class _RefusedError(ReconcilerError):
    """A condition doesn't hold; nothing was sent."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__()
        self.findings = findings


async def repair(
    text: str,
    request: Request,
    around: Surroundings,
    consent: Consent,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
) -> Repaired:
    """Reset the attachment written as `[SCOPE:]SERVER/VOLUME`.

    Raises FindingsError when that isn't exactly one, JournalError, and ProviderError when a read
    failed; nothing was sent then.
    """
    began_s = asyncio.get_running_loop().time()
    loaded(request)  # A misspelt `--scope` is told before anything is opened.
    # Every scope is opened: another one may list what this one doesn't see.
    async with opened(replace(request, scopes=()), around, writing=True) as now:
        session, key, live = await one_attachment(text, request, now)
        told = Repaired(
            key=key,
            name=_name(key, live),
            ending=Ending.REFUSED,
            simulated=session.scope.simulated,
        )
        run_id = uuid.uuid4().hex
        claim = Claim(run=run_id, operation=VERB, timeout_s=lock_timeout_s, tell=consent.tell)
        leases = Leases((session,), claim)
        try:
            told = await _Repair(now, session, key, run_id).through(told, consent, leases)
        except (_RefusedError, LockedError) as refused:
            told = replace(told, findings=refused.findings)
        finally:
            leases.release()
        return replace(
            told,
            requests=sum(one.pace.requests for one in now.sessions),
            seconds=asyncio.get_running_loop().time() - began_s,
        )


class _Repair:
    """One repair under way."""

    def __init__(self, now: Opened, session: Session, key: AttachmentKey, run_id: str) -> None:
        self._run_id = run_id
        self._now = now
        self._session = session
        self._key = key

    async def through(self, told: Repaired, consent: Consent, leases: Leases) -> Repaired:
        """Take it through its phases. Raises _RefusedError where one says no, LockedError."""
        resets = self._allowed()
        first = await self._doubted(resets, told.name)
        if not consent.possible(first):
            raise _RefusedError(_not_confirmed(first))
        consent.tell(f"asking the server itself, twice, {APART_S:g} s apart ...")
        await self._session.patience.clock.sleep(APART_S)
        self._same(first, await self._doubted(resets, told.name))
        if not consent.ask(first):
            raise _RefusedError(_not_confirmed(first))
        await leases.obtain()
        self._same(first, await self._doubted(resets, told.name))
        return await self._reset(resets, first, told)

    def _allowed(self) -> StatusReset:
        scope = self._session.scope
        provider = self._session.provider
        if getattr(provider, "reset", None) is None:
            raise _RefusedError(
                self._finding(
                    "no-status-reset",
                    f"`{scope.provider}` has no call that resets a storage record",
                    "open a ticket with these ids",
                )
            )
        if not self._session.policy.allow_status_reset:
            raise _RefusedError(
                self._finding(
                    "reset-not-allowed",
                    f"no policy lets scope `{scope.name}` reset a storage record",
                    f"say `allowStatusReset: true` in a Policy whose `scopes` name `{scope.name}`",
                )
            )
        return cast("StatusReset", provider)

    async def _doubted(self, resets: StatusReset, name: Name) -> Subject:
        """Look, and ask the server; give the subject where nothing speaks against it."""
        session, key = self._session, self._key
        live = await session.patience.read(lambda: session.provider.observe((key,)))
        calls = tuple(
            call
            for one in self._now.sessions
            if one.pages is not None
            for call in one.pages.open_intents()
        )
        against = reset_refusals(key, live, calls)
        if against:
            raise _RefusedError(*against)
        said = await session.patience.read(lambda: resets.witness(key))
        unclear = contradiction(key, live, said)
        if unclear is not None:
            raise _RefusedError(unclear)
        gone = key.server_id not in live.servers
        if gone:
            await self._nowhere_else()
        attachment_id = live.observed[key].sightings[View.STORAGE].attachment_id
        assert attachment_id is not None, "`reset_refusals` asks for it"
        return Subject(key=key, name=name, attachment_id=attachment_id, server_gone=gone)

    async def _nowhere_else(self) -> None:
        """Refuse where another scope of the project lists the server or the volume."""
        if self._now.findings:
            raise _RefusedError(*self._now.findings)
        project = self._session.identity.project
        for other in self._now.sessions:
            if other is self._session or other.identity.project != project:
                continue
            try:
                live = await other.patience.read(other.provider.list_live)
            except ProviderError as error:
                raise _RefusedError(unreadable(other.scope, error)) from error
            if not live.complete or self._lists(live):
                raise _RefusedError(
                    self._finding(
                        "listed-elsewhere",
                        f"scope `{other.scope.name}` of the same project "
                        + ("lists it" if live.complete else "can't be listed completely"),
                        "leave it: what that scope has is decided there",
                    )
                )

    def _lists(self, live: Live) -> bool:
        servers = live.servers.keys() | {key.server_id for key in live.observed}
        volumes = live.volumes.keys() | {key.volume_id for key in live.observed}
        return self._key.server_id in servers or self._key.volume_id in volumes

    def _same(self, first: Subject, later: Subject) -> None:
        if first != later:
            raise _RefusedError(
                self._finding(
                    "changed-meanwhile",
                    "what storage and the server say changed between two looks",
                    "run `reconciler doctor` again",
                )
            )

    async def _reset(self, resets: StatusReset, subject: Subject, told: Repaired) -> Repaired:
        pages = self._session.pages
        assert pages is not None, "a repair has a journal"
        call = Call(verb=Verb.RESET, keys=(self._key,))
        label = f"{subject.name.server}/{subject.name.volume}"
        intent = Intent(run=self._run_id, step_id=VERB, label=label, call=call)
        pages.runs.began(self._run_id, VERB)
        intent_id = pages.begin(intent)
        receipt = await resets.reset(self._key, subject.attachment_id)
        outcome = await self._settled(call, receipt)
        done = outcome.verdict is Verdict.DONE
        told = replace(
            told, outcome=outcome, ending=Ending.CONFIRMED if done else Ending.INCOMPLETE
        )
        try:
            pages.end(intent_id, {self._key: outcome})
            counts = {"reset": 1} if done else {outcome.verdict.value: 1}
            ending, asked = told.ending.name.lower(), self._session.pace.requests
            pages.runs.ended(self._run_id, RunEnd(ending=ending, counts=counts, requests=asked))
        except JournalError as error:
            # What was done is done and has to be told; only the memory of it is missing.
            kept = self._finding("journal", str(error), "mend the journal, then run `apply` once")
            return replace(told, ending=Ending.INCOMPLETE, findings=(kept,))
        return told

    async def _settled(self, call: Call, receipt: Receipt) -> Outcome:
        """Give the truth about a reset: its answer is a hint, looking tells."""
        session = self._session
        refused = Outcome(
            verdict=Verdict.REFUSED,
            code=receipt.code,
            message=receipt.message,
            request_id=receipt.request_id,
        )
        if receipt.answer in NOTHING_SENT and not receipt.look:
            return refused
        use = Settling(
            provider=session.provider,
            watcher=Watcher(session.provider, session.patience),
            patience=session.patience,
            durations=Durations({}),
            deadline_s=session.deadline_s,
        )
        heard = replace(receipt, answer=Answer.UNKNOWN) if receipt.look else receipt
        outcome = (await settle(call, heard, use))[self._key]
        if receipt.look and outcome.verdict is Verdict.FAILED:
            return refused  # It is as it was: then the answer is believed.
        # How long a rewritten record takes says nothing about changes.
        return replace(outcome, took_s=None)

    def _finding(self, code: str, summary: str, hint: str) -> Finding:
        return Finding(
            code=code,
            summary=f"{self._key}: {summary}",
            hint=hint,
            place=self._session.scope.place,
            scope=self._session.scope.name,
        )


def _not_confirmed(subject: Subject) -> Finding:
    more = " and the server's id: there is no such server" if subject.server_gone else ""
    flags = "`--confirm NAME`" + (" and `--confirm-server ID`" if subject.server_gone else "")
    return Finding(
        code="not-confirmed",
        summary=f"{subject.key}: nobody typed exactly the volume's name{more}",
        hint=f"type them exactly when asked, or say {flags}",
        scope=subject.key.scope,
    )


def _name(key: AttachmentKey, live: Live) -> Name:
    server, volume = live.servers.get(key.server_id), live.volumes.get(key.volume_id)
    return Name(
        server=(server.name if server is not None else "") or key.server_id,
        volume=(volume.name if volume is not None else "") or key.volume_id,
    )


def repair_report(told: Repaired) -> RepairReport:
    """Give what the report room tells of a repair."""
    return RepairReport(
        key=told.key,
        name=told.name,
        outcome=told.outcome,
        requests=told.requests,
        seconds=told.seconds,
        simulated=told.simulated,
        findings=told.findings,
    )
