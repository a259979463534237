"""The holes in the core, one Protocol each; adapters fill them and the top wires them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import date
    from pathlib import Path

    from reconciler.model.attachment import AttachmentKey, Witness
    from reconciler.model.call import Call
    from reconciler.model.declared import Side
    from reconciler.model.finding import Finding
    from reconciler.model.history import Holder, PastCall, PastRun
    from reconciler.model.hook import Errand, Hook, HookEnd
    from reconciler.model.live import Live, Words
    from reconciler.model.memory import Memory
    from reconciler.model.notice import Condition
    from reconciler.model.outcome import Outcome, Outcomes, Progress, Receipt
    from reconciler.model.record import Intent, NamedAttachment, OpenIntent
    from reconciler.model.watching import Correction, Difference, Tick, Watched


class Provider(Protocol):
    """One cloud, one scope. Every method is one conversation: no retries, no waiting.

    Order: `list_live` once per plan and again after the prompt; then per call `submit`,
    `track` until its job ended where there is a handle, `observe` until settled; `aclose` last.
    Reads raise `ProviderError`; `submit` never raises: what it does not know is UNKNOWN.
    """

    async def list_live(self) -> Live:
        """Give everything attached in the scope, owned or not."""
        ...

    async def observe(self, keys: Collection[AttachmentKey]) -> Live:
        """Give what every view says now of these attachments, their volumes and servers."""
        ...

    async def submit(self, call: Call) -> Receipt:
        """Ask for a change; ACCEPTED means that it will happen, not that it did."""
        ...

    async def track(self, handle: str) -> Progress:
        """Ask how a job is doing."""
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


class OwnWords(Protocol):
    """Optional, beside Provider: one's own word costs a call each, so only some are asked."""

    async def ask(self, server_ids: Sequence[str], volume_ids: Sequence[str]) -> Words:
        """Give what each of them says of itself, asked alone and not listed."""
        ...


class Reckoning(Protocol):
    """Optional, beside Provider: its `observe` goes the cheapest way and is reckoned beforehand."""

    def takes(self, keys: Collection[AttachmentKey]) -> int:
        """Give how many requests observing these takes; asks nothing."""
        ...


class StatusReset(Protocol):
    """Optional, beside Provider: takes a stale attachment out of the storage view alone.

    Order: `witness` twice, apart; then `reset` once. `witness` raises `ProviderError`, `reset`
    never raises: what it does not know is UNKNOWN.
    """

    async def witness(self, key: AttachmentKey) -> Witness:
        """Ask the server itself whether it has the volume."""
        ...

    async def reset(self, key: AttachmentKey, attachment_id: str) -> Receipt:
        """Ask storage, with one request, to forget exactly this attachment."""
        ...


class Preflight(Protocol):
    """Optional, beside Provider: a cloud that tells beforehand whether it would take an attach."""

    async def rehearse(self, call: Call) -> Receipt:
        """Ask about the attach of one key; never raises.

        ACCEPTED: it would pass. With a handle the cloud didn't rehearse it: it began.
        """
        ...


class ApiVersion(Protocol):
    """Optional, beside Provider: a cloud whose requests name the version of its API."""

    async def api_version(self, today: date) -> Finding | None:
        """Give what is to be told of the version asked for; None: it is current. Never raises."""
        ...


class Pace(Protocol):
    """How fast one scope may be asked; the HTTP edge calls it around every request."""

    async def turn(self) -> None:
        """Wait until one more request may leave."""
        ...

    def hold(self, seconds: float) -> None:
        """Let no request leave for this long: the cloud asked for it."""
        ...


class Traffic(Protocol):
    """Hears of every request of every scope, once it is over; the HTTP edge calls it. Never raises.

    For each request one of `answered` and `broke`; then `throttled` where the answer asks for it.
    """

    def answered(self, scope: str, method: str, path: str, status: int) -> None:
        """Tell the status of an answer."""
        ...

    def broke(self, scope: str, method: str, path: str, code: str) -> None:
        """Tell that no answer came: `not-sent` or `no-answer`."""
        ...

    def throttled(self, scope: str) -> None:
        """Tell that the cloud asked this scope to slow down."""
        ...


class Budget(Protocol):
    """What several processes may ask of one account together; a pace asks it before a request."""

    async def turn(self, scope: str) -> None:
        """Wait until one more request to the scope's account may leave.

        Raises `JournalError` where nobody can tell: then none leaves.
        """
        ...


class Clock(Protocol):
    """Time, in seconds since an arbitrary start."""

    def monotonic(self) -> float:
        """Give the time now."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass."""
        ...


class Journal(Protocol):
    """The write-ahead record of one cloud identity.

    Per request: `begin` (durable) -> the request -> `accepted` (durable) -> `end`.
    Every method raises `JournalError`, and the run stops before its next request. So does `begin`
    where the lease isn't this run's any more.
    """

    def begin(self, intent: Intent) -> int:
        """Make durable that a call is about to leave; give its number."""
        ...

    def accepted(self, intent_id: int, handle: str) -> None:
        """Make durable which job the cloud gave it."""
        ...

    def end(self, intent_id: int, outcomes: Outcomes) -> None:
        """Make durable what became of it."""
        ...

    def open_intents(self) -> tuple[OpenIntent, ...]:
        """Give the calls of earlier runs that nobody knows the end of, oldest first."""
        ...

    def job_seconds(self) -> Mapping[str, float]:
        """Give the median seconds of the last done calls by verb; verbs never seen are absent."""
        ...


class Lease(Protocol):
    """The right of one run at a time to change one cloud identity.

    Order: `attempt` until it gives None -> adopt, plan, execute, record -> `release`; then again.
    While it is held a thread renews it; each `Journal.begin` asks whether it still is, and each
    change that leaves whether it is `believed`.
    """

    @property
    def held(self) -> bool:
        """True from a successful attempt until the release."""
        ...

    @property
    def believed(self) -> bool:
        """True while it is held and nobody else can have taken it over; asks no database."""
        ...

    def attempt(self, run: str, operation: str) -> Holder | None:
        """Try once; give who has it, None: this run. Raises `JournalError`."""
        ...

    def release(self) -> None:
        """Let the next one in. Raises `JournalError`; it then ends with its term."""
        ...


class Applied(Protocol):
    """What the last apply of one cloud identity owned."""

    def applied(self) -> frozenset[NamedAttachment] | None:
        """Give the rows; None when no apply was ever recorded."""
        ...

    def remembered(self) -> Memory | None:
        """Give what it went by; None when no apply was ever recorded."""
        ...

    def record_applied(
        self,
        run: str,
        rows: frozenset[NamedAttachment],
        by: Memory,
        owned: frozenset[tuple[Side, str]] | None = None,
    ) -> None:
        """Replace both, and the rows that it owned, durably: all of it or nothing.

        `owned` None: an undo, which leaves those as they are.
        """
        ...


class Events(Protocol):
    """What a run tells while it runs; never consulted."""

    def step_started(self, step_id: str, call: Call) -> None:
        """Tell that a call is about to be made."""
        ...

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Each attachment of the call has its outcome."""
        ...

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Tell that a call of an earlier run was found and settled."""
        ...


class GuestHooks(Protocol):
    """The commands of this machine that speak to guests; they never raise.

    Order: `problem` for every hook that a plan would run -> per errand `run`, once. A cancelled
    `run` ends what it started before it passes the cancellation on.
    """

    def problem(self, hook: Hook) -> Finding | None:
        """Tell why the hook of a policy can't be run here; None: it can."""
        ...

    async def run(self, errand: Errand, run: str) -> HookEnd:
        """Run a command to its end or its timeout; `run` is the id of the apply."""
        ...


class HookPages(Protocol):
    """The record of the hooks of one cloud identity.

    `hook_began` (durable) -> the command -> `hook_ended` (durable) -> for a release the `begin` of
    its call. Both raise `JournalError`; `hook_began` also where the lease isn't this run's now.
    """

    def hook_began(self, run: str, errand: Errand) -> int:
        """Make durable that a hook is about to run; give its number."""
        ...

    def hook_ended(self, number: int, end: HookEnd) -> None:
        """Make durable how it ended."""
        ...


class EmbeddedCloud(Protocol):
    """Opens a simulated scope: the top fills it, because only the top may import `sim`."""

    def open(self, scope: str, world: Path) -> AbstractContextManager[str]:
        """Serve that world on loopback until the context ends; give its address.

        Raises FindingsError when the world can't be read or another process has it open.
        """
        ...


class WatchListener(Protocol):
    """Hears what a service sees and does: metrics, notifications, the page.

    Called on the service's loop, in this order for each scope: `tick_began`, then for a correction
    `step_began` and `step_ended`, then `ticked`, when the journal has it. Never raises, and never
    waits: what takes time is put into a queue of its own.
    """

    def changed(self, now: Watched) -> None:
        """Tell that it started, stops, or that other manifests are in force or refused."""
        ...

    def tick_began(self, scope: str, at_s: float) -> None:
        """Tell that a scope is about to be looked at."""
        ...

    def step_began(self, scope: str, run: str, step_id: str, call: Call) -> None:
        """Tell that a call is about to be made."""
        ...

    def step_ended(
        self, scope: str, run: str, step_id: str, call: Call, outcomes: Outcomes
    ) -> None:
        """Each attachment of the call has its outcome."""
        ...

    def ticked(self, tick: Tick) -> None:
        """Tell what a look saw, and what was done about it."""
        ...


class WatchView(Protocol):
    """A running service, for whoever shows it."""

    def now(self) -> Watched:
        """Give it as it is at this moment; costs nothing."""
        ...


class WatchHistory(Protocol):
    """What the journal keeps of a service and of runs, newest first. Raises `JournalError`.

    `scope` None means all of them. Times are seconds since 1970.
    """

    def ticks(self, scope: str | None, since_s: float, limit: int) -> tuple[Tick, ...]:
        """Give the ticks that began since then; of their rows only the counts are kept."""
        ...

    def differences(self, scope: str | None, since_s: float) -> tuple[Difference, ...]:
        """Give what differs now, and what did since then."""
        ...

    def corrections(self, scope: str | None, since_s: float) -> tuple[Correction, ...]:
        """Give the corrections since then."""
        ...

    def runs(self, since_s: float, prefix: str = "") -> tuple[PastRun, ...]:
        """Give the runs, of every verb, that began since then and whose id begins so."""
        ...

    def calls(self, run: PastRun) -> tuple[PastCall, ...]:
        """Give the calls of a run."""
        ...


class FleetView(Protocol):
    """How a fleet stands, as documents; each call asks its database. Raises `JournalError`."""

    def overview(self, search: str, after: str, limit: int) -> Mapping[str, object]:
        """Give workers, looks, leases, and a page of the scopes whose name has `search` in it."""
        ...

    def scope(self, name: str) -> Mapping[str, object] | None:
        """Give one scope, with its lease; None where it isn't declared."""
        ...


class Told(Protocol):
    """What webhooks were told already, over restarts. Raises `JournalError`."""

    def told(self, webhook: str) -> tuple[Condition, ...]:
        """Give what it was told of and not yet that it is over, oldest first."""
        ...

    def tell(self, webhook: str, appeared: Collection[Condition], gone: Collection[str]) -> None:
        """Remember what it took just now: conditions, and the ids of those that are over."""
        ...
