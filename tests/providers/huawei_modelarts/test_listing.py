"""Listing a scope and looking at some of it: which pages are asked for, and what is in doubt."""

from __future__ import annotations

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.attachment import View

from .talks import SAYS, V1, disk, error, hold, key, ok, row, server_id, servers, urls, volume_id


def pages(*sizes: int, total: int, start: int = 1) -> list[httpx.Response]:
    numbers = iter(range(start, start + sum(sizes)))
    return [servers(*(row(next(numbers)) for _ in range(size)), total=total) for size in sizes]


def rounds(told: list[httpx.Response]) -> list[httpx.Response | tuple[httpx.Response, ...]]:
    first, *rest = told
    return [first, *([tuple(rest)] if rest else [])]


@pytest.mark.parametrize(
    ("total", "sizes"),
    [
        pytest.param(0, (0,), id="nothing is one page"),
        pytest.param(999, (999,), id="a page that isn't full is the last"),
        pytest.param(1000, (1000, 0), id="after a full last page its end is asked for"),
        pytest.param(1500, (1000, 500), id="the second page isn't full"),
        pytest.param(2000, (1000, 1000, 0), id="two full pages are three calls"),
    ],
)
def test_servers_cost_a_call_for_every_thousand_and_one(total: int, sizes: tuple[int, ...]) -> None:
    asked, live = hold(SAYS.list_live(), *rounds(pages(*sizes, total=total)))
    assert urls(asked) == [f"GET {V1}?limit=1000&offset={n * 1000}" for n in range(len(sizes))]
    assert live.complete
    assert live.notices == ()
    assert len(live.servers) == total


@pytest.mark.parametrize(
    ("told", "notice"),
    [
        pytest.param(pages(2, total=3), "2 of 3 servers were listed", id="fewer rows than counted"),
        pytest.param(
            [*pages(1000, total=1500), *pages(501, total=1501, start=1001)],
            "the count of servers changed while they were listed: 1500 to 1501",
            id="a count that changes",
        ),
        pytest.param(
            pages(990, 10, total=1000),
            "a page of servers held 990 rows and wasn't the last",
            id="a page that is short in the middle",
        ),
        pytest.param(
            pages(1000, 1000, total=1999),
            "there are more servers than the 2000 that were counted and listed",
            id="a last page that is full",
        ),
        pytest.param(
            [*pages(1000, total=1002), *pages(2, total=1002, start=1000)],
            "1001 of 1002 servers were listed",
            id="a row twice and another one lost",
        ),
        pytest.param(
            [ok({"data": [row()]})],
            "a page of servers doesn't say how many there are",
            id="no count",
        ),
    ],
)
def test_a_listing_in_doubt_is_incomplete(told: list[httpx.Response], notice: str) -> None:
    _, live = hold(SAYS.list_live(), *rounds(told))
    assert not live.complete
    assert notice in live.notices


def test_a_row_twice_is_told_and_the_later_one_counts() -> None:
    _, live = hold(SAYS.list_live(), servers(row(1, disk()), row(1), total=1))
    assert live.complete
    assert live.notices == (f"servers listed more than once: `{server_id()}`",)
    assert live.observed == {}


def test_a_count_beyond_all_reason_is_not_followed_to_its_end() -> None:
    talk = SAYS.list_live()
    next(talk)
    more = talk.send(servers(row(), total=10**9))
    assert isinstance(more, tuple)
    assert len(more) == 199


def test_there_is_one_view_and_a_free_volume_is_in_none() -> None:
    _, live = hold(SAYS.list_live(), servers(row(2, disk(3)), row(1, disk(2), disk(1))))
    assert live.views == (View.COMPUTE,)
    assert not live.shows_free
    assert list(live.servers) == [server_id(1), server_id(2)]
    assert list(live.volumes) == [volume_id(1), volume_id(2), volume_id(3)]
    assert list(live.observed) == [key(1, 1), key(1, 2), key(2, 3)]
    assert all(set(each.sightings) == {View.COMPUTE} for each in live.observed.values())


def test_a_look_asks_few_servers_at_once_and_by_id() -> None:
    keys = [key(1, 1), key(2, 1), key(3, 1)]
    told = (ok(row(1, disk(1), disk(7))), error("ModelArts.6404"), ok(row(3)))
    asked, live = hold(SAYS.observe(keys), told, servers(row(1, disk(9)), row(3)))
    by_id = [f"GET {V1}/{server_id(n)}" for n in (1, 2, 3)]
    assert urls(asked) == [*by_id, f"GET {V1}?limit=1000&offset=0"]
    assert set(live.servers) == {server_id(1), server_id(3)}
    assert set(live.volumes) == {volume_id(1)}
    assert set(live.observed) == {key(1, 1)}
    assert live.complete
    assert not live.shows_free


def test_a_server_that_is_listed_is_not_gone_whatever_is_said_of_its_id() -> None:
    told = (error("ModelArts.6404"),)
    _, live = hold(SAYS.observe([key(1, 1)]), told, servers(row(1, disk(1))))
    assert set(live.observed) == {key(1, 1)}
    _, lost = hold(SAYS.observe([key(1, 1)]), told, servers(row(2), total=2))
    assert not lost.complete


@pytest.mark.parametrize(("count", "requests"), [(20, 20), (21, 1)])
def test_a_look_at_many_servers_lists_instead(count: int, requests: int) -> None:
    talk = SAYS.observe([key(number, number) for number in range(1, count + 1)])
    asked = next(talk)
    found = asked if isinstance(asked, tuple) else (asked,)
    assert len(found) == requests


def test_a_look_that_lists_shows_only_what_was_asked_for() -> None:
    keys = [key(number, number) for number in range(1, 22)]
    rows = [row(number, disk(number), disk(number + 100)) for number in range(2, 40)]
    asked, live = hold(SAYS.observe(keys), servers(*rows))
    assert urls(asked) == [f"GET {V1}?limit=1000&offset=0"]
    assert set(live.servers) == {server_id(number) for number in range(2, 22)}
    assert set(live.volumes) == {volume_id(number) for number in range(2, 22)}
    assert set(live.observed) == set(keys[1:])
    assert live.complete
    _, lost = hold(SAYS.observe(keys), servers(*rows, total=39))
    assert not lost.complete


def test_a_look_at_nothing_asks_nothing() -> None:
    asked, live = hold(SAYS.observe([]))
    assert asked == []
    assert live.complete


@pytest.mark.parametrize("volumes", [None, [{"type": "DATA"}]], ids=["absent", "one without id"])
def test_a_look_at_a_server_that_does_not_tell_its_volumes_proves_nothing(volumes: object) -> None:
    _, live = hold(SAYS.observe([key()]), (ok(row(volumes=volumes)),))
    assert not live.complete
    assert live.notices == (f"what is attached isn't told for `{server_id()}`",)


def test_an_answer_about_another_server_is_none() -> None:
    with pytest.raises(ProviderError):
        hold(SAYS.observe([key(1)]), (ok(row(2)),))


@pytest.mark.parametrize(
    ("response", "retryable", "words"),
    [
        pytest.param(httpx.Response(200, html="<p>Log in"), True, "not the doc", id="a page"),
        pytest.param(httpx.Response(200, content=b'{"total": 1, "da'), True, "not the doc", id="½"),
        pytest.param(ok({"total": 0}), True, "not the documented JSON", id="no rows"),
        pytest.param(servers({"name": "no id"}), True, "not the documented", id="a row without id"),
        pytest.param(servers(row(id="../x")), True, "not the documented", id="an id with a path"),
        pytest.param(
            servers(row(1, disk(evs_id="a/b"))), True, "not the documented", id="such a volume"
        ),
        pytest.param(error("ModelArts.6101", 429), True, "`ModelArts.6101`", id="throttled"),
        pytest.param(httpx.Response(500), True, "HTTP 500", id="a server error"),
        pytest.param(error("ModelArts.0112", 403), False, "`ModelArts.0112`", id="forbidden"),
        pytest.param(error("APIGW.0101", 404), False, "`APIGW.0101`", id="no such API"),
    ],
)
def test_a_failed_read_raises(response: httpx.Response, *, retryable: bool, words: str) -> None:
    with pytest.raises(ProviderError) as raised:
        hold(SAYS.list_live(), response)
    assert raised.value.retryable is retryable
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(error("APIGW.0101", 404), id="a 404 of the gateway"),
        pytest.param(httpx.Response(404), id="a bare 404"),
        pytest.param(error("ModelArts.8888"), id="another code"),
    ],
)
def test_only_its_own_code_says_that_a_server_is_gone(response: httpx.Response) -> None:
    with pytest.raises(ProviderError):
        hold(SAYS.observe([key()]), (response,))
