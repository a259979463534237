"""From a listing to a picture that a plan may stand on: looks at doubts, waits out motion."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.execution.watcher import waits_s
from reconciler.planning.doubts import (
    disagreeing,
    in_doubt_about_slots,
    merged,
    moving,
    with_slots,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.execution.retry import Patience
    from reconciler.model.live import Live
    from reconciler.planning.ground import Ground
    from reconciler.ports import Provider, SlotCount

    Stand = Callable[[Live], Ground]

REST_S = 60.0
"""How long a plan waits for what is in motion, before it counts it as in motion."""


async def steady(
    provider: Provider,
    slots: SlotCount | None,
    stand: Stand,
    patience: Patience,
    *,
    rest_s: float = REST_S,
) -> Live:
    """List a scope, look once more at what the views disagree on, wait for what moves.

    `stand` resolves a listing into the ground of its plan; `rest_s` is how long motion is waited
    for. Raises ProviderError.
    """
    live = await patience.read(provider.list_live)
    if not live.complete:
        return live
    doubts = disagreeing(stand(live))
    if doubts:
        live = merged(live, await patience.read(lambda: provider.observe(doubts)), doubts)
    live = await _rested(live, provider, stand, patience, rest_s)
    crowded = in_doubt_about_slots(stand(live)) if slots is not None else ()
    if slots is not None and crowded:
        counter = slots
        live = with_slots(live, await patience.read(lambda: counter.free_slots(crowded)))
    return live


async def _rested(
    live: Live, provider: Provider, stand: Stand, patience: Patience, rest_s: float
) -> Live:
    keys = moving(stand(live))
    until_s = patience.clock.monotonic() + rest_s
    for wait_s in waits_s(None):
        if not keys or patience.clock.monotonic() + wait_s > until_s:
            break
        await patience.clock.sleep(wait_s)
        try:
            look = await patience.read(partial(provider.observe, keys))
        except ProviderError:
            break
        live = merged(live, look, keys)
        keys = moving(stand(live))
    return live
