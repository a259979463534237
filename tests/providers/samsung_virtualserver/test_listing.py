"""Listing a scope and looking at some of it: which pages are asked for, and what is in doubt."""

from __future__ import annotations

from itertools import count

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.attachment import View
from reconciler.providers.samsung_virtualserver.listing import Roll
from reconciler.providers.samsung_virtualserver.wire import WireVolume

from .talks import (
    HOST,
    SAYS,
    SITE,
    fault,
    gateway,
    hold,
    key,
    many,
    ok,
    server_row,
    servers,
    urls,
    volume_row,
    volumes,
)

VOLUMES = f"GET {HOST}/v1/volumes"
SERVERS = f"GET {HOST}/v1/servers"


def test_both_views_start_at_once_and_a_page_that_is_not_full_is_the_last() -> None:
    asked, live = hold(SAYS.list_live(), (volumes(volume_row()), servers(server_row())))
    assert urls(asked) == [f"{VOLUMES}?limit=1000", f"{SERVERS}?limit=1000"]
    assert live.complete
    assert live.notices == ()
    assert live.views == (View.COMPUTE, View.STORAGE)


def test_following_pages_of_both_views_go_out_together_after_the_last_id() -> None:
    some = [server_row(f"s{number:06}") for number in range(1000)]
    asked, live = hold(
        SAYS.list_live(),
        (volumes(*many(0, 1000), count=2000), servers(*some)),
        (volumes(*many(1000, 1000), count=2000), servers(server_row("s9"))),
        (volumes(count=2000),),
    )
    assert urls(asked)[2:] == [
        f"{VOLUMES}?limit=1000&marker=v000999",
        f"{SERVERS}?limit=1000&marker=s000999",
        f"{VOLUMES}?limit=1000&marker=v001999",
    ]
    assert (len(live.volumes), len(live.servers)) == (2000, 1001)
    assert live.complete


def test_a_listing_without_a_count_is_believed() -> None:
    told = ok({"volumes": [volume_row()]})
    _, live = hold(SAYS.list_live(), (told, servers()))
    assert live.complete


@pytest.mark.parametrize(
    ("rounds", "doubt"),
    [
        pytest.param(
            [volumes(volume_row("v1"), volume_row("v2"), count=3)],
            "2 of 3 volumes were listed",
            id="fewer rows than counted",
        ),
        pytest.param(
            [volumes(*many(0, 1000), count=1000), volumes(*many(0, 1000), count=1000)],
            "page 2 of volumes brought nothing new",
            id="the same page for ever",
        ),
        pytest.param(
            [volumes(*many(0, 1000), count=1000), volumes(*many(0, 5), count=1000)],
            "page 2 of volumes brought nothing new",
            id="a marker that isn't heeded",
        ),
    ],
)
def test_a_listing_in_doubt_is_incomplete(rounds: list[httpx.Response], doubt: str) -> None:
    first, *rest = rounds
    _, live = hold(SAYS.list_live(), (first, servers()), *((one,) for one in rest))
    assert not live.complete
    assert live.notices[0] == doubt


def test_a_listing_without_end_is_given_up() -> None:
    ids = (f"v{number}" for number in count())
    roll = Roll(
        what="volumes",
        read=lambda _asked, _told: (
            9,
            [WireVolume.model_construct(id=next(ids)) for _ in range(1000)],
        ),
    )
    while not roll.ended:
        roll.take(roll.request(SITE), volumes())
    assert roll.pages == 200
    assert roll.doubts == ["there are more than 200000 volumes"]


def test_a_row_twice_is_told_and_the_later_one_counts() -> None:
    early, late = volume_row("v1", "s1"), volume_row("v1")
    _, live = hold(SAYS.list_live(), (volumes(early, late, count=1), servers()))
    assert live.complete
    assert live.notices == ("volumes listed more than once: `v1`",)
    assert live.observed == {}


def test_both_views_of_an_attachment_meet_and_one_alone_is_kept() -> None:
    both, foreign = volume_row("v1", "s1"), volume_row("v3", "elsewhere")
    server = server_row("s1", "v1", "v2")
    _, live = hold(SAYS.list_live(), (volumes(both, foreign), servers(server)))
    seen = {str(each): set(observed.sightings) for each, observed in live.observed.items()}
    assert seen == {
        "prod:elsewhere/v3": {View.STORAGE},
        "prod:s1/v1": {View.COMPUTE, View.STORAGE},
        "prod:s1/v2": {View.COMPUTE},
    }
    observed = live.observed[key()]
    assert (observed.device, observed.delete_on_termination) == ("/dev/vdb", False)


def test_a_page_whose_marker_is_gone_may_be_listed_again() -> None:
    start = (volumes(*many(0, 1000), count=1500), servers())
    with pytest.raises(ProviderError) as raised:
        hold(SAYS.list_live(), start, (fault(400, "marker not found"),))
    assert raised.value.retryable
    with pytest.raises(ProviderError) as raised:
        hold(SAYS.list_live(), (fault(400, "bad"), servers()))
    assert not raised.value.retryable


def test_a_look_asks_for_each_volume_and_server_at_once() -> None:
    keys = [key("s1", "v1"), key("s2", "v1")]
    asked, live = hold(
        SAYS.observe(keys),
        (ok(volume_row("v1", "s1", "s9")), ok(server_row("s1", "v1", "v7")), fault(404)),
    )
    assert urls(asked) == [f"{VOLUMES}/v1", f"{SERVERS}/s1", f"{SERVERS}/s2"]
    assert set(live.servers) == {"s1"}
    assert set(live.volumes) == {"v1"}
    assert set(live.observed) == {key("s1", "v1")}
    assert live.complete


@pytest.mark.parametrize("answer", [fault(400), ok([{"msg": "no uuid"}], 400)])
def test_what_a_400_says_is_gone_where_the_lists_lack_it(answer: httpx.Response) -> None:
    lists = (volumes(volume_row("v1", "s1")), servers(server_row("s1", "v1")))
    _, live = hold(SAYS.observe([key()]), (answer, answer), lists)
    assert set(live.observed) == {key()}
    _, live = hold(SAYS.observe([key()]), (answer, answer), (volumes(), servers()))
    assert (live.observed, live.complete) == ({}, True)
    with pytest.raises(ProviderError):
        hold(SAYS.observe([key()]), (answer, answer), (answer, answer))


def test_what_a_look_does_not_find_is_gone() -> None:
    _, live = hold(SAYS.observe([key()]), (fault(404), ok(server_row())))
    assert (set(live.volumes), set(live.servers)) == (set(), {"s1"})
    assert live.complete


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(gateway(404), id="the gateway's 404 is about the request"),
        pytest.param(httpx.Response(404, html="<p>"), id="so is a page"),
        pytest.param(ok(volume_row("v2")), id="another volume"),
        pytest.param(ok(None), id="nothing"),
    ],
)
def test_what_does_not_say_that_it_is_gone_fails_the_look(answer: httpx.Response) -> None:
    with pytest.raises(ProviderError):
        hold(SAYS.observe([key()]), (answer, ok(server_row())))


def test_a_look_at_many_costs_two_lists() -> None:
    keys = [key(f"s{n}", f"v{n}") for n in range(11)]
    rows = [volume_row(f"v{n}", f"s{n}") for n in range(12)]
    hosts = [server_row(f"s{n}", f"v{n}") for n in range(12)]
    asked, live = hold(SAYS.observe(keys), (volumes(*rows), servers(*hosts)))
    assert urls(asked) == [f"{VOLUMES}?limit=1000", f"{SERVERS}?limit=1000"]
    assert set(live.observed) == set(keys)
    assert (len(live.volumes), len(live.servers)) == (11, 11)
    assert live.notices == ()


def test_a_look_at_many_that_may_lack_rows_is_incomplete() -> None:
    keys = [key(f"s{n}", f"v{n}") for n in range(11)]
    _, live = hold(SAYS.observe(keys), (volumes(count=1), servers()))
    assert not live.complete
    assert live.notices == ("0 of 1 volumes were listed",)


def test_a_look_at_nothing_asks_nothing() -> None:
    asked, live = hold(SAYS.observe([]))
    assert asked == []
    assert live.complete


def test_every_request_names_its_version_and_wants_english() -> None:
    asked, _ = hold(SAYS.list_live(), (volumes(), servers()))
    for request in asked:
        assert request.headers["Scp-Api-Version"] == "virtualserver 1.3"
        assert request.headers["Accept-Language"] == "en-US"
        assert "Content-Type" not in request.headers


PAGE = httpx.Response(417, html="<html>Request Rejected</html>")


@pytest.mark.parametrize(
    ("response", "retryable", "words"),
    [
        pytest.param(
            httpx.Response(200, html="<html>Log in</html>"),
            True,
            "not the documented JSON (text/html; charset=utf-8): <html>Log in</html>",
            id="a proxy's page with a 200",
        ),
        pytest.param(httpx.Response(200, content=b'{"vol'), True, "not the doc", id="a torso"),
        pytest.param(ok({}), True, "not the documented JSON", id="JSON of something else"),
        pytest.param(ok({"volumes": [{"name": "n"}]}), True, "not the doc", id="a row without id"),
        pytest.param(
            ok({"volumes": [{**volume_row(), "id": "../x"}]}), True, "not the", id="no id at all"
        ),
        pytest.param(
            ok({"volumes": [{"id": "v1", "state": "in-use"}]}), True, "not", id="no `servers`"
        ),
        pytest.param(httpx.Response(302), False, "HTTP 302", id="a redirect isn't followed"),
        pytest.param(httpx.Response(502, text="bad"), True, "HTTP 502", id="a bad gateway"),
        pytest.param(PAGE, True, "firewall", id="the firewall's page"),
        pytest.param(ok({}, 429), True, "HTTP 429", id="too many requests"),
        pytest.param(fault(403, "Action definition is not found"), False, "Action", id="forbidden"),
        pytest.param(fault(500, code="InternalServerError"), True, "`Internal", id="a 500"),
        pytest.param(gateway(404), False, "saw no credentials", id="no credentials arrived"),
        pytest.param(
            fault(406, code="NoSuchVersion"), False, "`virtualserver 1.3` isn't offered", id="406"
        ),
        pytest.param(
            ok([{"type_": "int", "loc": ["query", "limit"], "msg": "too large"}], 400),
            False,
            "query.limit: too large",
            id="validation",
        ),
        pytest.param(
            fault(400, [{"msg": "one"}, "two"]), False, '[{"msg": "one"}, "two"]', id="a list"
        ),
    ],
)
def test_a_failed_read_raises(response: httpx.Response, *, retryable: bool, words: str) -> None:
    with pytest.raises(ProviderError) as raised:
        hold(SAYS.list_live(), (response, servers()))
    assert raised.value.retryable is retryable
    assert words in str(raised.value)
    assert "GET /v1/volumes" in str(raised.value)


def test_the_firewall_is_given_time_and_a_refused_signature_tells_what_to_check() -> None:
    with pytest.raises(ProviderError) as raised:
        hold(SAYS.list_live(), (PAGE, servers()))
    assert raised.value.retry_after_s == 20.0
    with pytest.raises(
        ProviderError, match="check the secret key, the access key and this mac"
    ) as raised:
        hold(SAYS.list_live(), (fault(401), servers()))
    assert raised.value.request_id == "req-1"
    assert "`req-1`" in str(raised.value)
    with pytest.raises(ProviderError) as raised:
        hold(SAYS.list_live(), (gateway(401, "Unauthorized"), servers()))
    assert raised.value.request_id == "gw-1"
