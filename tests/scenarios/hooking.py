"""The hooks of a row: what its machine defines, how they end, what earlier runs left."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding
from reconciler.model.hook import HookEnd, HookVerdict
from tests.scenarios.row import texts
from tests.scenarios.world import id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.hook import Errand, Hook, Occasion
    from tests.scenarios.row import Row

ENDS = re.compile(r"ends well|fails|fails for (?P<volumes>.+)|never ends")
TAKES_S = 3.0
OWED = re.compile(r"(\S+) on (\S+)")


@dataclass
class Guests:
    """GuestHooks of a row; `log` hears of each hook that runs."""

    ends: Mapping[str, str]
    log: Callable[[str], None]

    def problem(self, hook: Hook) -> Finding | None:
        """Know the hooks that the row defines."""
        if hook.name in self.ends:
            return None
        summary, hint = f"nothing defines `{hook.name}`", "define it"
        return Finding(code="hook-undefined", summary=summary, hint=hint, place=hook.place)

    async def run(self, errand: Errand, run: str) -> HookEnd:
        """End as the row says, after a while."""
        del run
        self.log(f"hook {errand.hook.name}: {errand.volume} on {errand.server}")
        told = ENDS.fullmatch(self.ends[errand.hook.name])
        assert told is not None, f"write one of `{ENDS.pattern}`"
        if told[0] == "never ends":
            await asyncio.sleep(errand.hook.timeout_s)
            return HookEnd(verdict=HookVerdict.OVERDUE, message="was still running")
        await asyncio.sleep(TAKES_S)
        if told[0] == "fails" or errand.volume in texts(told["volumes"] or ""):
            return HookEnd(verdict=HookVerdict.FAILED, message="ended with 1: busy")
        return HookEnd(verdict=HookVerdict.DONE)


@dataclass
class Pages:
    """HookPages of a row, with the hooks after attaches that an earlier run owes."""

    left: dict[tuple[str, str], str] = field(default_factory=dict)
    began: list[Errand] = field(default_factory=list)

    def hook_began(self, run: str, errand: Errand) -> int:
        """Write it down."""
        del run
        self.began.append(errand)
        return len(self.began) - 1

    def hook_ended(self, number: int, end: HookEnd) -> None:
        """Write down what is owed now."""
        key = self.began[number].key
        self.left.pop((key.server_id, key.volume_id), None)
        if end.verdict is not HookVerdict.DONE:
            self.left[key.server_id, key.volume_id] = end.message

    def owed(self) -> Mapping[tuple[str, str], str]:
        """Give what is owed."""
        return dict(self.left)

    def seconds(self) -> Mapping[tuple[Occasion, str], float]:
        """Know of no hook that ran before."""
        return {}


def pages_of(row: Row) -> Pages:
    """Give what earlier runs left of the hooks of a row."""
    left: dict[tuple[str, str], str] = {}
    for text in row.owed:
        told = OWED.fullmatch(text)
        assert told is not None, f"`{text}`: write `VOLUME on SERVER`"
        left[id_of(told[2]), id_of(told[1])] = "ended with 1: busy"
    return Pages(left)
