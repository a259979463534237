"""Hooks around a call: what its guests are asked before it leaves, and told once it is done.

1. A hook of a detach ends well before the intent is written: hook -> intent -> request. Where it
   doesn't, its attachment is cut from the call and the others go.
2. A hook after an attach undoes nothing: the attachment stays, and its outcome says what is wrong.
   It runs before the verdict is written: a call whose run died by then is adopted, and told again.
3. Hooks of one server run one after the other, while its step holds its lock.
4. A run that shall stop begins no release; what runs already is waited for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.model.hook import Errand, HookEnd, HookVerdict, Occasion
from reconciler.model.outcome import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from reconciler.execution.watcher import Watcher
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.hook import Hook
    from reconciler.model.live import Live
    from reconciler.model.outcome import Outcomes
    from reconciler.ports import GuestHooks, HookPages

    Held = Callable[[], Outcome | None]
    """Gives why nothing new is begun; None while it is."""

AT_ONCE = 32
"""Commands running at once: one is a process, and as a rule a login on a server."""
RELEASE = "guest-release"
INTERRUPTED = HookEnd(verdict=HookVerdict.FAILED, message="was ended: nobody waits any more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guests:
    """The hooks of a run, and where it is written that they ran."""

    run: str
    hooks: GuestHooks
    pages: HookPages
    after: Hook | None = None
    """What is run for an attach that this run adopts."""
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def released(
        self, errands: Mapping[AttachmentKey, Errand], held: Held
    ) -> Mapping[AttachmentKey, Outcome]:
        """Ask guests to let go; give a refusal for each attachment of which one didn't."""
        refused: dict[AttachmentKey, Outcome] = {}

        async def one(errand: Errand) -> None:
            async with self.slots:
                over = held()
                end = None if over is not None else await self._sent(errand)
            if end is not None and end.verdict is not HookVerdict.DONE:
                over = Outcome(verdict=Verdict.REFUSED, code=RELEASE, message=said(errand, end))
            if over is not None:
                refused[errand.key] = over

        await _by_server(errands, one)
        return refused

    async def told(
        self, errands: Mapping[AttachmentKey, Errand], outcomes: Outcomes, watcher: Watcher
    ) -> Outcomes:
        """Tell guests of what is attached now; give the outcomes with what went wrong."""
        done = {k: errands[k] for k, o in outcomes.items() if k in errands and _done(o)}
        if not done:
            return outcomes
        wrong: dict[AttachmentKey, str] = {}
        live = await _seen(done, watcher)

        async def one(errand: Errand) -> None:
            seen = live.observed.get(errand.key) if live is not None else None
            device = (seen.device if seen is not None else None) or errand.device
            async with self.slots:
                end = await self._sent(replace(errand, device=device))
            if end.verdict is not HookVerdict.DONE:
                wrong[errand.key] = said(errand, end)

        await _by_server(done, one)
        return {k: replace(o, after_attach=wrong.get(k, "")) for k, o in outcomes.items()}

    async def told_late(self, outcomes: Outcomes, watcher: Watcher) -> Outcomes:
        """Tell guests of what a dead run attached; give the outcomes with what went wrong."""
        hook, keys = self.after, [key for key, outcome in outcomes.items() if _done(outcome)]
        live = await _seen(keys, watcher) if hook is not None and keys else None
        if hook is None or live is None:
            return outcomes
        errands: dict[AttachmentKey, Errand] = {}
        for key in keys:
            server, volume = live.servers.get(key.server_id), live.volumes.get(key.volume_id)
            if server is not None and server.running:
                errands[key] = Errand(
                    occasion=Occasion.ATTACHED,
                    hook=hook,
                    key=key,
                    server=server.name or key.server_id,
                    volume=(volume.name if volume is not None else "") or key.volume_id,
                )
        return await self.told(errands, outcomes, watcher)

    async def _sent(self, errand: Errand) -> HookEnd:
        number = self.pages.hook_began(self.run, errand)
        end = INTERRUPTED
        try:
            end = await self.hooks.run(errand, self.run)
        finally:
            self.pages.hook_ended(number, end)
        return end


def said(errand: Errand, end: HookEnd) -> str:
    """Give what went wrong with a hook, as a sentence without a period."""
    return f"hook `{errand.hook.name}` {end.message}"


async def _by_server(
    errands: Mapping[AttachmentKey, Errand], send: Callable[[Errand], Awaitable[None]]
) -> None:
    """Send errands at once, those to one server one after the other."""
    servers: dict[str, list[Errand]] = {}
    for key in sorted(errands):
        servers.setdefault(key.server_id, []).append(errands[key])

    async def one_by_one(mine: Iterable[Errand]) -> None:
        for errand in mine:
            await send(errand)

    async with asyncio.TaskGroup() as group:
        for mine in servers.values():
            group.create_task(one_by_one(mine))


async def _seen(keys: Iterable[AttachmentKey], watcher: Watcher) -> Live | None:
    """Give what a look sees of attachments; None where the cloud can't be asked now."""
    try:
        return await watcher.look(tuple(keys))
    except ProviderError:
        return None


def _done(outcome: Outcome) -> bool:
    return outcome.verdict is Verdict.DONE
