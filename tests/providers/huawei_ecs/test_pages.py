"""Pages are read from their bytes; what may be read in two ways takes the careful road."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.providers.huawei_ecs.wire import WireServers, WireVolumes
from reconciler.providers.requests import strict_json
from reconciler.providers.rows import Row, converted, read

from .talks import on_server, server_row, volume_row

if TYPE_CHECKING:
    from collections.abc import Callable

SERVERS = "os-extended-volumes:volumes_attached"
ON = '[{"attachment_id": "a1", "server_id": "s1", "device": "/dev/vdb"}]'
TWICE = [
    pytest.param(f'"attachments":{ON},"attachments":[]', id="plain"),
    pytest.param(f'"attachments":{ON},"attachments" : []', id="with a blank before the colon"),
    pytest.param(f'"attachments":{ON},"\\u0061ttachments":[]', id="escaped"),
    pytest.param(f'"attachments":null,"attachments":{ON}', id="first null"),
]


@pytest.mark.parametrize("members", TWICE)
@pytest.mark.parametrize("beside", [(), ('{"id":"v2","links":[]}',)], ids=["", "one row has none"])
def test_what_says_where_a_volume_is_stands_once(members: str, beside: tuple[str, ...]) -> None:
    rows = ",".join((f'{{"id":"v1",{members}}}', *beside))
    with pytest.raises(ValueError, match="twice"):
        read(WireVolumes, f'{{"count":{1 + len(beside)},"volumes":[{rows}]}}'.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"volumes":[{"id":"v1","attachments":[]}],"volumes":[]}',
        b'{"servers":[],"servers":[{"id":"s1","os-extended-volumes:volumes_attached":null}]}',
    ],
)
def test_a_page_has_its_rows_once(body: bytes) -> None:
    model = WireServers if b"servers" in body else WireVolumes
    with pytest.raises(ValueError, match="twice"):
        read(model, body)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"volumes":[', b'{"volumes":[{}]}', b"\xff"])
def test_what_is_no_page_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read(WireVolumes, body)


MEMBERS: st.SearchStrategy[object] = st.sampled_from(
    [None, "", "x", "true", "\u00e9\u4e2d", 1, 1.5, 10.0, True, [], {}]
)
NAMED = st.sampled_from(["status", "size", "multiattach", "tags", "metadata", "attachments"])


@given(
    told=st.dictionaries(NAMED, MEMBERS, max_size=3),
    on=st.dictionaries(st.sampled_from(["device", "bootIndex", "more"]), MEMBERS),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_both_roads_read_the_same(
    told: dict[str, object], on: dict[str, object], indent: int | None, *, ascii_only: bool
) -> None:
    pages: tuple[tuple[type[Row], object], ...] = (
        (WireVolumes, {"count": 1, "volumes": [volume_row("v1") | told]}),
        (WireServers, {"count": 1, "servers": [server_row("s1") | {SERVERS: [on_server() | on]}]}),
    )
    for model, page in pages:
        body = json.dumps(page, indent=indent, ensure_ascii=ascii_only).encode()
        assert _told(read, model, body) == _told(_carefully, model, body)


def _carefully(model: type[Row], body: bytes) -> Row:
    return converted(model, strict_json(body))


def _told(road: Callable[[type[Row], bytes], Row], model: type[Row], body: bytes) -> Row | None:
    try:
        return road(model, body)
    except ValueError:
        return None
