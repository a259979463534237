"""Listing a scope and looking at some of it: which pages are asked for, and what is in doubt."""

from __future__ import annotations

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.attachment import View

from .talks import (
    ECS,
    EVS,
    PROJECT,
    SAYS,
    hold,
    key,
    ok,
    on_server,
    server_row,
    servers,
    urls,
    volume_row,
    volumes,
)

VOLUMES = f"GET {EVS}/v2/{PROJECT}/cloudvolumes/detail"
SERVERS = f"GET {ECS}/v1/{PROJECT}/cloudservers/detail"
ATTACHMENTS = "os-extended-volumes:volumes_attached"


def volume_pages(*sizes: int, count: int, start: int = 0) -> list[httpx.Response]:
    ids = iter(range(start, start + sum(sizes)))
    return [
        volumes(*(volume_row(f"v{next(ids):05}") for _ in range(size)), count=count)
        for size in sizes
    ]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        pytest.param(0, (0,), id="nothing is one page"),
        pytest.param(999, (999,), id="a page that isn't full is the last"),
        pytest.param(1000, (1000, 0), id="after a full last page its end is asked for"),
        pytest.param(1500, (1000, 500), id="the second page isn't full"),
        pytest.param(2000, (1000, 1000, 0), id="two full pages are three calls"),
    ],
)
def test_volumes_cost_a_call_for_every_thousand_and_one(count: int, sizes: tuple[int, ...]) -> None:
    first, *rest = volume_pages(*sizes, count=count)
    rounds = [(first, servers())] + ([tuple(rest)] if rest else [])
    asked, live = hold(SAYS.list_live(), *rounds)
    assert urls(asked) == [
        f"{VOLUMES}?limit=1000&offset=0",
        f"{SERVERS}?limit=1000&offset=1",
        *(f"{VOLUMES}?limit=1000&offset={page * 1000}" for page in range(1, len(sizes))),
    ]
    assert live.complete
    assert live.notices == ()
    assert len(live.volumes) == count


def test_servers_are_counted_in_pages_from_one() -> None:
    rows = [server_row(f"s{number}") for number in range(1001)]
    pages = (servers(*rows[:1000], count=1001), servers(*rows[1000:], count=1001))
    asked, live = hold(SAYS.list_live(), (volumes(), pages[0]), (pages[1],))
    assert urls(asked)[1:] == [f"{SERVERS}?limit=1000&offset=1", f"{SERVERS}?limit=1000&offset=2"]
    assert len(live.servers) == 1001
    assert live.complete


@pytest.mark.parametrize(
    ("pages", "notice"),
    [
        pytest.param(
            volume_pages(2, count=3),
            "2 of 3 volumes were listed",
            id="fewer rows than counted",
        ),
        pytest.param(
            [volume_pages(1000, count=1500)[0], volume_pages(501, count=1501, start=1000)[0]],
            "the count of volumes changed while they were listed: 1500 to 1501",
            id="a count that changes",
        ),
        pytest.param(
            volume_pages(990, 10, count=1000),
            "a page of volumes held 990 rows and wasn't the last",
            id="a page that is short in the middle",
        ),
        pytest.param(
            volume_pages(1000, 1000, count=1999),
            "there are more volumes than the 2000 that were counted and listed",
            id="a last page that is full",
        ),
        pytest.param(
            [volume_pages(1000, count=1002)[0], volume_pages(2, count=1002, start=999)[0]],
            "1001 of 1002 volumes were listed",
            id="a row twice and another one lost",
        ),
    ],
)
def test_a_listing_in_doubt_is_incomplete(pages: list[httpx.Response], notice: str) -> None:
    first, *rest = pages
    rounds = [(first, servers())] + ([tuple(rest)] if rest else [])
    _, live = hold(SAYS.list_live(), *rounds)
    assert not live.complete
    assert notice in live.notices


def test_a_row_twice_is_told_and_the_later_one_counts() -> None:
    early = volume_row(status="in-use", attachments=[{"server_id": "s1"}])
    late = volume_row(status="available", attachments=[])
    _, live = hold(SAYS.list_live(), (volumes(early, late, count=1), servers()))
    assert live.complete
    assert live.notices == ("volumes listed more than once: `v1`",)
    assert live.volumes["v1"].status_text == "available"
    assert live.observed == {}


def test_a_count_beyond_all_reason_is_not_followed_to_its_end() -> None:
    talk = SAYS.list_live()
    next(talk)
    more = talk.send((volumes(volume_row(), count=10**9), servers()))
    assert isinstance(more, tuple)
    assert len(more) == 16
    with pytest.raises(StopIteration) as ended:
        talk.send((volumes(count=10**9),) * 16)
    assert not ended.value.value.complete


def test_both_views_of_an_attachment_meet_and_one_alone_is_kept() -> None:
    server = server_row(**{ATTACHMENTS: [on_server("v1"), on_server("v2")]})
    both = volume_row("v1", attachments=[{"server_id": "s1", "device": "/dev/sdb"}])
    foreign = volume_row("v3", attachments=[{"server_id": "elsewhere", "device": None}])
    _, live = hold(SAYS.list_live(), (volumes(both, foreign), servers(server)))
    seen = {str(each): set(observed.sightings) for each, observed in live.observed.items()}
    assert seen == {
        "prod:elsewhere/v3": {View.STORAGE},
        "prod:s1/v1": {View.COMPUTE, View.STORAGE},
        "prod:s1/v2": {View.COMPUTE},
    }
    assert live.observed[key()].device == "/dev/vdb"


def test_a_look_asks_both_views_at_once_by_their_ids() -> None:
    keys = [key("s1", "v1"), key("s2", "v1")]
    volume = volume_row(attachments=[{"server_id": "s1"}, {"server_id": "s9"}])
    server = server_row(**{ATTACHMENTS: [on_server("v1"), on_server("v7")]})
    ghost = {"id": "s2", "fault": {"code": 404}}
    asked, live = hold(SAYS.observe(keys), (volumes(volume), servers(server, ghost)))
    assert urls(asked) == [
        f"{VOLUMES}?ids=%5B%27v1%27%5D",
        f"{SERVERS}?limit=1000&server_id=s1%2Cs2",
    ]
    assert set(live.servers) == {"s1"}
    assert set(live.volumes) == {"v1"}
    assert set(live.observed) == {key("s1", "v1")}
    assert live.complete


def test_a_look_at_many_goes_out_in_chunks_of_sixty() -> None:
    keys = [key(f"s{number:03}", f"v{number:03}") for number in range(61)]
    talk = SAYS.observe(keys)
    asked = next(talk)
    assert isinstance(asked, tuple)
    ids = [request.url.params.get("ids") or request.url.params["server_id"] for request in asked]
    assert [text.count(",") + 1 for text in ids] == [60, 1, 60, 1]


def test_a_look_at_nothing_asks_nothing() -> None:
    asked, live = hold(SAYS.observe([]))
    assert asked == []
    assert live.complete


def test_a_look_that_shows_fewer_rows_than_counted_is_incomplete() -> None:
    _, live = hold(SAYS.observe([key()]), (volumes(count=1), servers(server_row())))
    assert not live.complete
    assert live.notices == ("a look showed 0 of 1 volumes",)


@pytest.mark.parametrize(
    ("response", "retryable", "words"),
    [
        pytest.param(
            httpx.Response(200, html="<html>Log in</html>"),
            True,
            "not the documented JSON (text/html; charset=utf-8): <html>Log in</html>",
            id="a proxy's page with a 200",
        ),
        pytest.param(
            httpx.Response(200, content=b'{"count": 1, "volu'),
            True,
            "not the documented JSON",
            id="truncated JSON",
        ),
        pytest.param(ok({}), True, "not the documented JSON", id="JSON of something else"),
        pytest.param(
            ok({"volumes": [{"name": "no id"}]}), True, "not the doc", id="a row without its id"
        ),
        pytest.param(
            ok({"error": {"code": "Common.0024", "message": "flow"}}, 202),
            True,
            "flow",
            id="throttled with a 202",
        ),
        pytest.param(httpx.Response(302), False, "HTTP 302", id="a redirect isn't followed"),
        pytest.param(httpx.Response(502, text="bad"), True, "HTTP 502", id="a bad gateway"),
        pytest.param(
            ok({"error": {"code": "EVS.2021", "message": "m"}}, 500),
            False,
            "`EVS.2021`",
            id="a 500 that won't pass",
        ),
        pytest.param(ok({}, 429), True, "HTTP 429", id="too many requests"),
        pytest.param(
            ok({"error": {"code": "Ecs.0110", "message": "no right"}}, 403),
            False,
            "HTTP 403 `Ecs.0110` no right",
            id="forbidden",
        ),
    ],
)
def test_a_failed_read_raises(response: httpx.Response, *, retryable: bool, words: str) -> None:
    with pytest.raises(ProviderError) as raised:
        hold(SAYS.list_live(), (response, servers()))
    assert raised.value.retryable is retryable
    assert words in str(raised.value)
    assert f"GET /v2/{PROJECT}/cloudvolumes/detail" in str(raised.value)


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("verify aksk signature fail", "check the secret key"),
        ("calc ak sk signature fail:signature expired", "check this machine's clock"),
        ("Get secretKey failed,ak:X,err:ak not exist", "check the access key"),
        ("AK access failed to reach the limit,forbidden", "locked for 5 minutes"),
    ],
)
def test_a_refused_signature_tells_what_to_check(message: str, advice: str) -> None:
    told = ok(
        {"error_code": "APIGW.0301", "error_msg": f"Incorrect IAM information: {message}"},
        401,
        X_Request_Id="r-1",
    )
    with pytest.raises(ProviderError, match=advice) as raised:
        hold(SAYS.list_live(), (volumes(), told))
    assert raised.value.code == "APIGW.0301"
    assert raised.value.request_id == "r-1"
    assert "`r-1`" in str(raised.value)
    assert not raised.value.retryable
