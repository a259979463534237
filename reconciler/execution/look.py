"""From a listing to a picture that a plan may stand on: looks at doubts, waits out motion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.execution.watcher import waits_s
from reconciler.planning.doubts import (
    changing,
    disagreeing,
    in_doubt_about_slots,
    merged,
    moving,
    with_words,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.execution.retry import Patience
    from reconciler.model.live import Live
    from reconciler.model.record import NamedAttachment
    from reconciler.planning.ground import Ground
    from reconciler.ports import OwnWords, Provider

    Stand = Callable[[Live], Ground]

ASK_AT_MOST = 50
"""Changes of which server and volume are asked one by one before: a night's corrections, not a
fleet's move. Two requests are little beside the job of a change, and nothing beside a wrong one.
"""
REST_S = 60.0
"""How long a plan waits for what is in motion, before it counts it as in motion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How motion is waited for."""

    at_most_s: float
    told: Callable[[tuple[NamedAttachment, ...]], None] = lambda _: None
    """Hears what is in motion before it is waited for: a plan may take minutes by it."""


async def steady(
    provider: Provider,
    words: OwnWords | None,
    stand: Stand,
    patience: Patience,
    *,
    wait: Wait,
    ask_at_most: int = 0,
) -> Live:
    """List a scope, look once more at what the views disagree on, wait for what moves, ask.

    `stand` resolves a listing into the ground of its plan. Where no more than `ask_at_most`
    attachments would change, their servers and volumes are asked for their own word. Raises
    ProviderError.
    """
    live = await _looked(provider, stand, patience)
    if not live.complete:
        return live
    on = stand(live)
    if (keys := moving(on)) and wait.at_most_s > 0:
        wait.told(on.named(keys))
        if await _rests(live, provider, stand, patience, wait.at_most_s):
            # Where it came to rest may be a place that nobody asked about: list again.
            live = await _looked(provider, stand, patience)
    on = stand(live)
    changed = changing(on)
    changed = changed if len(changed) <= ask_at_most else frozenset()
    if words is None:
        if not changed:
            return live
        # By id: as a rule that asks the server itself, where a listing may be behind.
        return merged(live, await patience.read(lambda: provider.observe(changed)), changed)
    servers = sorted({key.server_id for key in changed} | set(in_doubt_about_slots(on)))
    volumes = sorted({key.volume_id for key in changed})
    if servers or volumes:
        live = with_words(live, await patience.read(lambda: words.ask(servers, volumes)))
    return live


async def _looked(provider: Provider, stand: Stand, patience: Patience) -> Live:
    """List, and look once more by id at what the views disagree on."""
    live = await patience.read(provider.list_live)
    doubts = disagreeing(stand(live)) if live.complete else ()
    if not doubts:
        return live
    return merged(live, await patience.read(lambda: provider.observe(doubts)), doubts)


async def _rests(
    live: Live, provider: Provider, stand: Stand, patience: Patience, rest_s: float
) -> bool:
    """Wait until nothing of ours moves, `rest_s` at most; tell whether anything came to rest."""
    before = keys = moving(stand(live))
    began_s = patience.clock.monotonic()
    for short_s in waits_s(None):
        waited_s = patience.clock.monotonic() - began_s
        if not keys or waited_s >= rest_s:
            break
        await patience.clock.sleep(min(short_s, rest_s - waited_s))
        try:
            look = await patience.read(partial(provider.observe, keys))
        except ProviderError:
            break
        live = merged(live, look, keys)
        keys = moving(stand(live))
    return keys != before
