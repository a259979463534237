"""What we say against what the vendor's SDK says for the same call, heard on loopback."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl

import httpx
import pytest

from reconciler.model.call import Call, Verb
from reconciler.providers.huawei_modelarts.conversations import HuaweiModelArts
from reconciler.providers.huawei_modelarts.site import Site

from .talks import PROJECT, key, server_id, volume_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.providers.talk import Conversation

SDK = "huaweicloudsdkmodelarts"
OPERATION = "c0ffee00-1234-4abc-8def-0123456789ab"
pytestmark = [
    pytest.mark.counterpart(SDK),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@dataclass(frozen=True)
class Heard:
    """One request as it arrived; the query as its pairs, the body as its JSON."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: object
    content_type: str
    project: str


class Ear(BaseHTTPRequestHandler):
    """Remembers every request and answers with an empty object."""

    def _hear(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        said = Heard(
            method=self.command,
            path=path,
            query=tuple(sorted(parse_qsl(query))),
            body=json.loads(content) if content else None,
            content_type=self.headers.get("Content-Type", "").lower(),
            project=self.headers.get("X-Project-Id", ""),
        )
        cast("EarServer", self.server).heard.append(said)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_DELETE = _hear  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


class EarServer(ThreadingHTTPServer):
    """A server that remembers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Ear)
        self.heard: list[Heard] = []


@contextmanager
def ear() -> Iterator[EarServer]:
    server = EarServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def theirs(address: str, call: str, **values: object) -> None:
    """Make one call with the SDK; an attach's `volume_id` is wrapped as its body wants it."""
    v1 = import_module(f"{SDK}.v1")
    credentials = import_module("huaweicloudsdkcore.auth.credentials").BasicCredentials
    signed = credentials("TESTACCESSKEY0000001", "TestSecretKeyNotReal", PROJECT)
    builder = v1.ModelArtsClient.new_builder().with_credentials(signed)
    if call == "attach_dev_server_volume":
        body = v1.AttachServerVolumeRequest(volume_id=values.pop("volume_id"))
        values["body"] = body
    name = "".join(part.title() for part in call.split("_"))
    getattr(builder.with_endpoints([address]).build(), call)(
        getattr(v1, f"{name}Request")(**values)
    )


def compared(
    says: Callable[[HuaweiModelArts], Conversation[object]], call: str, **values: object
) -> Heard:
    with ear() as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        theirs(address, call, **values)
        site = Site(scope="prod", modelarts=address, project=PROJECT)
        asked = next(says(HuaweiModelArts(site)))
        request = asked[0] if isinstance(asked, tuple) else asked
        request.headers["X-Project-Id"] = PROJECT
        with httpx.Client(trust_env=False) as client:
            client.send(request)
    expected, said = server.heard
    assert said == expected
    return said


def test_an_attach() -> None:
    call = Call(verb=Verb.ATTACH, keys=(key(),))
    said = compared(
        lambda says: says.submit(call),
        "attach_dev_server_volume",
        id=server_id(),
        volume_id=volume_id(),
    )
    assert said.body == {"volume_id": volume_id()}


def test_a_detach() -> None:
    call = Call(verb=Verb.DETACH, keys=(key(),))
    compared(
        lambda says: says.submit(call),
        "detach_dev_server_volume",
        id=server_id(),
        volume_id=volume_id(),
    )


def test_asking_after_an_operation() -> None:
    compared(
        lambda says: says.track(f"{server_id()}/{OPERATION}"),
        "get_dev_server_operation",
        id=server_id(),
        operation_id=OPERATION,
    )


def test_listing_servers() -> None:
    compared(HuaweiModelArts.list_live, "list_dev_servers", limit=1000, offset=0)


def test_looking_at_a_server() -> None:
    compared(lambda says: says.observe([key()]), "show_dev_server", id=server_id())
