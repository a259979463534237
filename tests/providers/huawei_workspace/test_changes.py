"""Asking for deletions and following jobs: requests, codes and their meaning."""

from __future__ import annotations

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Answer, JobState, Receipt

from .talks import SAYS, V2, body, error, hold, key, ok, urls

JOB = ok({"job_id": "job-1"})
DESTROY = Call(verb=Verb.DESTROY, keys=(key(),))


def test_disks_of_one_desktop_go_in_one_call() -> None:
    keys = tuple(key("d1", f"v{number:02}") for number in range(10))
    call = Call(verb=Verb.DESTROY, keys=keys)
    (request,), receipt = hold(SAYS.submit(call), ok({"job_id": "job-1"}, X_Request_Id="r-1"))
    assert urls([request]) == [f"POST {V2}/desktops/d1/volumes/batch-delete"]
    assert body(request) == {"volume_ids": [f"v{number:02}" for number in range(10)]}
    assert request.headers["Content-Type"] == "application/json"
    assert receipt == Receipt(answer=Answer.ACCEPTED, handle="job-1", request_id="r-1")


def test_every_read_says_its_content_type_too() -> None:
    for talk in (SAYS.track("job-1"), SAYS.list_live(), SAYS.observe([key()])):
        asked = next(talk)
        for request in asked if isinstance(asked, tuple) else (asked,):
            assert request.headers["Content-Type"] == "application/json"


def test_ids_are_escaped_in_a_path() -> None:
    call = Call(verb=Verb.DESTROY, keys=(key("d/../x"),))
    (request,), _ = hold(SAYS.submit(call), JOB)
    assert request.url.raw_path.endswith(b"/desktops/d%2F..%2Fx/volumes/batch-delete")


@pytest.mark.parametrize(
    "call",
    [
        *(
            pytest.param(Call(verb=verb, keys=(key(),), delete_on_termination=True), id=verb.value)
            for verb in (Verb.ATTACH, Verb.DETACH, Verb.UPDATE)
        ),
        pytest.param(Call(verb=Verb.DESTROY, keys=()), id="about nothing"),
        pytest.param(Call(verb=Verb.DESTROY, keys=(key("d1", ""),)), id="a disk without an id"),
        pytest.param(Call(verb=Verb.DESTROY, keys=(key(), key())), id="a disk twice"),
        pytest.param(Call(verb=Verb.DESTROY, keys=(key("d1"), key("d2", "v2"))), id="two desktops"),
        pytest.param(
            Call(verb=Verb.DESTROY, keys=tuple(key("d1", f"v{n:02}") for n in range(11))),
            id="11 disks",
        ),
    ],
)
def test_a_call_of_another_form_is_a_broken_invariant(call: Call) -> None:
    with pytest.raises(AssertionError):
        hold(SAYS.submit(call), JOB)


RECEIPTS = [
    ("an answer without a job may have happened", ok({}), Answer.UNKNOWN, False),
    ("an empty job", ok({"job_id": ""}), Answer.UNKNOWN, False),
    ("a job of a form that no path takes", ok({"job_id": "../x"}), Answer.UNKNOWN, False),
    ("a 204", httpx.Response(204), Answer.UNKNOWN, False),
    ("a proxy's page with a 200", httpx.Response(200, html="<p>"), Answer.UNKNOWN, False),
    ("a 200 that says conflict", error("WKS.00010032", 200), Answer.BUSY, False),
    ("a 200 that says who knows what", error("WKS.00010109", 200), Answer.UNKNOWN, False),
    ("a 200 with a code that nobody documents", error("WKS.9", 200), Answer.UNKNOWN, False),
    ("a 200 that says not opened", error("WKS.00010099", 200), Answer.REFUSED, False),
    ("the desktop is rebooting", error("WKS.00010032", 409), Answer.BUSY, False),
    ("its disks are being changed", error("WKS.0407"), Answer.BUSY, False),
    ("a 404 may mean gone already", error("WKS.00000404", 404), Answer.REFUSED, True),
    ("a 404 that says nothing", httpx.Response(404), Answer.REFUSED, True),
    ("a 400 that nobody documents", error("WKS.00211102"), Answer.REFUSED, True),
    ("an ambiguous code", error("WKS.0001"), Answer.REFUSED, True),
    ("another conflict", error("WKS.00000409", 409), Answer.REFUSED, True),
    ("Workspace isn't opened", error("WKS.00010099"), Answer.REFUSED, False),
    ("no right to do it", error("WKS.00000403", 403), Answer.REFUSED, True),
    ("a wrong signature", error("APIGW.0301", 401), Answer.DENIED, False),
    ("a 401 without a code", ok({}, 401), Answer.DENIED, False),
    ("gateway throttling", error("APIGW.0308", 429), Answer.BUSY, False),
    ("gateway throttling of another region", error("APIG.0308", 429), Answer.BUSY, False),
    ("a 429 that says nothing", httpx.Response(429), Answer.BUSY, False),
    ("the database could not be asked", error("WKS.00000003", 500), Answer.UNKNOWN, False),
    ("a 500", error("WKS.00000500", 500), Answer.UNKNOWN, False),
    ("a bad gateway's page", httpx.Response(502, html="<h1>Bad</h1>"), Answer.UNKNOWN, False),
    ("a 503 that says nothing", httpx.Response(503), Answer.UNKNOWN, False),
    ("a redirect", httpx.Response(307), Answer.UNKNOWN, False),
]


@pytest.mark.parametrize(
    ("response", "answer", "look"), [row[1:] for row in RECEIPTS], ids=[row[0] for row in RECEIPTS]
)
def test_an_answer_to_a_deletion_means(
    response: httpx.Response, answer: Answer, *, look: bool
) -> None:
    _, receipt = hold(SAYS.submit(DESTROY), response)
    assert (receipt.answer, receipt.look) == (answer, look)
    assert receipt.handle is None
    assert receipt.code


def test_an_error_beside_a_job_leaves_it_to_the_job() -> None:
    told = {"job_id": "job-1", "error_code": "WKS.00010032", "error_msg": "words"}
    _, receipt = hold(SAYS.submit(DESTROY), ok(told))
    assert (receipt.answer, receipt.handle) == (Answer.UNKNOWN, "job-1")
    assert (receipt.code, receipt.message) == ("WKS.00010032", "words")


@pytest.mark.parametrize(
    ("response", "after_s"),
    [
        pytest.param(error("WKS.0407"), 300.0, id="disks at work: five minutes"),
        pytest.param(error("WKS.0407", Retry_After="20"), 20.0, id="unless it says otherwise"),
        pytest.param(error("WKS.00010032", 409), None, id="a conflict names no time"),
        pytest.param(error("APIGW.0308", 429, Retry_After="7"), 7.0, id="as told"),
    ],
)
def test_when_to_ask_again_is_passed_on(response: httpx.Response, after_s: float | None) -> None:
    assert hold(SAYS.submit(DESTROY), response)[1].retry_after_s == after_s


def test_the_clouds_words_are_one_bounded_line() -> None:
    told = error("WKS.00010032", 409, "a\x1b[31m\n\tb" + "x" * 1000)
    _, receipt = hold(SAYS.submit(DESTROY), told)
    assert receipt.message.startswith("a [31m b")
    assert len(receipt.message) == 300


def part(status: str, desktop_id: str | None = "d1", reason: str = "") -> dict[str, object]:
    entities = None if desktop_id is None else {"desktop_id": desktop_id, "desktop_name": "n"}
    return {
        "status": status,
        "entities": entities,
        "end_time": "2026-01-22 04:01:39",
        "error_code": "WKS.00010032" if reason else None,
        "fail_reason": reason or None,
    }


def job(status: str | None, *parts: dict[str, object], **more: object) -> httpx.Response:
    told = {"id": "job-1", "job_type": "deleteVolumes", "status": status, "sub_jobs": parts}
    return ok({**told, "sub_jobs_total": len(parts), **more}, X_Request_Id="r-3")


DONE, FAILED, RUNS = part("SUCCESS"), part("FAILED", reason="not now"), part("RUNNING")
JOBS = [
    ("all its parts succeeded", job("SUCCESS", DONE, DONE), JobState.SUCCEEDED),
    ("COMPLETE is another word for it", job("COMPLETE", DONE), JobState.SUCCEEDED),
    ("in lower case too", job("success", part("success")), JobState.SUCCEEDED),
    ("success, and yet a part failed", job("SUCCESS", DONE, FAILED), JobState.FAILED),
    ("complete, and yet a part failed", job("COMPLETE", FAILED), JobState.FAILED),
    ("success, and a part still runs", job("SUCCESS", DONE, RUNS), JobState.RUNNING),
    ("success, and a part waits", job("SUCCESS", part("WAITING")), JobState.RUNNING),
    ("success, and no parts yet", job("SUCCESS"), JobState.RUNNING),
    ("success, and null for parts", job("SUCCESS", sub_jobs=None), JobState.RUNNING),
    ("success, and parts missing", job("SUCCESS", DONE, sub_jobs_total=2), JobState.RUNNING),
    ("no word at all", job(""), JobState.RUNNING),
    ("null", job(None, DONE), JobState.RUNNING),
    ("a new word", job("DISPATCHED", DONE), JobState.RUNNING),
    ("it runs, and a part failed already", job("RUNNING", FAILED, RUNS), JobState.RUNNING),
    ("FAIL", job("FAIL", FAILED), JobState.FAILED),
    ("FAILED", job("FAILED", RUNS), JobState.FAILED),
]


@pytest.mark.parametrize(
    ("response", "state"), [row[1:] for row in JOBS], ids=[row[0] for row in JOBS]
)
def test_a_job_succeeded_when_every_part_did(response: httpx.Response, state: JobState) -> None:
    (request,), progress = hold(SAYS.track("job-1"), response)
    assert urls([request]) == [f"GET {V2}/workspace-jobs/job-1"]
    assert (progress.state, progress.request_id) == (state, "r-3")


def test_a_failed_job_tells_what_its_part_said() -> None:
    parts = (part("SUCCESS", "d2"), FAILED, part("SUCCESS", "d1"), part("RUNNING", None))
    told = job("FAIL", *parts, job_error_code="WKS.1", fail_reason="sub job failed")
    _, progress = hold(SAYS.track("job-1"), told)
    assert (progress.code, progress.message) == ("WKS.00010032", "not now")
    by_desktop = {name: (each.state, each.message) for name, each in progress.parts.items()}
    assert by_desktop == {"d1": (JobState.FAILED, "not now"), "d2": (JobState.SUCCEEDED, "")}


def test_a_failed_job_without_parts_tells_its_own_words() -> None:
    told = job("FAIL", job_error_code="WKS.1", fail_reason="no")
    _, progress = hold(SAYS.track("job-1"), told)
    assert (progress.code, progress.message, progress.parts) == ("WKS.1", "no", {})


@pytest.mark.parametrize("response", [httpx.Response(404), error("WKS.00000404", 404)])
def test_a_job_that_nobody_knows_is_gone(response: httpx.Response) -> None:
    assert hold(SAYS.track("job-1"), response)[1].state is JobState.GONE


@pytest.mark.parametrize(
    ("response", "retryable"),
    [
        pytest.param(httpx.Response(502), True, id="a bad gateway"),
        pytest.param(ok({}), True, id="an answer that names no job"),
        pytest.param(error("WKS.00010306", 200), True, id="an error with a 200"),
        pytest.param(httpx.Response(200, html="<p>"), True, id="a page"),
        pytest.param(error("WKS.1", 400), False, id="a refusal"),
        pytest.param(error("WKS.1", 403), False, id="forbidden"),
    ],
)
def test_a_question_that_failed_says_nothing_of_the_job(
    response: httpx.Response, *, retryable: bool
) -> None:
    with pytest.raises(ProviderError) as raised:
        hold(SAYS.track("job-1"), response)
    assert raised.value.retryable is retryable
