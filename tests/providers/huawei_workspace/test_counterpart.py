"""What we say against what the vendor's SDK says for the same call, heard on loopback."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from reconciler.model.call import Call, Verb
from reconciler.providers.huawei_workspace.conversations import HuaweiWorkspace
from reconciler.providers.huawei_workspace.site import Site

from .talks import PROJECT, key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from reconciler.providers.talk import Conversation

pytestmark = [
    pytest.mark.counterpart("huaweicloudsdkworkspace"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
PACKAGE = "huaweicloudsdkworkspace.v2"


@dataclass(frozen=True)
class Heard:
    """One request as it arrived; the query as its sorted bytes, the body as its JSON."""

    method: str
    path: str
    query: tuple[str, ...]
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
            query=tuple(sorted(query.split("&"))),
            body=json.loads(content) if content else None,
            content_type=self.headers.get("Content-Type", ""),
            project=self.headers.get("X-Project-Id", ""),
        )
        cast("EarServer", self.server).heard.append(said)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = _hear  # noqa: N815 - the names that http.server calls

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


def models() -> ModuleType:
    return import_module(PACKAGE)


def theirs(address: str, call: str, **values: object) -> None:
    """Make one call with the SDK."""
    credentials = import_module("huaweicloudsdkcore.auth.credentials").BasicCredentials
    signed = credentials("TESTACCESSKEY0000001", "TestSecretKeyNotReal", PROJECT)
    builder = models().WorkspaceClient.new_builder().with_credentials(signed)
    client = builder.with_endpoints([address]).build()
    name = "".join(part.title() for part in call.split("_"))
    getattr(client, call)(getattr(models(), f"{name}Request")(**values))


def ours(address: str, says: Callable[[HuaweiWorkspace], Conversation[object]]) -> None:
    """Send the first request of a conversation."""
    site = Site(scope="desks", workspace=address, project=PROJECT)
    asked = next(says(HuaweiWorkspace(site)))
    request = asked[0] if isinstance(asked, tuple) else asked
    request.headers["X-Project-Id"] = PROJECT
    with httpx.Client(trust_env=False) as client:
        client.send(request)


def compared(
    says: Callable[[HuaweiWorkspace], Conversation[object]], call: str, **values: object
) -> Heard:
    with ear() as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        theirs(address, call, **values)
        ours(address, says)
    expected, said = server.heard
    assert said == expected
    return said


def test_deleting_disks() -> None:
    call = Call(verb=Verb.DESTROY, keys=(key("d1", "v1"), key("d1", "v2")))
    said = compared(
        lambda says: says.submit(call),
        "delete_desktop_volumes",
        desktop_id="d1",
        body=models().DeleteVolumesReq(volume_ids=["v1", "v2"]),
    )
    assert said.content_type == "application/json"


def test_asking_after_a_job() -> None:
    said = compared(lambda says: says.track("job-1"), "show_job", job_id="job-1")
    assert said.content_type == "application/json"


def test_listing_desktops() -> None:
    compared(
        HuaweiWorkspace.list_live,
        "list_desktops_detail",
        limit=500,
        offset=0,
        sort_field="created",
        sort_type="ASC",
    )


def test_looking_at_a_desktop_by_its_id() -> None:
    compared(
        lambda says: says.observe([key("a")]), "list_desktops_detail", limit=500, desktop_id=["a"]
    )


def test_several_ids_are_written_as_the_reference_says_and_not_as_the_sdk_does() -> None:
    keys = [key("a", "v1"), key("b", "v2")]
    with ear() as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        theirs(address, "list_desktops_detail", limit=500, desktop_id=["a", "b"])
        ours(address, lambda says: says.observe(keys))
    expected, said = server.heard
    assert expected.query == ("desktop_id=a", "desktop_id=b", "limit=500")
    assert said.query == ("desktop_id=a%2Cb", "limit=500")
    assert replace(said, query=()) == replace(expected, query=())


def test_showing_a_desktop_that_a_look_lacks() -> None:
    def second(says: HuaweiWorkspace) -> Conversation[object]:
        talk = says.observe([key("a")])
        next(talk)
        asked = talk.send((httpx.Response(200, json={"total_count": 0, "desktops": []}),))
        yield asked
        return None

    compared(second, "show_desktop_detail", desktop_id="a")
