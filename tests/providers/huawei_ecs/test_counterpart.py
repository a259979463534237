"""What we say against what the vendor's SDK says for the same call, heard on loopback."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from reconciler.model.call import Call, Verb
from reconciler.providers.huawei_ecs.conversations import HuaweiEcs
from reconciler.providers.huawei_ecs.site import Site

from .talks import PROJECT, key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from reconciler.providers.talk import Conversation

pytestmark = [pytest.mark.counterpart, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@dataclass(frozen=True)
class Heard:
    """One request as it arrived; the query as its bytes, the body as its JSON."""

    method: str
    path: str
    body: object
    content_type: str
    project: str


class Ear(BaseHTTPRequestHandler):
    """Remembers every request and answers with an empty object."""

    heard: list[Heard]

    def _hear(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = Heard(
            method=self.command,
            path=self.path,
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

    do_GET = do_POST = do_PUT = do_DELETE = _hear  # noqa: N815 - the names that http.server calls

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


def theirs(address: str, product: str, version: str, call: str, **values: object) -> None:
    """Make one call with the SDK; `body` is a constructor of its body."""
    package = f"huaweicloudsdk{product}.{version}"
    credentials = import_module("huaweicloudsdkcore.auth.credentials").BasicCredentials
    client_class = getattr(import_module(package), f"{product.title()}Client")
    signed = credentials("TESTACCESSKEY0000001", "TestSecretKeyNotReal", PROJECT)
    client = client_class.new_builder().with_credentials(signed).with_endpoints([address]).build()
    name = "".join(part.title() for part in call.split("_"))
    request = getattr(import_module(package), f"{name}Request")(**values)
    getattr(client, call)(request)


def ours(address: str, says: Callable[[HuaweiEcs], Conversation[object]], number: int = 0) -> None:
    """Send the first request (of a tuple: that one) of a conversation."""
    site = Site(scope="prod", ecs=address, evs=address, project=PROJECT)
    asked = next(says(HuaweiEcs(site)))
    request = asked[number] if isinstance(asked, tuple) else asked
    request.headers["X-Project-Id"] = PROJECT
    with httpx.Client(trust_env=False) as client:
        client.send(request)


def models(product: str, version: str) -> ModuleType:
    return import_module(f"huaweicloudsdk{product}.{version}")


def compared(
    says: Callable[[HuaweiEcs], Conversation[object]],
    call: str,
    *,
    number: int = 0,
    product: str = "ecs",
    **values: object,
) -> Heard:
    with ear() as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        theirs(address, product, "v2", call, **values)
        ours(address, says, number)
    expected, said = server.heard
    assert said == expected
    return said


def test_a_single_attach() -> None:
    v2 = models("ecs", "v2")
    wanted = v2.AttachServerVolumeOption(volume_id="v1", device="/dev/vdb")
    call = Call(verb=Verb.ATTACH, keys=(key(),), devices={key(): "/dev/vdb"})
    compared(
        lambda says: says.submit(call),
        "attach_server_volume",
        server_id="s1",
        body=v2.AttachServerVolumeRequestBody(volume_attachment=wanted),
    )


def test_a_single_detach() -> None:
    call = Call(verb=Verb.DETACH, keys=(key(),))
    compared(lambda says: says.submit(call), "detach_server_volume", server_id="s1", volume_id="v1")


def test_a_batch_attach() -> None:
    v2 = models("ecs", "v2")
    keys = (key("s1"), key("s2"))
    call = Call(verb=Verb.ATTACH, keys=keys, devices={keys[0]: "/dev/vdb"})
    option = v2.BatchAttachSharableVolumesOption
    rows = [option(server_id="s1", device="/dev/vdb"), option(server_id="s2")]
    compared(
        lambda says: says.submit(call),
        "batch_attach_sharable_volumes",
        volume_id="v1",
        body=v2.BatchAttachSharableVolumesRequestBody(serverinfo=rows),
    )


def test_a_batch_detach() -> None:
    v2 = models("ecs", "v2")
    call = Call(verb=Verb.DETACH, keys=(key("s1"), key("s2")))
    compared(
        lambda says: says.submit(call),
        "batch_detach_volumes",
        volume_id="v1",
        body=v2.VolumeBatchDetachRequest(serverinfo=["s1", "s2"]),
    )


def test_setting_delete_on_termination() -> None:
    v2 = models("ecs", "v2")
    call = Call(verb=Verb.UPDATE, keys=(key(),), delete_on_termination=True)
    option = v2.UpdateServerBlockDeviceOption(delete_on_termination=True)
    compared(
        lambda says: says.submit(call),
        "update_server_block_device",
        server_id="s1",
        volume_id="v1",
        body=v2.UpdateServerBlockDeviceReq(block_device=option),
    )


def test_asking_after_a_job() -> None:
    compared(lambda says: says.track("job-1"), "show_job", job_id="job-1")


def test_listing_volumes() -> None:
    said = compared(HuaweiEcs.list_live, "list_volumes", product="evs", limit=1000, offset=0)
    assert said.path == f"/v2/{PROJECT}/cloudvolumes/detail?limit=1000&offset=0"


def test_listing_servers() -> None:
    compared(HuaweiEcs.list_live, "list_servers_details", number=1, limit=1000, offset=1)


def test_looking_at_volumes_by_their_ids() -> None:
    keys = [key("s1", "a"), key("s1", "b")]
    said = compared(lambda says: says.observe(keys), "list_volumes", product="evs", ids="['a','b']")
    assert said.path.endswith("?ids=%5B%27a%27%2C%27b%27%5D")


def test_looking_at_servers_by_their_ids() -> None:
    keys = [key("a", "v"), key("b", "v")]
    compared(
        lambda says: says.observe(keys),
        "list_servers_details",
        number=1,
        limit=1000,
        server_id="a,b",
    )


def test_asking_a_server() -> None:
    compared(lambda says: says.ask(["s1"], []), "list_server_block_devices", server_id="s1")
