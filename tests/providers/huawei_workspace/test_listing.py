"""Listing a scope and looking at some of it: which pages are asked for, and what is in doubt."""

from __future__ import annotations

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.attachment import View

from .talks import PROJECT, SAYS, V2, Row, desktop, desktops, disk, error, hold, key, ok, urls

LIST = f"GET {V2}/desktops/detail"


def page_url(offset: int) -> str:
    return f"{LIST}?limit=500&offset={offset}&sort_field=created&sort_type=ASC"


def rows(size: int, start: int = 0) -> list[Row]:
    return [desktop(f"d{number:05}") for number in range(start, start + size)]


def pages(*sizes: int, count: int) -> list[httpx.Response]:
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    return [desktops(*rows(size, s), count=count) for s, size in zip(starts, sizes, strict=True)]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        pytest.param(0, (0,), id="nothing is one page"),
        pytest.param(499, (499,), id="a page that isn't full is the last"),
        pytest.param(500, (500, 0), id="after a full last page its end is asked for"),
        pytest.param(750, (500, 250), id="the second page isn't full"),
        pytest.param(300, (100, 150, 50), id="short pages are pages"),
    ],
)
def test_pages_go_on_where_the_rows_ended(count: int, sizes: tuple[int, ...]) -> None:
    asked, live = hold(SAYS.list_live(), *pages(*sizes, count=count))
    assert urls(asked) == [page_url(sum(sizes[:place])) for place in range(len(sizes))]
    assert live.complete
    assert live.notices == ()
    assert len(live.servers) == len(live.observed) == count


def moved() -> list[httpx.Response]:
    first, second = rows(500), [desktop("d00499"), *rows(10, 500)]
    return [desktops(*first, count=511), desktops(*second, count=511), desktops(count=511)]


def uncounted() -> list[httpx.Response]:
    return [ok({"desktops": rows(1)})]


@pytest.mark.parametrize(
    ("answers", "notice"),
    [
        pytest.param(pages(2, 0, count=3), "2 of 3 desktops were listed", id="fewer than counted"),
        pytest.param(pages(3, count=2), "3 of 2 desktops were listed", id="more than counted"),
        pytest.param(
            [desktops(*rows(500), count=501), desktops(*rows(2, 500), count=502)],
            "the count of desktops changed while they were listed: 501 to 502",
            id="a count that changes",
        ),
        pytest.param(moved(), "desktops listed on more than one page: `d00499`", id="a row twice"),
        pytest.param(uncounted(), "a page of desktops doesn't say how many there are", id="none"),
        pytest.param(
            [desktops(*rows(500), count=500)] * 2,
            "there are more desktops than the 500 that were listed",
            id="a list without an end",
        ),
    ],
)
def test_a_listing_in_doubt_is_incomplete(answers: list[httpx.Response], notice: str) -> None:
    _, live = hold(SAYS.list_live(), *answers)
    assert not live.complete
    assert notice in live.notices


def test_a_list_is_not_followed_beyond_all_reason() -> None:
    asked, live = hold(SAYS.list_live(), *pages(*[1] * 200, count=10**9))
    assert len(asked) == 200
    assert not live.complete


def test_a_row_twice_on_one_page_is_told_and_the_later_one_counts() -> None:
    early, late = desktop("d1", disk()), desktop("d1", status="SHUTOFF")
    _, live = hold(SAYS.list_live(), desktops(early, late, count=1))
    assert live.complete
    assert live.notices == ("desktops listed more than once: `d1`",)
    assert live.servers["d1"].status_text == "SHUTOFF"
    assert key() not in live.observed


def test_there_is_one_view_and_what_is_free_is_not_shown() -> None:
    for live in (
        hold(SAYS.list_live(), desktops(desktop("d1", disk())))[1],
        hold(SAYS.observe([key()]), (desktops(desktop("d1", disk())),))[1],
    ):
        assert live.views == (View.COMPUTE,)
        assert not live.shows_free


def test_a_disk_without_an_id_hides_what_is_on_its_desktop() -> None:
    hidden = desktop("d1", disk(None), disk("v2"))
    _, live = hold(SAYS.list_live(), desktops(hidden, desktop("d2")))
    assert live.complete
    assert live.notices == ("desktops without a disk, or with one that has no id: `d1`",)
    known = {server_id: row.attachments_known for server_id, row in live.servers.items()}
    assert known == {"d1": False, "d2": True}
    assert key("d1", "v2") in live.observed
    _, look = hold(SAYS.observe([key()]), (desktops(hidden),))
    assert not look.complete


@pytest.mark.parametrize("told", [{}, {"data_volumes": None}, {"data_volumes": []}])
def test_a_desktop_that_shows_not_even_its_root_disk_proves_nothing_gone(told: Row) -> None:
    bare = desktop("d1", root_volume=None, **told)
    _, live = hold(SAYS.list_live(), desktops(bare, desktop("d2")))
    known = {server_id: row.attachments_known for server_id, row in live.servers.items()}
    assert (live.complete, known) == (True, {"d1": False, "d2": True})
    _, look = hold(SAYS.observe([key()]), (desktops(bare),))
    assert not look.complete


def test_a_look_asks_for_the_desktops_alone() -> None:
    keys = [key("d1", "v1"), key("d2", "v9")]
    shown = desktop("d1", disk("v1"), disk("v7"))
    asked, live = hold(SAYS.observe(keys), (desktops(shown, desktop("d2")),))
    assert urls(asked) == [f"{LIST}?desktop_id=d1%2Cd2&limit=500"]
    assert set(live.servers) == {"d1", "d2"}
    assert set(live.volumes) == {"v1"}
    assert set(live.observed) == {key("d1", "v1")}
    assert live.complete


def test_a_look_at_many_goes_out_in_chunks_of_a_hundred() -> None:
    talk = SAYS.observe([key(f"d{number:03}") for number in range(101)])
    asked = next(talk)
    assert isinstance(asked, tuple)
    assert [one.url.params["desktop_id"].count(",") + 1 for one in asked] == [100, 1]


def test_a_look_at_nothing_asks_nothing() -> None:
    asked, live = hold(SAYS.observe([]))
    assert asked == []
    assert live.complete


@pytest.mark.parametrize("shape", ["object", "list"])
def test_a_desktop_that_a_look_lacks_is_asked_for_by_itself(shape: str) -> None:
    row = desktop("d2", disk("v2"))
    answers = (ok({"desktop": row if shape == "object" else [row]}), httpx.Response(404))
    keys = [key("d1", "v1"), key("d2", "v2"), key("d3", "v3")]
    first = desktops(desktop("d1", disk("v1")), desktop("d9"))
    asked, live = hold(SAYS.observe(keys), (first,), answers)
    assert urls(asked) == [
        f"{LIST}?desktop_id=d1%2Cd2%2Cd3&limit=500",
        f"GET {V2}/desktops/d2",
        f"GET {V2}/desktops/d3",
    ]
    assert set(live.servers) == {"d1", "d2"}
    assert set(live.observed) == set(keys[:2])
    assert live.complete


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(error("APIGW.0101", 404), id="a path that the gateway doesn't know"),
        pytest.param(error("WKS.1", 403), id="forbidden"),
        pytest.param(httpx.Response(500), id="a 500"),
        pytest.param(ok({"desktop": []}), id="an empty list"),
        pytest.param(ok({"desktop": [desktop("d1"), desktop("d2")]}), id="two of them"),
        pytest.param(ok({"desktop": desktop("d2")}), id="another one"),
        pytest.param(ok({}), id="nothing"),
    ],
)
def test_only_a_404_of_its_own_says_that_a_desktop_is_gone(answer: httpx.Response) -> None:
    with pytest.raises(ProviderError):
        hold(SAYS.observe([key("d1")]), (desktops(),), (answer,))


@pytest.mark.parametrize(
    ("response", "retryable", "words"),
    [
        pytest.param(
            httpx.Response(200, html="<html>Log in</html>"),
            True,
            "not the documented JSON (text/html; charset=utf-8): <html>Log in</html>",
            id="a proxy's page with a 200",
        ),
        pytest.param(httpx.Response(200, content=b'{"total_'), True, "documented", id="a torso"),
        pytest.param(ok({}), True, "not the documented JSON", id="JSON of something else"),
        pytest.param(
            ok({"desktops": [{"computer_name": "no id"}]}), True, "documented", id="no id"
        ),
        pytest.param(
            ok({"desktops": [desktop("d1,d2")]}), True, "documented", id="an id with a comma"
        ),
        pytest.param(
            ok({"desktops": [desktop("d1", disk("../v"))]}), True, "documented", id="an odd disk"
        ),
        pytest.param(error("WKS.1", 200, "words"), True, "words", id="an error with a 200"),
        pytest.param(
            ok({"desktops": [], "total_count": 0, "error_code": "WKS.1", "error_msg": "words"}),
            True,
            "words",
            id="an error beside an empty list",
        ),
        pytest.param(httpx.Response(302), False, "HTTP 302", id="a redirect isn't followed"),
        pytest.param(httpx.Response(502, text="bad"), True, "HTTP 502", id="a bad gateway"),
        pytest.param(error("WKS.00000003", 500), True, "`WKS.00000003`", id="no database"),
        pytest.param(error("WKS.00010099"), False, "`WKS.00010099`", id="not opened"),
        pytest.param(ok({}, 429), True, "HTTP 429", id="too many requests"),
        pytest.param(error("WKS.1", 403), False, "HTTP 403 `WKS.1` m", id="forbidden"),
    ],
)
def test_a_failed_read_raises(response: httpx.Response, *, retryable: bool, words: str) -> None:
    for talk, answer in ((SAYS.list_live(), response), (SAYS.observe([key()]), (response,))):
        with pytest.raises(ProviderError) as raised:
            hold(talk, answer)
        assert raised.value.retryable is retryable
        assert words in str(raised.value)
        assert f"GET /v2/{PROJECT}/desktops/detail" in str(raised.value)
