"""Whatever is sent, the simulator answers as the API would, and its world stays writable."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.sim.app import build
from reconciler.sim.world import dump_world, read_worlds
from tests.sim.asking import PROJECT, WORLD, Asker, asker, clouds_of, over_a_socket
from tests.sim.hostile import BODIES, HEADERS, IDS, QUERIES, escaped, sign_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SERVER = f"/v1/{PROJECT}/cloudservers"
_VOLUMES = f"/v2/{PROJECT}/cloudvolumes"
WRITES = (
    ("POST", f"/v1/{PROJECT}/batchaction/detachvolumes/v-1"),
    ("POST", f"/v1/{PROJECT}/batchaction/attachvolumes/v-3"),
    ("POST", f"{_SERVER}/s-2/attachvolume"),
    ("PUT", f"{_SERVER}/s-1/block_device/v-1"),
    ("POST", f"/v2/{PROJECT}/volumes/v-4/action"),
    ("POST", "/v3/auth/tokens"),
)
READS = (
    ("GET", f"{_SERVER}/detail"),
    ("GET", f"{_VOLUMES}/detail"),
    ("GET", "/v3/projects"),
    ("DELETE", f"{_SERVER}/s-9/detachvolume/v-1"),
)
PLACES = (
    ("GET", "/v1/{}/cloudservers/detail"),
    ("GET", f"{_SERVER}/{{}}"),
    ("GET", f"{_SERVER}/{{}}/block_device"),
    ("GET", f"{_SERVER}/s-1/block_device/{{}}"),
    ("DELETE", f"{_SERVER}/{{}}/detachvolume/v-1"),
    ("DELETE", f"{_SERVER}/s-2/detachvolume/{{}}"),
    ("GET", f"/v1/{PROJECT}/jobs/{{}}"),
    ("GET", f"{_VOLUMES}/{{}}"),
    ("POST", f"/v2/{PROJECT}/volumes/{{}}/action"),
    ("GET", "/{}/x"),
)
"""Where the words of a path go."""

Asked = tuple[str, str, bytes, tuple[str, bytes] | None]


def bodies() -> Iterator[Asked]:
    yield from ((*write, body, None) for write in WRITES for body in BODIES)


def queries() -> Iterator[Asked]:
    yield from ((verb, f"{path}?{query}", b"", None) for verb, path in READS for query in QUERIES)


def words() -> Iterator[Asked]:
    for verb, path in PLACES:
        for word in (*IDS, "detail"):
            yield verb, path.format(escaped(word)), b"", None


def headers() -> Iterator[Asked]:
    yield from ((verb, path, b"{}", header) for verb, path in WRITES[2:3] for header in HEADERS)


def send_all(ours: Asker, asked: Iterable[Asked]) -> Iterator[tuple[Asked, httpx.Response]]:
    """Send them in process, signed, and give each with its answer."""
    every = list(asked)

    async def go() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=ours.app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://sim") as client:
            return [await client.send(signed(client, one)) for one in every]

    yield from zip(every, asyncio.run(go()), strict=True)


def signed(client: httpx.AsyncClient, asked: Asked) -> httpx.Request:
    verb, path, body, header = asked
    sent = [] if header is None else [(header[0].encode(), header[1])]
    request = client.build_request(verb, path, content=body, headers=sent)
    sign_bytes(request)
    return request


@pytest.mark.parametrize("asked", [bodies, queries, words, headers], ids=lambda f: f.__name__)
def test_hostile_requests_are_answered_in_json_and_without_5xx(
    asked: type[Iterator[Asked]],
) -> None:
    ours = asker()
    wrong = [
        (one, reply.status_code, reply.content[:80])
        for one, reply in send_all(ours, asked())
        if (reply.status_code >= 500 and b"Ecs.0603" not in reply.content)
        or not reply.headers["content-type"].startswith("application/json")
    ]
    assert wrong == []
    assert ours.send("GET", "/_sim/world").status_code == 200
    assert ours.send("GET", "/_sim/requests").status_code == 200


CONTROLS = (
    *(b'{"advance":1e308}', b'{"advance":1e9}', b'{"advance":NaN}', b'{"advance":[1]}'),
    *(b'{"advance":1e400}', b'{"advance":"\\ud800"}', b'{"advance":1,"advance":1}'),
    *(
        b"--- 1\n--- 2",
        b"- " * 50_000,
        b"? " * 50_000,
        b"&a [*a]",
        b"{rules: &a [*a]}",
        b"*a",
        b"!!python/object:x {}",
        b"{[a]: b}",
    ),
    *(b'{"attach":[]}', b'{"attach":{"server":["s-1"],"volume":{}}}', b'{"detach":null}'),
    b'{"rules":[{"match":"* *","always":true,"answer":200,"retryAfter":"1\\r\\nx: y"}]}',
    b'{"rules":[{"match":"* *","always":true,"answer":200,"retryAfter":"\\u0000"}]}',
    b'{"rules":[{"match":"* *","always":true,"answer":204}]}',
    b'{"rules":[{"match":"* *","always":true,"answer":304}]}',
    b'{"rules":[{"match":"* *","always":true,"listing":{"stale":1e308}}]}',
    b'{"rules":[{"match":"* *","always":true,"job":{"slow":1e308}}]}',
    b'{"rules":[{"match":"* *","nth":1000000000000000000000,"answer":200}]}',
    b'{"seed":"\\ud800","rules":[]}',
)


@pytest.mark.parametrize("name", ["faults", "clock", "act"])
def test_hostile_control_requests_are_answered_and_the_simulator_goes_on(name: str) -> None:
    with over_a_socket(timeout_s=10.0) as (ours, client):
        for body in (*CONTROLS, *BODIES):
            reply = client.post(f"/_sim/{name}", content=body)
            assert reply.status_code in (200, 400, 409), (body[:100], reply.text)
            for path in ("/v2/{p}/cloudvolumes/detail", "/_sim/world") if body in CONTROLS else ():
                reply = client.send(ours.request(client, "GET", path, None))
                assert reply.status_code < 500, (body[:100], path)


LINES = (
    *(b"\x00", b"\xff\xfe /", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"get / HTTP/1.1\r\n\r\n"),
    b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"HEAD /v3/projects HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://elsewhere/v3/projects HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v3/projects HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    b"GET /v3/projects HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /v3/projects HTTP/1.1\r\nHost: x\r\nAuthorization: \xff\r\nX-Sdk-Date: \xff\r\n\r\n",
    b"GET /v3/projects HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    b"GET /v3/projects HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
)


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Asker, httpx.Client]]:
    with over_a_socket() as both:
        yield both


@pytest.mark.parametrize("line", LINES, ids=lambda line: repr(line[:40]))
def test_bytes_that_are_no_request_are_refused_by_the_server(
    pair: tuple[Asker, httpx.Client], line: bytes
) -> None:
    ours, client = pair
    address = ("127.0.0.1", client.base_url.port or 0)
    # It may hang up before all of a line is sent.
    with socket.create_connection(address, 2.0) as wire, suppress(ConnectionError):
        wire.sendall(line)
        wire.shutdown(socket.SHUT_WR)
        told = b"".join(iter(lambda: wire.recv(65536), b""))
        assert not told or told.startswith(b"HTTP/1.1 4"), told[:200]
    assert client.send(ours.request(client, "GET", "/v3/projects", None)).status_code == 200


def test_a_request_whose_sender_dies_in_the_middle_never_was_one(
    pair: tuple[Asker, httpx.Client],
) -> None:
    ours, client = pair
    before = client.get("/_sim/requests").json()["counts"]
    head = f"POST {_SERVER}/s-2/attachvolume HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\n"
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0), 2.0) as wire:
        wire.sendall(head.encode() + b'{"volume')
        assert client.send(ours.request(client, "GET", "/v3/projects", None)).status_code == 200
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(65536) == b"", "nobody is there to be answered"
    assert client.send(ours.request(client, "GET", "/v3/projects", None)).status_code == 200
    after = client.get("/_sim/requests").json()["counts"]
    assert after == before | {"reading": before["reading"] + 2}


def test_what_hostile_requests_leave_behind_can_be_written_and_read() -> None:
    clouds, clock = clouds_of(WORLD)
    ours = Asker(build(clouds), (clock,))
    for _ in send_all(ours, [*bodies(), *words()]):
        pass
    written = dump_world(clouds[0])
    assert written.encode().decode() == written
    assert [world.project_id for world in read_worlds(written, "left")] == [PROJECT]
    assert json.loads(json.dumps(ours.world())) == ours.world()
