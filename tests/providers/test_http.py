"""The HTTP edge: what leaves, what comes back, and what every failure is turned into."""

from __future__ import annotations

import asyncio
import json
import logging
import zlib
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.attachment import AttachmentKey
from reconciler.model.live import Words
from reconciler.model.outcome import Answer
from reconciler.providers.answers import Whole
from reconciler.providers.http import AskingProvider

from .edge import CALL, NOW, SECRET, Edge, Says, SkippingLoop, answering, failing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reconciler.model.outcome import Progress

    from .edge import Handler


def test_a_tuple_goes_out_at_once_and_comes_back_in_order() -> None:
    urls = tuple(f"https://cloud.example/{number}" for number in range(3))
    everybody = asyncio.Barrier(3)

    async def handler(request: httpx.Request) -> httpx.Response:
        await everybody.wait()
        return httpx.Response(200, text=request.url.path)

    edge = Edge(handler, Says(urls))
    assert edge.list_live().notices == ("200 /0", "200 /1", "200 /2")
    assert edge.pace.turns == 3
    assert edge.auth.signed == 3


def test_no_more_leave_at_once_than_the_scope_allows() -> None:
    now: list[int] = []
    most: list[int] = []

    async def handler(_request: httpx.Request) -> httpx.Response:
        now.append(1)
        most.append(len(now))
        await asyncio.sleep(0)
        now.pop()
        return httpx.Response(200)

    Edge(handler, Says(("https://cloud.example/",) * 9), max_concurrency=2).list_live()
    assert max(most) == 2


def test_the_first_failure_of_a_tuple_is_raised_alone_with_its_cause() -> None:
    async def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/1":
            raise httpx.ReadError("cut")
        await asyncio.Event().wait()
        return httpx.Response(200)

    urls = tuple(f"https://cloud.example/{number}" for number in range(3))
    with pytest.raises(ProviderError, match="ReadError cut") as raised:
        Edge(handler, Says(urls)).list_live()
    assert isinstance(raised.value.__cause__, httpx.ReadError)
    assert raised.value.retryable


@pytest.mark.parametrize(
    ("status", "told", "held"),
    [
        pytest.param(429, "7", [7.0], id="seconds"),
        pytest.param(503, "7", [7.0], id="with a 503"),
        pytest.param(202, "7", [7.0], id="where the provider says that it is throttled"),
        pytest.param(429, "Thu, 15 Jan 2026 08:31:00 GMT", [60.0], id="a date"),
        pytest.param(429, "Thu, 15 Jan 2026 08:29:00 GMT", [0.0], id="a date that has passed"),
        pytest.param(429, "86400", [300.0], id="bounded"),
        pytest.param(429, "soon", [], id="nonsense"),
        pytest.param(429, "inf", [], id="forever"),
        pytest.param(400, "7", [], id="with an ordinary error"),
        pytest.param(429, None, [], id="nothing told"),
    ],
)
def test_a_throttled_scope_holds_for_as_long_as_it_is_told(
    status: int, told: str | None, held: list[float]
) -> None:
    edge = Edge(answering(status, **({} if told is None else {"Retry_After": told})))
    edge.list_live()
    assert edge.pace.holds == held


def test_a_conversation_is_told_seconds_whatever_the_cloud_wrote() -> None:
    date = (NOW + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert Edge(answering(429, Retry_After=date)).submit().retry_after_s == 90.0


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.PoolTimeout("full"),
        httpx.ProxyError("407"),
        httpx.UnsupportedProtocol("ftp"),
        httpx.InvalidURL("no host"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_change_that_certainly_never_left_is_busy(error: Exception) -> None:
    receipt = Edge(failing(error)).submit()
    assert (receipt.answer, receipt.code) == (Answer.BUSY, "not-sent")
    assert "POST /a" in receipt.message


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.ReadError("cut"),
        httpx.WriteError("cut"),
        httpx.RemoteProtocolError("gone"),
        httpx.DecodingError("bad"),
        OSError("torn"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_change_that_may_have_left_is_unknown_and_the_same_read_may_pass(
    error: Exception,
) -> None:
    receipt = Edge(failing(error)).submit()
    assert (receipt.answer, receipt.code) == (Answer.UNKNOWN, "no-answer")
    with pytest.raises(ProviderError) as raised:
        Edge(failing(error)).list_live()
    assert raised.value.retryable
    assert raised.value.__cause__ is error


def test_an_answer_to_a_change_that_cannot_be_read_is_unknown() -> None:
    receipt = Edge(answering(200)).submit()
    assert (receipt.answer, receipt.code, receipt.request_id) == (
        Answer.UNKNOWN,
        "bad-answer",
        "r-1",
    )


def test_a_broken_invariant_is_no_answer() -> None:
    with pytest.raises(AssertionError):
        Edge(failing(AssertionError())).submit()


def test_a_redirect_is_not_followed() -> None:
    live = Edge(answering(302, Location="https://cloud.example/elsewhere")).list_live()
    assert live.notices == ("302 ",)


def test_a_body_that_never_ends_meets_the_deadline() -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(30)

    async def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=drip())

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        started_s = runner.get_loop().time()
        with pytest.raises(
            ProviderError, match="HTTP 200 and no whole answer: TimeoutError"
        ) as raised:
            runner.run(Edge(handler).provider().list_live())
        assert runner.get_loop().time() - started_s == pytest.approx(120, abs=1)
    assert raised.value.retryable


def test_a_body_longer_than_the_bound_is_an_error_before_it_is_all_here() -> None:
    given: list[int] = []

    async def flood() -> AsyncIterator[bytes]:
        for number in range(1000):
            given.append(number)
            yield bytes(1024 * 1024)

    async def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=flood())

    with pytest.raises(ProviderError, match="longer than 67108864 bytes"):
        Edge(handler).list_live()
    assert len(given) == 65


def compressed(megabytes: int) -> Handler:
    async def chunks() -> AsyncIterator[bytes]:
        squeeze = zlib.compressobj(level=1, wbits=31)
        for _ in range(megabytes):
            yield squeeze.compress(b" " * 1024 * 1024)
        yield squeeze.flush()

    async def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=chunks(), headers={"Content-Encoding": "gzip"})

    return handler


def test_the_bound_holds_for_what_a_compressed_body_becomes() -> None:
    assert len(Edge(compressed(1)).list_live().notices[0]) == len("200 ") + 1024 * 1024
    with pytest.raises(ProviderError, match="longer than 67108864 bytes"):
        Edge(compressed(65)).list_live()


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "deflate"])
def test_an_encoding_that_nobody_asked_for_is_an_error(encoding: str) -> None:
    async def handler(_request: httpx.Request) -> httpx.Response:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"x"

        return httpx.Response(200, content=chunks(), headers={"Content-Encoding": encoding})

    with pytest.raises(ProviderError, match="nobody asked for"):
        Edge(handler).list_live()


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(SECRET, id="plain"),
        pytest.param(json.dumps(SECRET)[1:-1].replace("/", "\\/"), id="with escaped slashes"),
        pytest.param(SECRET.replace("=", "\\u003d"), id="with escaped equals signs"),
    ],
)
def test_a_secret_never_leaves_the_edge(written: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    edge = Edge(answering(401, text=f"bad key {written} about"))
    assert edge.submit().message == "bad key *** about"
    with pytest.raises(ProviderError) as raised:
        Edge(failing(httpx.ReadError(f"with {SECRET}"))).list_live()
    assert "with ***" in str(raised.value)
    assert SECRET not in caplog.text
    assert SECRET not in repr(edge.provider()._line)  # noqa: SLF001 - what a traceback would show


def test_a_query_stays_out_of_messages() -> None:
    with pytest.raises(ProviderError) as raised:
        Edge(failing(httpx.ReadError("cut"))).list_live()
    assert str(raised.value) == "GET /a: no answer from `cloud.example`: ReadError cut"


def test_what_leaves_is_named_signed_and_bounded_in_time() -> None:
    seen: list[httpx.Request] = []

    async def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    edge = Edge(handler)
    asyncio.run(edge.provider().observe([]))
    (request,) = seen
    assert request.headers["User-Agent"] == "attachment-reconciler"
    assert request.headers["Authorization"] == "signature 1"
    assert request.headers["Accept-Encoding"] == "gzip"
    assert request.extensions["timeout"] == {
        "connect": 10.0,
        "read": 60.0,
        "write": 30.0,
        "pool": None,
    }


@pytest.mark.parametrize("told", ["café".encode(), b"caf\xe9", b"\xff\x80"])
def test_a_header_of_any_bytes_is_no_reason_to_lose_the_answer(told: bytes) -> None:
    async def handler(_request: httpx.Request) -> httpx.Response:
        headers = [(b"Via", told), (b"X-Request-Id", told), (b"Retry-After", told)]
        return httpx.Response(409, headers=headers, text="busy")

    receipt = Edge(handler).submit()
    assert (receipt.answer, receipt.message) == (Answer.REFUSED, "busy")


def test_keys_are_sorted_before_they_are_asked() -> None:
    keys = [AttachmentKey("prod", f"s{number}", "v") for number in (2, 1)]
    live = asyncio.run(Edge(answering()).provider().observe(keys))
    assert live.notices == ("prod:s1/v", "prod:s2/v")


def test_a_job_is_followed_and_the_line_closed() -> None:
    async def run() -> Progress:
        provider = Edge(answering(text="going")).provider()
        progress = await provider.track("job-1")
        await provider.aclose()
        return progress

    assert asyncio.run(run()).message == "going"


def test_only_a_cloud_whose_servers_can_be_asked_has_the_method() -> None:
    plain = Edge(answering()).provider()
    assert not hasattr(plain, "ask")
    asking = AskingProvider(Says(), plain._line)  # noqa: SLF001 - the same line, once more
    assert asyncio.run(asking.ask([], ["v1"])) == Words(volumes={"v1": frozenset({"s1"})})


def test_cancelling_passes_through() -> None:
    async def run() -> None:
        started = asyncio.Event()

        async def handler(_request: httpx.Request) -> httpx.Response:
            started.set()
            await asyncio.Event().wait()
            return httpx.Response(200)

        async with asyncio.TaskGroup() as group:
            asking = group.create_task(Edge(handler).provider().submit(CALL))
            await started.wait()
            asking.cancel()
        assert asking.cancelled()

    asyncio.run(run())


def test_after_a_tuple_failed_a_deadline_around_the_next_read_is_still_a_timeout() -> None:
    # A TaskGroup of Python 3.11 whose member fails while it is waited for leaves a cancellation
    # behind that nobody takes back: the next timeout of the task then looks like a real one.
    urls = tuple(f"https://cloud.example/{number}" for number in range(2))

    async def run() -> int:
        async def handler(request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0)
            if request.url.path == "/1":
                raise httpx.ReadError("cut")
            await asyncio.Event().wait()
            return httpx.Response(200)

        provider = Edge(handler, Says(urls)).provider()

        async def read_in_time() -> None:
            async with asyncio.timeout(0.01):
                with suppress(ProviderError):
                    await provider.list_live()
                await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            await read_in_time()
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(run()) == 0


def test_a_tuple_that_is_given_up_takes_its_requests_along() -> None:
    urls = tuple(f"https://cloud.example/{number}" for number in range(3))

    async def run() -> int:
        async def handler(_request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            return httpx.Response(200)

        provider = Edge(handler, Says(urls)).provider()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(provider.list_live(), 0.01)
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1


def test_an_answer_that_was_read_is_httpx_s_own_in_all_that_people_use() -> None:
    request = httpx.Request("GET", "https://cloud.example/a")
    body = '{"name": "café"}'.encode()
    headers = [(b"content-type", b"application/json"), (b"x-a", b"1"), (b"via", b"caf\xe9")]
    mine = Whole(404, headers, body, request)
    theirs = httpx.Response(404, headers=headers, content=body, request=request)
    for told in (
        lambda one: (one.status_code, one.content, one.text, one.json(), one.request),
        lambda one: (one.is_success, one.is_redirect, one.headers.get("X-A"), one.headers["via"]),
    ):
        assert told(mine) == told(theirs)
    assert repr(mine) == repr(theirs)
