"""Once a drift and not once a tick, whatever the endpoint and the service go through."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from reconciler.execution.clock import LoopClock
from reconciler.journal.journal import open_book
from reconciler.model.finding import Finding
from reconciler.model.notice import NoticeFormat
from reconciler.model.watching import Answer, BreakerStanding, Kind, WatchBreaker
from reconciler.notify.teller import Teller
from reconciler.notify.webhook import Webhook, deliver
from tests.notify.test_messages import news
from tests.providers.sockets import http, listening, says
from tests.rig import virtual_time
from tests.rig.watched import ANOTHER_S, difference, fight, tick, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reconciler.journal.notices import Notices

URL = "https://hooks.example/T0/B0/secret"
MINUTE_S = 60.0


async def public(_host: str, _port: int) -> Sequence[str]:
    return ["1.1.1.1"]


@dataclass
class Endpoint:
    """A webhook's other end: takes what it is sent, or doesn't."""

    answers: Callable[[], httpx.Response] = lambda: httpx.Response(200)
    taken: list[str] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        response = self.answers()
        if response.is_success:
            self.taken += json.loads(request.content)["text"].splitlines()
        return response

    def webhook(self, **changes: object) -> Webhook:
        made = Webhook(
            name="nightly/1",
            url=URL,
            format=NoticeFormat.JSON,
            transport=httpx.MockTransport(self.handle),
            resolve=public,
        )
        return replace(made, **changes)  # type: ignore[arg-type]  # any field of it


def teller(memory: Notices, *webhooks: Webhook) -> Teller:
    return Teller(webhooks, memory, LoopClock(), lambda: ANOTHER_S, lambda _name, _taken: None)


@dataclass
class Night:
    """A service for a while: what it sees, minute by minute."""

    memory: Notices
    endpoint: Endpoint = field(default_factory=Endpoint)

    def live(self, *minutes: Callable[[Teller], None], **changes: object) -> list[str]:
        """Let these happen a minute apart, from a start to a stop; give what was taken."""

        async def story() -> None:
            here = teller(self.memory, self.endpoint.webhook(**changes))
            here.changed(watched("shop", "lab"))
            serving = asyncio.create_task(here.run())
            for happens in minutes:
                happens(here)
                await asyncio.sleep(MINUTE_S)
            serving.cancel()

        self.endpoint.taken.clear()
        virtual_time.run(story())
        return self.endpoint.taken


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(open_book(tmp_path / "journal.db").notices)


def sees(*servers: str, **rest: object) -> Callable[[Teller], None]:
    """Give a tick of `shop` that sees one drift at each of these servers."""
    made = tick(differences=tuple(difference(server) for server in servers))
    return lambda here: here.ticked(replace(made, **rest))  # type: ignore[arg-type]  # as above


def idle(_here: Teller) -> None:
    """Nothing happens."""


def down() -> httpx.Response:
    return httpx.Response(503)


GONE_1, GONE_2 = "shop: drift: web-1/one is missing", "shop: drift: web-2/one is missing"


def test_a_drift_is_told_once_and_once_when_it_is_over(night: Night) -> None:
    told = night.live(sees("web-1"), sees("web-1"), sees("web-1", "web-2"), sees(), sees())
    assert told == [GONE_1, GONE_2, f"over: {GONE_1}", f"over: {GONE_2}"]


def test_a_restart_tells_nothing_twice_and_what_ended_meanwhile(night: Night) -> None:
    assert night.live(sees("web-1", "web-2")) == [GONE_1, GONE_2]
    assert night.live(idle) == []
    assert night.live(sees("web-1", "web-2"), sees("web-2")) == [f"over: {GONE_1}"]
    assert night.live(sees()) == [f"over: {GONE_2}"]
    assert night.memory.told("nightly/1") == ()


def test_a_dead_endpoint_gets_one_message_when_it_is_back(night: Night) -> None:
    night.endpoint.answers = down

    def back(_here: Teller) -> None:
        night.endpoint.answers = lambda: httpx.Response(204)

    told = night.live(
        sees("web-1"), sees("web-1", "web-2"), sees("web-2"), *[idle] * 60, back, *[idle] * 61
    )
    assert sorted(told) == sorted([GONE_1, GONE_2, f"over: {GONE_1}"])
    # 30 s, doubled up to an hour: it isn't asked once a tick either.
    assert len(night.endpoint.asked) == 8


def test_what_comes_again_is_told_again(night: Night) -> None:
    again = tick(differences=(difference(first_s=ANOTHER_S + 300),))
    told = night.live(sees("web-1"), sees(), lambda here: here.ticked(again))
    assert told == [GONE_1, f"over: {GONE_1}", GONE_1]


def test_a_scope_that_cant_be_looked_at_is_told_once_and_says_nothing_of_its_drift(
    night: Night,
) -> None:
    why = Finding(code="scope-unreadable", summary="HTTP 401", hint="check the credentials")

    def blind(minute: int) -> Callable[[Teller], None]:
        made = tick(looked=False, findings=(why,), began_s=ANOTHER_S + minute)
        return lambda here: here.ticked(made)

    told = night.live(sees("web-1"), blind(1), blind(2), sees("web-1"))
    cant = "shop: it can't be looked at: HTTP 401"
    assert told == [GONE_1, cant, f"over: {cant}"]


def test_conflicts_fights_and_breakers_are_told_and_what_waits_for_an_apply_is_not(
    night: Night,
) -> None:
    pending = difference("web-3", answer=Answer.PENDING, kind=Kind.ATTACH)
    conflict = difference("web-4", answer=Answer.CONFLICT, kind=Kind.MOVED, found="web-5")
    breaker = WatchBreaker(standing=BreakerStanding.OPEN, failures=3, since_s=ANOTHER_S)
    trial = replace(breaker, standing=BreakerStanding.TRIAL)
    seen = tick(differences=(pending, conflict), fights=(fight(),), breaker=breaker)
    told = night.live(
        lambda here: here.ticked(seen), lambda here: here.ticked(replace(seen, breaker=trial))
    )
    assert told == [
        "shop: it isn't corrected any more: 3 runs in a row failed",
        "shop: conflict: web-4/one was moved away (now on web-5)",
        "shop: web-1/one was taken back after 3 corrections: left alone",
    ]


def test_refused_manifests_are_told_of_the_service(night: Night) -> None:
    broken = Finding(code="yaml-syntax", summary="this is not YAML", hint="close the quotes")
    now = watched("shop", "lab")
    worse = replace(
        now, manifests=replace(now.manifests, findings=(broken,), refused_commit="abcdef0123456789")
    )
    told = night.live(lambda here: here.changed(worse), lambda here: here.changed(now))
    words = (
        "reconciler: newer manifests (commit abcdef012345) are refused, the last good ones are in "
        "force: this is not YAML"
    )
    assert told == [words, f"over: {words}"]


def test_a_webhook_hears_of_its_scopes_alone(night: Night) -> None:
    assert night.live(sees("web-1"), hears=lambda scope: scope == "lab") == []


def test_a_scope_that_is_no_part_any_more_is_forgotten_without_a_word(night: Night) -> None:
    told = night.live(sees("web-1"), lambda here: here.changed(watched("lab")), idle)
    assert told == [GONE_1]
    assert night.memory.told("nightly/1") == ()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(
            lambda: httpx.Response(302, headers={"Location": "/"}), "HTTP 302", id="moved"
        ),
        pytest.param(lambda: httpx.Response(410), "HTTP 410", id="gone"),
        pytest.param(down, "HTTP 503", id="down"),
    ],
)
def test_what_is_not_taken_is_said_without_the_url(
    answer: Callable[[], httpx.Response], why: str
) -> None:
    endpoint = Endpoint(answers=answer)
    assert asyncio.run(deliver(endpoint.webhook(), news("a"))) == why
    assert len(endpoint.asked) == 1


def test_no_failure_ends_the_service_or_shows_the_url(
    night: Night, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks() -> httpx.Response:
        raise httpx.ConnectError(f"can't reach {URL}")

    night.endpoint.answers = breaks
    caplog.set_level(logging.DEBUG)
    assert night.live(sees("web-1"), sees("web-2")) == []
    (said, *_) = (vars(one) for one in caplog.records if one.name == "reconciler.notify.teller")
    assert (said["webhook"], said["why"]) == ("nightly/1", "no answer (ConnectError)")
    assert "secret" not in str([vars(one) for one in caplog.records])
    assert "secret" not in repr(night.endpoint.webhook())
    assert len(night.endpoint.asked) == 3


def test_it_goes_to_the_address_that_was_checked_under_the_name_of_the_url() -> None:
    endpoint = Endpoint()
    assert asyncio.run(deliver(endpoint.webhook(key=b"key"), news("a"))) is None
    (asked,) = endpoint.asked
    assert (asked.url.host, asked.headers["Host"]) == ("1.1.1.1", "hooks.example")
    assert asked.extensions["sni_hostname"] == "hooks.example"
    assert asked.headers["X-Reconciler-Signature"].startswith("sha256=")
    assert asked.url.path == "/T0/B0/secret"


async def private(_host: str, _port: int) -> Sequence[str]:
    return ["169.254.169.254"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"resolve": private}, "private address", id="private"),
        pytest.param({"url": "http://hooks.example/"}, "plain http", id="plain"),
        pytest.param({"url": "not a URL"}, "none of http", id="no URL"),
    ],
)
def test_nothing_leaves_for_where_it_may_not_go(changes: dict[str, object], why: str) -> None:
    endpoint = Endpoint()
    refusal = asyncio.run(deliver(endpoint.webhook(**changes), news("a")))
    assert refusal is not None
    assert why in refusal
    assert endpoint.asked == []


def test_tls_is_with_the_name_of_the_url_and_not_with_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    async def here(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def told(certified: str) -> tuple[str | None, list[bytes]]:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(certified).configure_cert(tls)
        async with listening(says(http(200)), tls=tls) as heard:
            origin = f"https://hooks.example:{heard.address.rpartition(':')[2]}"
            changes = {"url": f"{origin}/x", "listed": (origin,), "transport": None}
            webhook = Endpoint().webhook(**changes, resolve=here)
            return await deliver(webhook, news("a")), heard.heads

    refusal, heads = asyncio.run(told("hooks.example"))
    assert refusal is None
    assert b"host: hooks.example:" in heads[0].lower()
    assert asyncio.run(told("127.0.0.1")) == ("no answer (ConnectError)", [])
