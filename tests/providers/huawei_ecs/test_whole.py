"""Long pages are read straight from their bytes; what isn't safe so, as every other answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from reconciler.providers import whole
from reconciler.providers.huawei_ecs.wire import WireServers, WireVolume, WireVolumes
from reconciler.providers.requests import strict_json
from reconciler.providers.rows import Row, converted

from .talks import on_server, server_row, volume_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ON_SERVER = "os-extended-volumes:volumes_attached"
ON = {"attachment_id": "a1", "server_id": "s1", "device": "/dev/vdb", "host_name": None}
PAGE = json.dumps({"count": 1, "volumes": [volume_row("v1", more="10:30", attachments=[ON])]})
KINDS: tuple[type[Row], ...] = (WireVolumes, WireServers)


@pytest.fixture(autouse=True)
def untaught(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Read short pages as long ones are, by what this test has taught."""
    monkeypatch.setattr(whole, "LONG", 0)
    _forget()
    yield
    _forget()


def _forget() -> None:
    whole.SEEN.clear()
    whole.TWINS.clear()


def test_only_what_is_new_takes_the_careful_road(monkeypatch: pytest.MonkeyPatch) -> None:
    carefully: list[bytes] = []

    def counted(body: bytes) -> object:
        carefully.append(body)
        return strict_json(body)

    monkeypatch.setattr(whole, "strict_json", counted)
    newer = PAGE.replace('"more"', '"newer": {"x": [1]}, "more"').encode()
    without = PAGE.replace('"status"', '"state"').encode()
    for body in (PAGE.encode(), PAGE.encode(), newer, newer, PAGE.encode(), without, without):
        read = whole.read(WireVolumes, body)
        assert _plain(read) == _plain(converted(WireVolumes, strict_json(body)))
    assert carefully == [PAGE.encode(), newer, without]


def test_a_page_without_blanks_is_written_again_as_it_was() -> None:
    rows = [volume_row("v1", more="10:30", attachments=[ON]), volume_row("v2", more=[1])]
    told = {"count": 2, "volumes": [row | {"last": None} for row in rows], "links": []}
    body = json.dumps(told, separators=(",", ":")).encode()
    whole.read(WireVolumes, body)
    assert msgspec.json.encode(whole.read(WireVolumes, body)) == body


def test_a_page_with_endless_names_teaches_no_more_than_some() -> None:
    row = volume_row("v1", attachments=[ON])
    for page in range(5):
        rows = [row | {f"{page}-{n}": n for n in range(100)}]
        body = json.dumps({"count": 1, "volumes": rows}).encode()
        assert whole.read(WireVolumes, body).volumes[0].name == row["name"]
    assert len(whole.SEEN[WireVolume].some) < whole.MOST_NAMES


@pytest.mark.parametrize(
    ("once", "twice"),
    [
        pytest.param('"status"', '"status": "error", "status"', id="what is read"),
        pytest.param('"status"', '"st\\u0061tus": "error", "status"', id="escaped"),
        pytest.param('"attachments":', '"attachments": [], "attachments" :', id="with a blank"),
        pytest.param('"server_id"', '"server_id": "s2", "server_id"', id="in a row of a row"),
        pytest.param('"count"', '"count": 2, "count"', id="beside the rows"),
        pytest.param('"volumes"', '"volumes": [], "volumes"', id="the rows"),
        pytest.param('"id"', '"id": "v1", "id"', id="with the same value"),
    ],
)
def test_what_is_read_stands_once(once: str, twice: str) -> None:
    whole.read(WireVolumes, PAGE.encode())
    for body in (PAGE.replace(once, twice, 1), PAGE.replace(once, twice, 1).replace(" ", "")):
        assert body.count(once.strip(":")) > PAGE.count(once) or "\\u" in body
        with pytest.raises(ValueError, match="twice"):
            whole.read(WireVolumes, body.encode())


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"<html>",
            b'{"volumes":[',
            b'{"volumes":[{}]}',
            b"[1]",
            PAGE.encode()[:-1],
            b"\xff",
        ),
        PAGE.replace("10:30", "\xff").encode("latin-1"),
        PAGE.replace('"10:30"', "NaN").encode(),
    ],
)
def test_what_is_no_page_is_refused(body: bytes) -> None:
    whole.read(WireVolumes, PAGE.encode())
    with pytest.raises(ValueError, match=r"\w"):
        whole.read(WireVolumes, body)


VALUES: st.SearchStrategy[object] = st.sampled_from(
    [None, "", "x:", "true", "\u00e9\u4e2d", "\x00:", 1, 1.5, 10.0, True, [], {}, {"a": "b:"}]
)
ODD = ['o"\\\n', "\u00e9", "more"]
NAMES = ["status", "size", "multiattach", "tags", "metadata", "attachments", "id", *ODD]
ROWS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3)
LINES = st.dictionaries(st.sampled_from(["device", "id", *ODD]), VALUES, max_size=2)


@given(
    pages=st.lists(st.lists(st.tuples(ROWS, LINES), max_size=2), min_size=1, max_size=4),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_both_roads_read_the_same(
    pages: list[list[tuple[dict[str, object], dict[str, object]]]],
    indent: int | None,
    *,
    ascii_only: bool,
) -> None:
    _forget()
    for page in pages:
        volumes = [volume_row("v1") | {"attachments": [ON | line]} | row for row, line in page]
        servers = [server_row("s1") | row | {ON_SERVER: [on_server() | line]} for row, line in page]
        for model, rows in zip(KINDS, (volumes, servers), strict=True):
            told = {"count": 1, model.__name__.removeprefix("Wire").lower(): rows}
            body = json.dumps(told, indent=indent, ensure_ascii=ascii_only).encode()
            assert _told(whole.read, model, body) == _told(_carefully, model, body)


def _carefully(model: type[Row], body: bytes) -> Row:
    return converted(model, strict_json(body))


def _told(road: Callable[[type[Row], bytes], Row], model: type[Row], body: bytes) -> object:
    try:
        return _plain(road(model, body))
    except ValueError:
        return None


def _plain(value: object) -> object:
    """Give what was read, without what nobody reads."""
    if isinstance(value, Row):
        named = structs.asdict(value).items()
        return {name: _plain(one) for name, one in named if not name.startswith("unread_")}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
