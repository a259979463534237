"""Several processes, one journal: each drift is told once, by whoever looked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from reconciler.execution.clock import LoopClock
from reconciler.journal.journal import open_book
from reconciler.notify.shared import ScopeTeller
from tests.notify.test_teller import GONE_1, GONE_2, Endpoint, down
from tests.rig import virtual_time
from tests.rig.watched import ANOTHER_S, difference, tick

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.journal.notices import Notices
    from reconciler.model.watching import Tick


@pytest.fixture
def memory(tmp_path: Path) -> Notices:
    return open_book(tmp_path / "journal.db").notices


def worker(memory: Notices, endpoint: Endpoint, **changes: object) -> ScopeTeller:
    return ScopeTeller(
        (endpoint.webhook(**changes),),
        memory,
        LoopClock(),
        lambda: ANOTHER_S,
        lambda _name, _taken: None,
        at_once,
    )


async def at_once(ask: Callable[..., object], *what: object) -> object:
    """Ask on this thread: no other one knows of the virtual time."""
    return ask(*what)


def sees(*servers: str, scope: str = "shop", looked: bool = True) -> Tick:
    rows = tuple(difference(server, scope=scope) for server in servers)
    return tick(scope, differences=rows, looked=looked)


def live(*ticks: tuple[ScopeTeller, Tick], apart_s: float = 60.0) -> None:
    async def story() -> None:
        for teller, made in ticks:
            await teller.ticked(made)
            await asyncio.sleep(apart_s)

    virtual_time.run(story())


def test_whoever_looks_tells_what_nobody_told(memory: Notices) -> None:
    endpoint = Endpoint()
    one, other = (worker(memory, endpoint) for _ in range(2))
    live((one, sees("web-1")), (other, sees("web-1")), (other, sees("web-1", "web-2")))
    assert endpoint.taken == [GONE_1, GONE_2]
    live((one, sees("web-2")), (other, sees()), (one, sees()))
    assert endpoint.taken[2:] == [f"over: {GONE_1}", f"over: {GONE_2}"]
    assert memory.told("nightly/1") == ()


def test_a_look_at_one_scope_says_nothing_of_another(memory: Notices) -> None:
    endpoint = Endpoint()
    one, other = (worker(memory, endpoint) for _ in range(2))
    live((one, sees("web-1")), (other, sees("web-1", scope="lab")), (one, sees("web-1")))
    assert endpoint.taken == [GONE_1, GONE_1.replace("shop", "lab")]


def test_a_look_that_failed_is_told_once_and_ends_no_drift(memory: Notices) -> None:
    endpoint = Endpoint()
    one, other = (worker(memory, endpoint) for _ in range(2))
    failed = sees(looked=False)
    live((one, sees("web-1")), (other, failed), (one, failed), (other, sees("web-1")))
    cannot = "shop: it can't be looked at: nothing more is known"
    assert endpoint.taken == [GONE_1, cannot, f"over: {cannot}"]


def test_a_dead_endpoint_is_asked_less_and_less_and_told_in_the_end(memory: Notices) -> None:
    endpoint = Endpoint(answers=down)
    one = worker(memory, endpoint)
    live(*[(one, sees("web-1"))] * 60, apart_s=10.0)
    # At 0, 30, 90, 210 and 450 s.
    assert len(endpoint.asked) == 5
    endpoint.answers = Endpoint().answers
    live((worker(memory, endpoint), sees("web-1")))
    assert endpoint.taken == [GONE_1]


def test_only_who_has_the_scope_is_told(memory: Notices) -> None:
    endpoint = Endpoint()
    one = worker(memory, endpoint, hears=lambda scope: scope == "lab")
    live((one, sees("web-1")), (one, sees("web-1", scope="lab")))
    assert endpoint.taken == [GONE_1.replace("shop", "lab")]
