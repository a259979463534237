"""Asking for changes, following jobs and counting slots: requests, codes and their meaning."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.call import Call, Verb
from reconciler.model.finding import FindingsError
from reconciler.model.live import ServerWord, Words
from reconciler.model.outcome import Answer, JobState, Receipt
from reconciler.providers.huawei_ecs.errors import FAULTS
from reconciler.providers.huawei_iam import find_project

from .talks import ECS, EVS, PROJECT, SAYS, body, hold, key, ok, urls

V1 = f"{ECS}/v1/{PROJECT}"
V2 = f"{EVS}/v2/{PROJECT}"
JOB = ok({"job_id": "job-1"})
ATTACH = Call(verb=Verb.ATTACH, keys=(key(),))
DETACH = Call(verb=Verb.DETACH, keys=(key(),))
UPDATE = Call(verb=Verb.UPDATE, keys=(key(),), delete_on_termination=True)


def test_one_attach_names_the_volume_and_its_device() -> None:
    call = Call(verb=Verb.ATTACH, keys=(key(),), devices={key(): "/dev/vdc"})
    (request,), receipt = hold(SAYS.submit(call), ok({"job_id": "job-1"}, X_Request_Id="r-1"))
    assert urls([request]) == [f"POST {V1}/cloudservers/s1/attachvolume"]
    assert body(request) == {"volumeAttachment": {"volumeId": "v1", "device": "/dev/vdc"}}
    assert request.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert receipt == Receipt(answer=Answer.ACCEPTED, handle="job-1", request_id="r-1")


def test_an_attach_without_a_device_leaves_it_to_the_cloud() -> None:
    (request,), _ = hold(SAYS.submit(ATTACH), JOB)
    assert request.content == b'{"volumeAttachment":{"volumeId":"v1"}}'


def test_one_detach_forces_nothing_by_itself() -> None:
    (request,), receipt = hold(SAYS.submit(DETACH), JOB)
    assert urls([request]) == [f"DELETE {V1}/cloudservers/s1/detachvolume/v1"]
    assert request.content == b""
    assert request.headers["Content-Type"] == "application/json"
    assert receipt.handle == "job-1"


def test_a_detach_that_a_person_forces_says_so_in_its_query() -> None:
    (request,), _ = hold(SAYS.submit(replace(DETACH, forced=True)), JOB)
    assert urls([request]) == [f"DELETE {V1}/cloudservers/s1/detachvolume/v1?delete_flag=1"]


def test_a_batch_of_attaches_sends_objects_and_one_of_detaches_plain_strings() -> None:
    keys = (key("s1"), key("s2"))
    attach = Call(verb=Verb.ATTACH, keys=keys, devices={keys[0]: "/dev/vdb"})
    (attached,), _ = hold(SAYS.submit(attach), JOB)
    assert urls([attached]) == [f"POST {V1}/batchaction/attachvolumes/v1"]
    assert body(attached) == {
        "serverinfo": [{"server_id": "s1", "device": "/dev/vdb"}, {"server_id": "s2"}]
    }
    (detached,), _ = hold(SAYS.submit(Call(verb=Verb.DETACH, keys=keys)), JOB)
    assert urls([detached]) == [f"POST {V1}/batchaction/detachvolumes/v1"]
    assert body(detached) == {"serverinfo": ["s1", "s2"]}


@pytest.mark.parametrize("content", [b"", b"{}"])
def test_an_update_has_no_job(content: bytes) -> None:
    answer = httpx.Response(200, content=content)
    (request,), receipt = hold(SAYS.submit(UPDATE), answer)
    assert urls([request]) == [f"PUT {V1}/cloudservers/s1/block_device/v1"]
    assert body(request) == {"block_device": {"delete_on_termination": True}}
    assert receipt == Receipt(answer=Answer.ACCEPTED)


def test_ids_are_escaped_in_a_path() -> None:
    (request,), _ = hold(SAYS.submit(Call(verb=Verb.DETACH, keys=(key("s/../x"),))), JOB)
    assert request.url.raw_path.endswith(b"/cloudservers/s%2F..%2Fx/detachvolume/v1")


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(Call(verb=Verb.DETACH, keys=()), id="about nothing"),
        pytest.param(
            Call(verb=Verb.DETACH, keys=(key("s1", "v1"), key("s1", "v2"))), id="two volumes"
        ),
        pytest.param(
            Call(verb=Verb.DETACH, keys=tuple(key(f"s{n:02}") for n in range(17))), id="17 servers"
        ),
        pytest.param(Call(verb=Verb.UPDATE, keys=(key(),)), id="an update without a value"),
        pytest.param(
            Call(verb=Verb.UPDATE, keys=(key("s1"), key("s2")), delete_on_termination=True),
            id="an update of two",
        ),
        pytest.param(
            Call(verb=Verb.DETACH, keys=(key("s1"), key("s2")), forced=True), id="a forced batch"
        ),
    ],
)
def test_a_call_of_another_form_is_a_broken_invariant(call: Call) -> None:
    with pytest.raises(AssertionError):
        hold(SAYS.submit(call), JOB)


def error(code: str, status: int = 400, message: str = "m", **headers: str) -> httpx.Response:
    return ok({"error": {"code": code, "message": message}}, status, **headers)


NOT_FOUND = json.dumps({"itemNotFound": {"message": "No volume Block Device", "code": 404}})

RECEIPTS = [
    ("an accepted request without a job may have happened", ATTACH, ok({}), Answer.UNKNOWN),
    ("a 204 names no job", DETACH, httpx.Response(204), Answer.UNKNOWN),
    ("a proxy's page with a 200", ATTACH, httpx.Response(200, html="<p>"), Answer.UNKNOWN),
    ("flow control with a 202", ATTACH, error("Common.0024", 202), Answer.BUSY),
    ("another error with a 200", ATTACH, error("Ecs.0103", 200), Answer.UNKNOWN),
    ("an update that answers an error", UPDATE, error("Common.0024", 202), Answer.BUSY),
    ("attached already", ATTACH, error("Ecs.0057"), Answer.ALREADY),
    ("attached already is no answer to a detach", DETACH, error("Ecs.0057"), Answer.REFUSED),
    ("not attached", DETACH, error("Ecs.0111"), Answer.ALREADY),
    ("not attached is no answer to an attach", ATTACH, error("Ecs.0111"), Answer.REFUSED),
    ("a detach from a server that is gone", DETACH, error("Ecs.0114", 404), Answer.ALREADY),
    ("the same by its other code", DETACH, error("Ecs.0614", 404), Answer.ALREADY),
    ("an attach to a server that is gone", ATTACH, error("Ecs.0114", 404), Answer.REFUSED),
    ("an update on a server that is gone", UPDATE, error("Ecs.0114", 404), Answer.REFUSED),
    (
        "Nova found nothing to detach",
        DETACH,
        error("Ecs.1000", 400, NOT_FOUND),
        Answer.ALREADY,
    ),
    (
        "Nova found nothing to attach",
        ATTACH,
        error("Ecs.1000", 400, NOT_FOUND),
        Answer.REFUSED,
    ),
    ("Nova failed in another way", DETACH, error("Ecs.1000"), Answer.UNKNOWN),
    ("gateway throttling", ATTACH, ok({"error_code": "APIGW.0308"}, 429), Answer.BUSY),
    (
        "gateway throttling of another region",
        ATTACH,
        ok({"error_code": "APIG.0308"}, 429),
        Answer.BUSY,
    ),
    ("flow control with a 503", DETACH, error("Common.1503", 503), Answer.BUSY),
    ("another command is running", ATTACH, error("Ecs.0603", 501), Answer.BUSY),
    ("a 429 that says nothing", ATTACH, httpx.Response(429), Answer.BUSY),
    ("a disk that isn't available", ATTACH, error("Ecs.0103"), Answer.REFUSED),
    ("a disk that doesn't detach now", DETACH, error("Ecs.0102"), Answer.REFUSED),
    ("a server that doesn't take it now", ATTACH, error("Ecs.0100"), Answer.REFUSED),
    ("a documented refusal with a 500", ATTACH, error("Ecs.0104", 500), Answer.REFUSED),
    ("a code that nobody documents", ATTACH, error("Ecs.9999"), Answer.REFUSED),
    ("submission failed somewhere", ATTACH, error("Ecs.0002"), Answer.UNKNOWN),
    ("OpenStack timed out", DETACH, error("Ecs.1002"), Answer.UNKNOWN),
    ("a batch failed, maybe in part", DETACH, error("Ecs.0611"), Answer.UNKNOWN),
    ("a system error", ATTACH, error("Common.0001", 500), Answer.UNKNOWN),
    ("a bad gateway's page", ATTACH, httpx.Response(502, html="<h1>Bad</h1>"), Answer.UNKNOWN),
    (
        "a gateway that gave up waiting",
        ATTACH,
        ok({"error_code": "APIGW.0201"}, 504),
        Answer.UNKNOWN,
    ),
    ("a 503 that says nothing", ATTACH, httpx.Response(503), Answer.UNKNOWN),
    ("a redirect", ATTACH, httpx.Response(307), Answer.UNKNOWN),
    ("no right to do it", ATTACH, error("Pdp.0001", 403), Answer.REFUSED),
    ("a wrong signature", ATTACH, ok({"error_code": "APIGW.0301"}, 401), Answer.DENIED),
    ("a 401 without a code", DETACH, ok({}, 401), Answer.DENIED),
    ("a token that ended", DETACH, error("Common.0013", 400), Answer.DENIED),
]


@pytest.mark.parametrize(
    ("call", "response", "answer"), [row[1:] for row in RECEIPTS], ids=[row[0] for row in RECEIPTS]
)
def test_an_answer_to_a_change_means(call: Call, response: httpx.Response, answer: Answer) -> None:
    _, receipt = hold(SAYS.submit(call), response)
    assert receipt.answer is answer
    assert receipt.handle is None


SHAPES = [
    ("ECS", {"error": {"code": "Ecs.0100", "message": "words"}}, "Ecs.0100", "words"),
    (
        "ECS with details",
        {"error": {"code": "E.1", "message": "a", "details": [{"code": "E.2", "message": "b"}]}},
        "E.1",
        "a E.2 b",
    ),
    (
        "Nova inside of ECS",
        {"error": {"code": "Ecs.1000", "message": NOT_FOUND}},
        "Ecs.1000",
        "No volume Block Device",
    ),
    (
        "a batch of ECS",
        {"error": {"code": "Ecs.0611", "message": "b"}, "internalError": [{"id": "x"}]},
        "Ecs.0611",
        "b",
    ),
    ("top level", {"code": "Common.0011", "message": "words"}, "Common.0011", "words"),
    ("Cinder", {"badRequest": {"code": 400, "message": "words"}}, "badRequest", "words"),
    ("gateway", {"error_code": "APIGW.0101", "error_msg": "no API"}, "APIGW.0101", "no API"),
    ("camel case", {"errorCode": "X.1", "errorMsg": "words"}, "X.1", "words"),
    ("Keystone", {"error": {"code": 401, "message": "words", "title": "U"}}, "401", "words"),
    ("a plain word", {"error": "words"}, "http-400", "words"),
    ("an empty object", {}, "http-400", "HTTP 400"),
    ("a list", [1], "http-400", "[1]"),
]


@pytest.mark.parametrize(
    ("told", "code", "message"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES]
)
def test_an_error_is_found_in_every_documented_shape(told: object, code: str, message: str) -> None:
    _, receipt = hold(SAYS.submit(UPDATE), ok(told, 400, X_Request_Id="r-2"))
    assert (receipt.code, receipt.message, receipt.request_id) == (code, message, "r-2")


def test_a_message_is_one_line_of_bounded_printable_words() -> None:
    told = error("Ecs.0100", message="a\x1b[31m\n\tb\u202e" + "x" * 1000)
    _, receipt = hold(SAYS.submit(ATTACH), told)
    assert receipt.message.startswith("a [31m b xxx")
    assert receipt.message.isprintable()
    assert len(receipt.message) == 300


def test_a_body_nested_beyond_reason_is_no_json() -> None:
    _, receipt = hold(SAYS.submit(ATTACH), httpx.Response(500, content=b"[" * 200_000))
    assert receipt.answer is Answer.UNKNOWN


@pytest.mark.parametrize(
    ("response", "after_s"),
    [
        pytest.param(error("Ecs.0603", 501), 60.0, id="another command: a minute, as documented"),
        pytest.param(error("Ecs.0603", 501, Retry_After="5"), 5.0, id="unless it says otherwise"),
        pytest.param(error("APIGW.0308", 429, Retry_After="7.0"), 7.0, id="as told"),
        pytest.param(error("APIGW.0308", 429), None, id="nothing told"),
        pytest.param(error("APIGW.0308", 429, Retry_After="nan"), None, id="nonsense told"),
    ],
)
def test_when_to_ask_again_is_passed_on(response: httpx.Response, after_s: float | None) -> None:
    assert hold(SAYS.submit(ATTACH), response)[1].retry_after_s == after_s


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("SUCCESS", JobState.SUCCEEDED),
        ("FAIL", JobState.FAILED),
        ("INIT", JobState.RUNNING),
        ("RUNNING", JobState.RUNNING),
        ("PENDING_PAYMENT", JobState.RUNNING),
        ("A_NEW_WORD", JobState.RUNNING),
    ],
)
def test_a_job_ends_only_with_a_known_word(word: str, said: JobState) -> None:
    job = {"status": word, "entities": None, "error_code": None, "fail_reason": None}
    (request,), progress = hold(SAYS.track("job-1"), ok(job, X_Request_Id="r-3"))
    assert urls([request]) == [f"GET {V1}/jobs/job-1"]
    assert (progress.state, progress.request_id) == (said, "r-3")
    assert (progress.code, progress.message, progress.parts) == ("", "", {})


@pytest.mark.parametrize(
    ("began", "ended", "took_s"),
    [
        ("2026-01-15T08:30:01.120Z", "2026-01-15T08:30:17.031Z", 15.911),
        ("2026-01-15T08:30:01.120Z", None, None),
        ("2026-01-15T08:30:01.120Z", "", None),
        ("2026-01-15T08:30:01.120Z", "2026-01-15 08:30:17", None),
        ("2026-01-15T08:30:01.120Z", "2026-01-15T08:29:00.000Z", None),
        (None, "soon", None),
    ],
)
def test_a_job_tells_what_it_took(
    began: str | None, ended: str | None, took_s: float | None
) -> None:
    job = {"status": "SUCCESS", "begin_time": began, "end_time": ended}
    assert hold(SAYS.track("job-1"), ok(job))[1].took_s == took_s


def test_a_failed_batch_tells_which_part_failed_and_why() -> None:
    def part(status: str, **entities: str) -> dict[str, object]:
        return {"status": status, "error_code": "E", "fail_reason": "r", "entities": entities}

    rows = [
        part("SUCCESS", server_id="s2"),
        part("FAIL", server_id="s1", errorcode_message="not now"),
        part("SUCCESS", server_id="s1"),
        part("FAIL"),
        {"status": "RUNNING", "entities": None},
    ]
    job = {
        "status": "FAIL",
        "error_code": "Common.0011",
        "fail_reason": "Sub job fail!",
        "entities": {"sub_jobs_total": 5, "sub_jobs": rows, "other": [1]},
    }
    _, progress = hold(SAYS.track("j"), ok(job))
    assert progress.state is JobState.FAILED
    assert (progress.code, progress.message) == ("Common.0011", "Sub job fail!")
    told = {server: (part.state, part.message) for server, part in progress.parts.items()}
    assert told == {"s1": (JobState.FAILED, "not now"), "s2": (JobState.SUCCEEDED, "r")}


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(httpx.Response(404), id="a 404"),
        pytest.param(error("Common.0011"), id="its code with a 400"),
        pytest.param(ok({"code": "Common.0011", "message": "bad id"}), id="its code with a 200"),
    ],
)
def test_a_job_that_nobody_knows_is_gone(response: httpx.Response) -> None:
    assert hold(SAYS.track("j"), response)[1].state is JobState.GONE


@pytest.mark.parametrize(
    ("response", "retryable"),
    [
        pytest.param(error("Common.0021"), True, id="query trouble with a 400"),
        pytest.param(ok({"code": "Common.0025", "message": "m"}), True, id="the same with a 200"),
        pytest.param(httpx.Response(502), True, id="a bad gateway"),
        pytest.param(ok({}), True, id="an answer without a status"),
        pytest.param(error("Ecs.0110", 403), False, id="forbidden"),
    ],
)
def test_a_question_that_failed_says_nothing_of_the_job(
    response: httpx.Response, *, retryable: bool
) -> None:
    with pytest.raises(ProviderError) as raised:
        hold(SAYS.track("j"), response)
    assert raised.value.retryable is retryable


def test_every_server_is_asked_for_its_word_at_once() -> None:
    free = {"attachableQuantity": {"free_scsi": 58, "free_blk": "22", "free_disk": 58}}
    disks = {"volumeAttachments": [{"volumeId": "v2"}, {"volumeId": "v1", "id": "other"}]}
    gone = error("Ecs.0114", 404)
    asked, words = hold(SAYS.ask(["s2", "s1", "s3", "s2"], ()), (ok(free), gone, ok(disks)))
    assert urls(asked) == [
        f"GET {V1}/cloudservers/{server}/block_device" for server in ("s1", "s2", "s3")
    ]
    assert words.servers == {
        "s1": ServerWord(free_slots={"": 58, "scsi": 58, "virtio": 22}),
        "s3": ServerWord(volume_ids=frozenset({"v1", "v2"})),
    }


def test_every_volume_is_asked_for_its_servers_at_once() -> None:
    held = {"volume": {"id": "v1", "attachments": [{"server_id": "s2"}, {"server_id": "s1"}]}}
    free = {"volume": {"id": "v2", "attachments": []}}
    gone = error("EVS.5404", 404)
    asked, words = hold(SAYS.ask((), ["v2", "v1", "v3"]), (ok(held), ok(free), gone))
    assert urls(asked) == [f"GET {V2}/cloudvolumes/{volume}" for volume in ("v1", "v2", "v3")]
    assert words == Words(volumes={"v1": frozenset({"s1", "s2"}), "v2": frozenset()})


def test_asking_no_server_costs_nothing() -> None:
    assert hold(SAYS.ask([], [])) == ([], Words())


def test_a_path_that_the_gateway_does_not_know_is_no_missing_server() -> None:
    wrong = ok({"error_code": "APIGW.0101", "error_msg": "no API"}, 404)
    with pytest.raises(ProviderError, match=r"APIGW\.0101"):
        hold(SAYS.ask(["s1"], []), (wrong,))


def test_the_project_is_found_by_its_region() -> None:
    rows = {"projects": [{"id": PROJECT, "name": "r1"}]}
    asked, project = hold(find_project("https://iam.example", "r1", "prod", FAULTS), ok(rows))
    assert urls(asked) == ["GET https://iam.example/v3/projects?name=r1"]
    assert project == PROJECT


@pytest.mark.parametrize(
    ("ids", "code", "summary"),
    [
        pytest.param((), "project-not-found", "no project of `r1` is visible", id="none"),
        pytest.param(("p2", "p1"), "project-ambiguous", "2 projects: `p1`, `p2`", id="several"),
    ],
)
def test_another_number_of_projects_is_for_a_person_to_decide(
    ids: tuple[str, ...], code: str, summary: str
) -> None:
    rows = {"projects": [{"id": each} for each in ids]}
    with pytest.raises(FindingsError) as raised:
        hold(find_project("https://iam.example", "r1", "prod", FAULTS), ok(rows))
    (finding,) = raised.value.findings
    assert (finding.code, finding.scope) == (code, "prod")
    assert summary in finding.summary
    assert "projectId" in finding.hint
