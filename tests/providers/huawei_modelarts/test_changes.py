"""Asking for changes and following operations: requests, codes and their meaning."""

from __future__ import annotations

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Answer, JobState, Receipt
from reconciler.providers.huawei_modelarts.errors import FAULTS

from .talks import SAYS, V1, body, error, hold, key, ok, server_id, urls, volume_id

OPERATION = "c0ffee00-1234-4abc-8def-0123456789ab"
HANDLE = f"{server_id()}/{OPERATION}"
ATTACH = Call(verb=Verb.ATTACH, keys=(key(),))
DETACH = Call(verb=Verb.DETACH, keys=(key(),))
VENDORS_SAMPLE = b"""{
    "operation_id": "UUID",
    "operation_status": "running",
    "operation_type": "node_detach_volume",
}"""


def operation(status: object = "running", **more: object) -> httpx.Response:
    told = {"operation_id": OPERATION, "operation_status": status, **more}
    return ok({**told, "operation_type": "node_attach_volume"}, X_Request_Id="r-1")


def test_an_attach_names_the_volume_and_nothing_else() -> None:
    (request,), receipt = hold(SAYS.submit(ATTACH), operation("pending"))
    assert urls([request]) == [f"POST {V1}/{server_id()}/attachvolume"]
    assert request.content == b'{"volume_id":"%s"}' % volume_id().encode()
    assert request.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert receipt == Receipt(answer=Answer.ACCEPTED, handle=HANDLE, request_id="r-1")


def test_a_device_is_never_sent() -> None:
    call = Call(verb=Verb.ATTACH, keys=(key(),), devices={key(): "/dev/vdc"})
    (request,), _ = hold(SAYS.submit(call), operation())
    assert body(request) == {"volume_id": volume_id()}


def test_a_detach_has_no_body_and_never_forces() -> None:
    (request,), receipt = hold(SAYS.submit(DETACH), operation())
    assert urls([request]) == [f"DELETE {V1}/{server_id()}/detachvolume/{volume_id()}"]
    assert request.content == b""
    assert request.headers["Content-Type"] == "application/json"
    assert receipt.handle == HANDLE


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(Call(verb=Verb.DETACH, keys=()), id="about nothing"),
        pytest.param(Call(verb=Verb.DETACH, keys=(key(1), key(2))), id="two servers"),
        pytest.param(
            Call(verb=Verb.UPDATE, keys=(key(),), delete_on_termination=True), id="an attribute"
        ),
        pytest.param(Call(verb=Verb.DESTROY, keys=(key(),)), id="a destroy"),
        pytest.param(
            Call(verb=Verb.DETACH, keys=(key()._replace(scope="other"),)), id="another scope"
        ),
    ],
)
def test_a_call_of_another_form_is_a_broken_invariant(call: Call) -> None:
    with pytest.raises(AssertionError):
        hold(SAYS.submit(call), operation())


@pytest.mark.parametrize("verb", [Verb.ATTACH, Verb.DETACH])
@pytest.mark.parametrize(
    "word",
    [
        pytest.param("datasets", id="a name"),
        pytest.param(volume_id().upper(), id="capitals"),
        pytest.param("1a2b3c4d-5e6f-6071-8293-a4b5c6d7e8f9", id="a version that isn't documented"),
        pytest.param("1a2b3c4d-5e6f-4071-c293-a4b5c6d7e8f9", id="another variant"),
        pytest.param(f"{volume_id()}\n", id="a line break behind it"),
        pytest.param("../../other/detachvolume/x", id="another path"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_documented_id_is_refused_without_a_request(verb: Verb, word: str) -> None:
    for broken in (key()._replace(volume_id=word), key()._replace(server_id=word)):
        asked, receipt = hold(SAYS.submit(Call(verb=verb, keys=(broken,))))
        assert asked == []
        assert (receipt.answer, receipt.code, receipt.look) == (
            Answer.REFUSED,
            "not-an-id",
            False,
        )


FAILED = {"code": "ModelArts.7000", "message": "attach volume failed: volume is in-use"}

RECEIPTS = [
    # why, call, answer of the cloud, answer of ours, whether the views are asked first
    ("an id without a status", ATTACH, operation(None), Answer.ACCEPTED, False),
    ("a status that nobody documents", ATTACH, operation("queued"), Answer.ACCEPTED, False),
    ("done at once", ATTACH, operation("success"), Answer.ACCEPTED, False),
    ("a null error", DETACH, operation(operation_error=None), Answer.ACCEPTED, False),
    ("an empty error", DETACH, operation(operation_error={}), Answer.ACCEPTED, False),
    ("an error in a 200", DETACH, operation(operation_error=FAILED), Answer.REFUSED, True),
    ("failed at once", DETACH, operation("failed", operation_error=FAILED), Answer.REFUSED, True),
    ("failed at once, in capitals", ATTACH, operation("FAILED"), Answer.REFUSED, True),
    (
        "an error without an operation",
        DETACH,
        ok({"operation_error": FAILED}),
        Answer.REFUSED,
        True,
    ),
    ("nothing in a 200", ATTACH, ok({}), Answer.UNKNOWN, False),
    ("no operation id", ATTACH, ok({"operation_status": "running"}), Answer.UNKNOWN, False),
    ("an id for another path", ATTACH, ok({"operation_id": "../x"}), Answer.UNKNOWN, False),
    ("an error code in a 200", ATTACH, error("ModelArts.0010", 200), Answer.UNKNOWN, False),
    ("a 204", DETACH, httpx.Response(204), Answer.UNKNOWN, False),
    (
        "the vendor's own sample isn't JSON",
        DETACH,
        httpx.Response(200, content=VENDORS_SAMPLE),
        Answer.UNKNOWN,
        False,
    ),
    ("a proxy's page", ATTACH, httpx.Response(200, html="<p>"), Answer.UNKNOWN, False),
    ("flow control with a 202", ATTACH, error("Common.0024", 202), Answer.BUSY, False),
    ("gateway throttling", ATTACH, error("APIGW.0308", 429), Answer.BUSY, False),
    ("throttling of the service", DETACH, error("ModelArts.6101", 429), Answer.BUSY, False),
    ("another operation, or so already", DETACH, error("ModelArts.6357"), Answer.BUSY, True),
    ("the server is starting", ATTACH, error("ModelArts.6306"), Answer.BUSY, True),
    ("the server is stopping", ATTACH, error("ModelArts.6308"), Answer.BUSY, True),
    ("the server initialises", ATTACH, error("ModelArts.6355"), Answer.BUSY, False),
    ("no such server, for an attach", ATTACH, error("ModelArts.6404"), Answer.REFUSED, True),
    ("no such server, for a detach", DETACH, error("ModelArts.6404"), Answer.REFUSED, True),
    ("the server is in another status", DETACH, error("ModelArts.6347"), Answer.REFUSED, True),
    ("a bare metal server", DETACH, error("ModelArts.7000"), Answer.REFUSED, True),
    ("a code that isn't in the table", DETACH, error("ModelArts.8888"), Answer.REFUSED, True),
    ("a 404 without a code", DETACH, httpx.Response(404), Answer.REFUSED, True),
    ("an invalid body", ATTACH, error("ModelArts.0104"), Answer.REFUSED, False),
    ("a quota", ATTACH, error("ModelArts.0118"), Answer.REFUSED, False),
    ("no right to do it", ATTACH, error("ModelArts.0112", 403), Answer.REFUSED, False),
    ("a frozen account", ATTACH, error("ModelArts.6201", 401), Answer.REFUSED, False),
    ("an internal error with a 400", ATTACH, error("ModelArts.6361"), Answer.UNKNOWN, False),
    ("a timeout of theirs", DETACH, error("ModelArts.6100", 408), Answer.UNKNOWN, False),
    ("an internal error", ATTACH, error("ModelArts.0010", 500), Answer.UNKNOWN, False),
    ("a bad gateway", ATTACH, httpx.Response(502, html="<h1>Bad</h1>"), Answer.UNKNOWN, False),
    ("a redirect", ATTACH, httpx.Response(307), Answer.UNKNOWN, False),
    ("a wrong signature", ATTACH, error("APIGW.0301", 401), Answer.DENIED, False),
    ("a token that ended", ATTACH, error("ModelArts.0202", 401), Answer.DENIED, False),
    ("0203 with a 401", ATTACH, error("ModelArts.0203", 401), Answer.DENIED, False),
    ("0203 with a 403", ATTACH, error("ModelArts.0203", 403), Answer.REFUSED, True),
]


@pytest.mark.parametrize(
    ("call", "response", "answer", "look"), [r[1:] for r in RECEIPTS], ids=[r[0] for r in RECEIPTS]
)
def test_an_answer_to_a_change_means(
    call: Call, response: httpx.Response, answer: Answer, *, look: bool
) -> None:
    asked, receipt = hold(SAYS.submit(call), response)
    assert len(asked) == 1
    assert (receipt.answer, receipt.look) == (answer, look)
    assert (receipt.handle is not None) is (answer is Answer.ACCEPTED)


def test_an_error_in_a_200_is_told_in_the_clouds_words() -> None:
    _, receipt = hold(SAYS.submit(ATTACH), operation("failed", operation_error=FAILED))
    assert (receipt.code, receipt.message, receipt.request_id) == (*FAILED.values(), "r-1")
    _, receipt = hold(SAYS.submit(ATTACH), operation("failed"))
    assert (receipt.code, receipt.message) == (
        "operation-failed",
        "the answer says that it failed, and not why",
    )


def test_a_refusal_is_told_in_the_clouds_words() -> None:
    said = error("ModelArts.6404", message="LiteServer instance 'x'\nnot found.", X_Request_Id="r")
    _, receipt = hold(SAYS.submit(ATTACH), said)
    assert receipt.code == "ModelArts.6404"
    assert receipt.message == "LiteServer instance 'x' not found."
    assert receipt.request_id == "r"


@pytest.mark.parametrize(
    ("response", "after_s"),
    [
        pytest.param(error("ModelArts.6355"), 60.0, id="initialising: a minute, as documented"),
        pytest.param(error("ModelArts.6355", Retry_After="5"), 5.0, id="unless it says otherwise"),
        pytest.param(error("ModelArts.6101", 429, Retry_After="7"), 7.0, id="as told"),
        pytest.param(error("ModelArts.6357"), 60.0, id="another operation: a minute, ours"),
        pytest.param(error("ModelArts.6306"), None, id="nothing told"),
    ],
)
def test_when_to_ask_again_is_passed_on(response: httpx.Response, after_s: float | None) -> None:
    assert hold(SAYS.submit(ATTACH), response)[1].retry_after_s == after_s


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("success", JobState.SUCCEEDED),
        ("failed", JobState.FAILED),
        ("SUCCESS", JobState.SUCCEEDED),
        ("Failed", JobState.FAILED),
        ("pending", JobState.RUNNING),
        ("running", JobState.RUNNING),
        ("a new word", JobState.RUNNING),
    ],
)
def test_an_operation_ends_only_with_a_known_word(word: str, said: JobState) -> None:
    (request,), progress = hold(SAYS.track(HANDLE), operation(word))
    assert urls([request]) == [f"GET {V1}/{server_id()}/operation/{OPERATION}"]
    assert (progress.state, progress.request_id) == (said, "r-1")
    assert (progress.code, progress.message, progress.parts) == ("", "", {})


def test_a_failed_operation_tells_why() -> None:
    _, progress = hold(SAYS.track(HANDLE), operation("failed", operation_error=FAILED))
    assert (progress.state, progress.code, progress.message) == (
        JobState.FAILED,
        *FAILED.values(),
    )


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(error("ModelArts.6404"), id="no such server"),
        pytest.param(error("ModelArts.6309"), id="no such instance"),
        pytest.param(httpx.Response(404), id="a 404"),
    ],
)
def test_an_operation_that_nobody_knows_is_gone(response: httpx.Response) -> None:
    _, progress = hold(SAYS.track(HANDLE), response)
    assert progress.state is JobState.GONE
    assert progress.code
    assert progress.message


@pytest.mark.parametrize(
    ("response", "retryable"),
    [
        pytest.param(error("ModelArts.8888"), False, id="a code that isn't in the table"),
        pytest.param(error("ModelArts.6101", 429), True, id="throttled"),
        pytest.param(httpx.Response(500), True, id="a server error"),
        pytest.param(ok({"operation_id": OPERATION}), True, id="no status"),
        pytest.param(httpx.Response(200, content=VENDORS_SAMPLE), True, id="no JSON"),
        pytest.param(error("APIGW.0301", 401), False, id="denied"),
    ],
)
def test_a_question_that_fails_raises(response: httpx.Response, *, retryable: bool) -> None:
    with pytest.raises(ProviderError) as raised:
        hold(SAYS.track(HANDLE), response)
    assert raised.value.retryable is retryable


@pytest.mark.parametrize(
    ("response", "slow"),
    [
        (error("APIGW.0308", 429), True),
        (error("ModelArts.6101", 429), True),
        (error("Common.0024", 202), True),
        (error("ModelArts.6357"), False),
        (error("ModelArts.6355"), False),
        (operation(), False),
    ],
)
def test_only_throttling_slows_the_whole_scope(response: httpx.Response, *, slow: bool) -> None:
    assert FAULTS.throttled(response) is slow
