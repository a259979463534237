"""Asking for changes: the requests, and what each answer says of what happened."""

from __future__ import annotations

import httpx
import pytest

from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Answer, Receipt
from reconciler.providers.samsung_virtualserver import errors

from .talks import HOST, SAYS, body, fault, gateway, hold, key, ok, urls

ATTACH = Call(verb=Verb.ATTACH, keys=(key(),))
DETACH = Call(verb=Verb.DETACH, keys=(key(),))
UPDATE = Call(verb=Verb.UPDATE, keys=(key(),), delete_on_termination=True)
ATTACHED = {
    "volume_id": "v1",
    "server_id": "s1",
    "device": "/dev/vdb",
    "delete_on_termination": False,
}


def test_an_attach_is_posted_to_the_volume_and_accepted_without_a_job() -> None:
    (request,), receipt = hold(SAYS.submit(ATTACH), ok(ATTACHED, 202, X_Request_Id="r-1"))
    assert urls([request]) == [f"POST {HOST}/v1/volumes/v1/servers"]
    assert body(request) == {"server_id": "s1"}
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Scp-Api-Version"] == "virtualserver 1.3"
    assert receipt == Receipt(answer=Answer.ACCEPTED, request_id="r-1")


@pytest.mark.parametrize("wanted", [True, False])
def test_an_attach_carries_what_shall_become_of_the_volume(*, wanted: bool) -> None:
    call = Call(verb=Verb.ATTACH, keys=(key(),), delete_on_termination=wanted)
    (request,), _ = hold(SAYS.submit(call), ok(ATTACHED, 202))
    assert body(request) == {"server_id": "s1", "delete_on_termination": wanted}


def test_a_device_that_is_wished_for_is_left_to_the_cloud() -> None:
    call = Call(verb=Verb.ATTACH, keys=(key(),), devices={key(): "/dev/vdz"})
    (request,), _ = hold(SAYS.submit(call), ok(ATTACHED, 202))
    assert body(request) == {"server_id": "s1"}


def test_a_detach_has_no_body_and_its_answer_neither() -> None:
    (request,), receipt = hold(SAYS.submit(DETACH), httpx.Response(202))
    assert urls([request]) == [f"DELETE {HOST}/v1/volumes/v1/servers/s1"]
    assert request.content == b""
    assert "Content-Type" not in request.headers
    assert receipt == Receipt(answer=Answer.ACCEPTED)


def test_an_update_repeats_the_id_in_its_body() -> None:
    (request,), receipt = hold(SAYS.submit(UPDATE), httpx.Response(200))
    assert urls([request]) == [f"PUT {HOST}/v1/servers/s1/volumes/v1"]
    assert body(request) == {"volume_id": "v1", "delete_on_termination": True}
    assert receipt == Receipt(answer=Answer.ACCEPTED)


def test_ids_are_escaped_in_a_path() -> None:
    call = Call(verb=Verb.DETACH, keys=(key("s/../x", "v 1"),))
    (request,), _ = hold(SAYS.submit(call), httpx.Response(202))
    assert request.url.raw_path == b"/v1/volumes/v%201/servers/s%2F..%2Fx"


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(Call(verb=Verb.DETACH, keys=()), id="about nothing"),
        pytest.param(Call(verb=Verb.DETACH, keys=(key("s1"), key("s2"))), id="a batch"),
        pytest.param(Call(verb=Verb.UPDATE, keys=(key(),)), id="an update without a value"),
        pytest.param(Call(verb=Verb.DESTROY, keys=(key(),)), id="a destroy"),
    ],
)
def test_a_call_of_another_form_is_a_broken_invariant(call: Call) -> None:
    with pytest.raises(AssertionError):
        hold(SAYS.submit(call), httpx.Response(202))


def test_there_are_no_jobs_to_ask_for() -> None:
    with pytest.raises(AssertionError, match="no jobs"):
        SAYS.track("job-1")


PAGE = httpx.Response(417, html="<html>Request Rejected</html>")
HUAWEIS = {"error": {"code": "Common.0024", "message": "The flow is over the limit."}}
RECEIPTS = [
    ("another volume was attached", ATTACH, ok({**ATTACHED, "volume_id": "v2"}, 202), "unknown"),
    ("an attach without a body", ATTACH, httpx.Response(202), "unknown"),
    ("an attach that is done at once isn't documented", ATTACH, ok(ATTACHED), "unknown"),
    ("a proxy's page with a 200", ATTACH, httpx.Response(200, html="<p>"), "unknown"),
    ("a detach with a body", DETACH, ok(HUAWEIS, 202), "unknown"),
    ("a detach with another success", DETACH, httpx.Response(204), "unknown"),
    ("a proxy's page for a detach", DETACH, httpx.Response(202, html="<p>"), "unknown"),
    ("an update that is only accepted", UPDATE, httpx.Response(202), "unknown"),
    ("an update with a page", UPDATE, httpx.Response(200, html="<p>"), "unknown"),
    ("a redirect", ATTACH, httpx.Response(302), "unknown"),
    ("a 500", DETACH, fault(500, code="ContactAdminForAssistance"), "unknown"),
    ("a 503", DETACH, httpx.Response(503), "unknown"),
    ("a timeout on their side", ATTACH, httpx.Response(408), "unknown"),
    ("the firewall", DETACH, PAGE, "unknown"),
    ("validation", ATTACH, ok([{"loc": ["body"], "msg": "m"}], 400), "refused look"),
    ("a state", DETACH, fault(400), "refused look"),
    ("no such volume or attachment", DETACH, fault(404), "refused look"),
    ("the gateway's 404", ATTACH, gateway(404), "refused look"),
    ("a status that nobody documented", ATTACH, httpx.Response(422), "refused look"),
    ("a conflict", ATTACH, fault(409), "busy look"),
    ("a conflict of the gateway", DETACH, gateway(409, "Conflict"), "busy look"),
    ("no permission for this action", DETACH, fault(403), "refused"),
    ("a wrong signature", DETACH, gateway(401, "Unauthorized"), "denied"),
    ("a version that isn't offered", ATTACH, fault(406, code="NoSuchVersion"), "denied"),
    ("too many requests", ATTACH, httpx.Response(429), "busy"),
]


@pytest.mark.parametrize(
    ("call", "response", "said"), [row[1:] for row in RECEIPTS], ids=[row[0] for row in RECEIPTS]
)
def test_an_answer_means(call: Call, response: httpx.Response, said: str) -> None:
    _, receipt = hold(SAYS.submit(call), response)
    assert f"{receipt.answer.value}{' look' if receipt.look else ''}" == said
    assert receipt.code
    assert receipt.message
    assert receipt.handle is None


def test_a_refusal_carries_the_clouds_own_words() -> None:
    _, receipt = hold(SAYS.submit(DETACH), fault(409, "volume is\nin motion"))
    assert receipt == Receipt(
        answer=Answer.BUSY,
        code="VirtualServer.SomeCode",
        message="volume is in motion",
        request_id="req-1",
        retry_after_s=40.0,
        look=True,
    )
    _, receipt = hold(SAYS.submit(DETACH), httpx.Response(429, headers={"Retry-After": "7"}))
    assert (receipt.code, receipt.retry_after_s) == ("http-429", 7.0)
    _, receipt = hold(SAYS.submit(ATTACH), fault(406))
    assert "`virtualserver 1.3` isn't offered" in receipt.message


@pytest.mark.parametrize(
    ("response", "name", "message"),
    [
        (ok({"errors": []}, 400), "http-400", '{"errors":[]}'),
        (ok({"errors": ["text"]}, 400), "http-400", '{"errors":["text"]}'),
        (fault(400, None), "VirtualServer.SomeCode", "Title"),
        (fault(400, detail=True), "VirtualServer.SomeCode", "Title"),
        (fault(400, ["one", 2]), "VirtualServer.SomeCode", '["one", 2]'),
        (ok([{"loc": "x", "msg": "m"}, 3], 400), "http-400", "x: m; 3"),
        (ok([{"msg": "m"}], 400), "http-400", "m"),
        (ok([], 400), "http-400", "[]"),
        (httpx.Response(400), "http-400", ""),
        (httpx.Response(400, content=b"\xff\x1b[31m"), "http-400", "� [31m"),
        (httpx.Response(400, content=b"[" * 100_000), "http-400", None),
    ],
)
def test_no_shape_of_an_error_is_too_strange(
    response: httpx.Response, name: str, message: str | None
) -> None:
    found = errors.fault(response)
    assert found.name == name
    assert message is None or found.message == message
    assert len(found.message) <= 300
