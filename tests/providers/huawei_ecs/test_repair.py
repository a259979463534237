"""Asking a server for one volume, and asking EVS to forget one attachment."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.attachment import View, Witness
from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Answer, Receipt
from reconciler.providers.breaker import Fuse
from reconciler.providers.http import open_line
from reconciler.providers.huawei_ecs.errors import FAULTS
from reconciler.providers.huawei_ecs.resetting import ResettingProvider
from reconciler.providers.proof import Signed
from reconciler.providers.spec import Opening
from tests.providers.edge import NOW, Numbered, RecordingPace

from .talks import ECS, EVS, PROJECT, SAYS, body, hold, key, ok, servers, urls, volume_row, volumes

if TYPE_CHECKING:
    from collections.abc import Callable

ATTACHMENT = "d8777f54-84cf-4809-a679-468ffed56cf1"
ABSENT = json.dumps({"itemNotFound": {"message": "No volume Block Device Mapping", "code": 404}})
ELSE = json.dumps({"badRequest": {"message": "no", "code": 400}})


def disk(volume: str = "v1", server: str = "s1") -> httpx.Response:
    return ok({"volumeAttachment": {"id": volume, "volumeId": volume, "serverId": server}})


def error(code: str, status: int = 400, message: str = "m") -> httpx.Response:
    return ok({"error": {"code": code, "message": message}}, status)


def cinder(kind: str, status: int) -> httpx.Response:
    return ok({kind: {"code": status, "message": "m"}}, status)


WITNESSES = [
    ("it has it", disk(), Witness.PRESENT),
    ("another volume is no answer", disk(volume="v2"), Witness.UNCLEAR),
    ("another server is no answer", disk(server="s2"), Witness.UNCLEAR),
    ("Nova's itemNotFound", error("Ecs.1000", 400, ABSENT), Witness.ABSENT),
    ("no such server", error("Ecs.0114", 404), Witness.SERVER_GONE),
    ("the same by its other code", error("Ecs.0614", 404), Witness.SERVER_GONE),
    ("an unknown 404 may be anything", error("Ecs.9999", 404), Witness.UNCLEAR),
    ("a page with a 404", httpx.Response(404, html="<p>"), Witness.UNCLEAR),
    ("not attached, by the code of a detach", error("Ecs.0111"), Witness.UNCLEAR),
    ("a refusal", error("Ecs.0005"), Witness.UNCLEAR),
    ("a policy says no", error("Ecs.0003", 403), Witness.UNCLEAR),
]


@pytest.mark.parametrize(
    ("answer", "said"), [row[1:] for row in WITNESSES], ids=[row[0] for row in WITNESSES]
)
def test_a_server_has_it_or_not_or_is_gone(answer: httpx.Response, said: Witness) -> None:
    asked, told = hold(SAYS.witness(key()), answer)
    assert urls(asked) == [f"GET {ECS}/v1/{PROJECT}/cloudservers/s1/block_device/v1"]
    assert told is said


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(error("Ecs.1000", 400, ELSE), id="Nova failed otherwise"),
        pytest.param(error("APIGW.0308", 429), id="too fast"),
        pytest.param(error("APIGW.0301", 401), id="a wrong key"),
        pytest.param(httpx.Response(502, html="<p>"), id="a gateway"),
        pytest.param(ok({}), id="no disk in it"),
        pytest.param(httpx.Response(200, html="<p>"), id="a page"),
        pytest.param(httpx.Response(302), id="a redirect"),
    ],
)
def test_a_question_that_failed_says_nothing(answer: httpx.Response) -> None:
    with pytest.raises(ProviderError):
        hold(SAYS.witness(key()), answer)


RECEIPTS = [
    ("an empty 202", httpx.Response(202), Answer.ACCEPTED, False),
    ("flow control with a 202", error("Common.0024", 202), Answer.BUSY, False),
    ("a 202 that says something", httpx.Response(202, html="<p>"), Answer.UNKNOWN, False),
    ("a 200", httpx.Response(200), Answer.UNKNOWN, False),
    ("Cinder: another attachment id", cinder("conflictingRequest", 409), Answer.REFUSED, True),
    ("Cinder: an id that is none", cinder("badRequest", 400), Answer.REFUSED, True),
    ("Cinder: an unknown volume", cinder("itemNotFound", 404), Answer.REFUSED, True),
    ("EVS: the same", error("EVS.5404", 404), Answer.REFUSED, True),
    ("EVS: error_detaching, with a 500", error("EVS.2021", 500), Answer.REFUSED, True),
    ("Cinder: Nova can't be asked", cinder("computeFault", 500), Answer.UNKNOWN, False),
    ("EVS: internal error", error("EVS.5500", 500), Answer.UNKNOWN, False),
    ("a gateway", httpx.Response(504, html="<p>"), Answer.UNKNOWN, False),
    ("too fast", error("APIGW.0308", 429), Answer.BUSY, False),
    ("a wrong key", error("APIGW.0301", 401), Answer.DENIED, False),
]


@pytest.mark.parametrize(
    ("answer", "said", "look"), [row[1:] for row in RECEIPTS], ids=[row[0] for row in RECEIPTS]
)
def test_what_evs_answers_to_a_reset(answer: httpx.Response, said: Answer, look: bool) -> None:  # noqa: FBT001 - a column
    asked, receipt = hold(SAYS.reset(key(), ATTACHMENT), answer)
    assert urls(asked) == [f"POST {EVS}/v2/{PROJECT}/volumes/v1/action"]
    assert body(asked[0]) == {"os-detach": {"attachment_id": ATTACHMENT}}
    assert (receipt.answer, receipt.look, receipt.handle) == (said, look, None)


def test_a_reset_without_an_attachment_id_is_a_broken_invariant() -> None:
    with pytest.raises(AssertionError):
        hold(SAYS.reset(key(), ""), httpx.Response(202))


def test_a_plan_can_never_ask_for_one() -> None:
    with pytest.raises(AssertionError):
        hold(SAYS.submit(Call(verb=Verb.RESET, keys=(key(),))), httpx.Response(202))


def test_the_storage_view_tells_the_attachment_id() -> None:
    row = {"server_id": "s1", "attachment_id": ATTACHMENT, "device": "/dev/vdb"}
    bare = {"server_id": "s2", "attachment_id": None}
    seen = volumes(volume_row("v1", attachments=[row, bare], multiattach=True))
    _, live = hold(SAYS.observe((key("s1"), key("s2"))), (seen, servers()))
    assert live.observed[key("s1")].sightings[View.STORAGE].attachment_id == ATTACHMENT
    assert live.observed[key("s2")].sightings[View.STORAGE].attachment_id is None


def _provider(handler: Callable[[httpx.Request], httpx.Response]) -> ResettingProvider:
    opening = Opening(
        scope="prod",
        region="r1",
        pace=RecordingPace(),
        utc_now=lambda: NOW,
        transport=httpx.MockTransport(handler),
    )
    proof = Signed(auth=Numbered(), secret="s", fuse=Fuse(), denial=FAULTS.denial)
    return ResettingProvider(SAYS, open_line(opening, proof, FAULTS.throttled))


def _breaks(error: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    return handler


@pytest.mark.parametrize(
    ("error", "said"),
    [(httpx.ConnectError, Answer.BUSY), (httpx.ReadTimeout, Answer.UNKNOWN)],
    ids=["not sent", "no answer"],
)
def test_at_the_edge_a_reset_never_raises(error: type[httpx.TransportError], said: Answer) -> None:
    async def story() -> Receipt:
        provider = _provider(_breaks(error))
        try:
            return await provider.reset(key(), ATTACHMENT)
        finally:
            await provider.aclose()

    assert asyncio.run(story()).answer is said


def test_at_the_edge_a_witness_is_a_read() -> None:
    async def story() -> Witness:
        provider = _provider(lambda _: disk())
        try:
            return await provider.witness(key())
        finally:
            await provider.aclose()

    assert asyncio.run(story()) is Witness.PRESENT
