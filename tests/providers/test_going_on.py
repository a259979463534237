"""When a scope goes on over the lighter transport, and when not."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from reconciler.model.outcome import Answer
from reconciler.providers import clients

from .sockets import DETACH, IN_ORDER, http, in_turn, listening, opening, provider, says, stays

swift = pytest.importorskip("reconciler.providers.swift", exc_type=ImportError)


def test_a_scope_that_asks_much_goes_on_over_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MANY", 3)

    async def story() -> None:
        asked, go = asyncio.Event(), asyncio.Event()

        async def waits(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.set()
            await go.wait()
            writer.write(http(200, IN_ORDER))

        whole = says(http(200, IN_ORDER), then=stays)
        turns = in_turn(whole, waits, whole, whole, whole)
        async with listening(turns) as cloud, provider(opening(cloud.address)) as to:
            await to.submit(DETACH)
            under_way = asyncio.ensure_future(to.submit(DETACH))
            await asked.wait()
            # One over httpx that is under way, and three over one new connection.
            answers = [(await to.submit(DETACH)).answer for _ in range(3)]
            go.set()
            assert {(await under_way).answer, *answers} == {Answer.ACCEPTED}
            assert (len(cloud.heads), cloud.connections) == (5, 2)

    asyncio.run(story())


@pytest.mark.parametrize("installed", ["3.11.18", "4.0.0a1", "3.13.4"])
def test_another_aiohttp_is_not_used(installed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swift.aiohttp, "__version__", installed)
    assert swift.transport(ssl.create_default_context(), 60.0) is None
