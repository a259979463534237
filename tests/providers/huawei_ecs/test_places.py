"""Looking at many: by ids, or through the pages on which they were listed, whatever costs less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.providers.huawei_ecs.conversations import HuaweiEcs
from reconciler.providers.huawei_ecs.places import Places

from .talks import SITE, hold, key, on_server, server_row, servers, volume_row, volumes

if TYPE_CHECKING:
    from collections.abc import Sequence

HUNDRED = [f"v{number:03}" for number in range(100)]
NEW = [f"w{number:03}" for number in range(30)]
THREE = [HUNDRED[:40], HUNDRED[40:80], HUNDRED[80:]]


@pytest.mark.parametrize(
    ("pages", "wanted", "taken", "by_id"),
    [
        pytest.param([], HUNDRED, (), 100, id="nothing was listed"),
        pytest.param([HUNDRED], HUNDRED[:60], (), 60, id="a request either way: by ids"),
        pytest.param([HUNDRED], HUNDRED[:61], (0,), 0, id="a page instead of two requests"),
        pytest.param([["x"], HUNDRED], [*HUNDRED, *NEW], (1,), 30, id="by id what is on no page"),
        pytest.param(THREE, HUNDRED, (), 100, id="the rest after a page still takes a request"),
        pytest.param([HUNDRED] * 2, [*HUNDRED, *NEW], (1,), 30, id="what is on two pages, once"),
    ],
)
def test_a_way_takes_the_fewest_requests(
    pages: list[Sequence[str]], wanted: list[str], taken: tuple[int, ...], by_id: int
) -> None:
    way = Places([*pages]).way(wanted)
    assert (way.pages, len(way.ids)) == (taken, by_id)
    assert way.requests == len(taken) + -(-by_id // 60)


KEYS = [key(f"s{n}", f"v{n}") for n in range(70)]
ON = [
    server_row(
        one.server_id, **{"os-extended-volumes:volumes_attached": [on_server(one.volume_id)]}
    )
    for one in KEYS
]
FREE = [volume_row(one.volume_id, status="available", attachments=[]) for one in KEYS]


def listed(says: HuaweiEcs) -> HuaweiEcs:
    """Have everything listed once: one page of each view."""
    _, live = hold(says.list_live(), (volumes(*FREE), servers(*ON)))
    assert live.complete
    return says


def test_many_are_looked_at_through_their_page() -> None:
    says = listed(HuaweiEcs(SITE))
    assert (says.takes(KEYS), says.takes(KEYS[:9]), says.takes([])) == (2, 2, 0)
    asked, live = hold(says.observe(KEYS), (volumes(*FREE), servers(*ON, server_row("other"))))
    assert [sorted(request.url.params) for request in asked] == [["limit", "offset"]] * 2
    assert live.complete
    assert (set(live.servers), len(live.volumes)) == ({one.server_id for one in KEYS}, 70)
    assert set(live.observed) == set(KEYS)


def test_what_left_its_page_is_asked_for_by_its_id_before_it_counts_as_gone() -> None:
    says = listed(HuaweiEcs(SITE))
    shifted = (volumes(volume_row("new"), *FREE[:68], count=71), servers(*ON[:69], count=70))
    again = (volumes(FREE[68]), servers({"id": "s69", "fault": {"code": 404}}))
    asked, live = hold(says.observe(KEYS), shifted, again)
    assert [
        request.url.params.get("ids") or request.url.params["server_id"] for request in asked[2:]
    ] == ["['v68','v69']", "s69"]
    assert live.complete
    assert {one.volume_id for one in KEYS} - set(live.volumes) == {"v69"}
    assert {one.server_id for one in KEYS} - set(live.servers) == {"s69"}


def test_a_row_that_is_counted_and_not_shown_leaves_a_look_in_doubt() -> None:
    says = listed(HuaweiEcs(SITE))
    page = (volumes(*FREE[:69], count=70), servers(*ON))
    _, live = hold(says.observe(KEYS), page, (volumes(count=1),))
    assert not live.complete


def test_a_page_is_known_as_it_was_last_seen() -> None:
    says = listed(HuaweiEcs(SITE))
    hold(says.observe(KEYS), (volumes(*FREE[:5]), servers(*ON)), (volumes(*FREE[5:65]), volumes()))
    assert says.takes(KEYS) == 3
