"""What a dry run of an attach asks, and what its answers mean: a job is no rehearsal."""

from __future__ import annotations

import httpx
import pytest

from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Answer

from .talks import ECS, PROJECT, SAYS, body, hold, key, ok, urls

V1 = f"{ECS}/v1/{PROJECT}"
JOB = ok({"job_id": "job-1"})
ATTACH = Call(verb=Verb.ATTACH, keys=(key(),))


@pytest.mark.parametrize(
    ("answer", "said", "handle"),
    [
        (httpx.Response(200), Answer.ACCEPTED, None),
        (ok({}), Answer.ACCEPTED, None),
        (ok({"request_id": "r"}), Answer.ACCEPTED, None),
        (ok({"job_id": ""}), Answer.ACCEPTED, None),
        (JOB, Answer.ACCEPTED, "job-1"),
        (httpx.Response(200, html="<p>"), Answer.UNKNOWN, None),
        (ok([]), Answer.UNKNOWN, None),
        (ok({"error": {"code": "Common.0024", "message": "m"}}, 202), Answer.BUSY, None),
        (ok({"error": {"code": "Ecs.0103", "message": "m"}}, 200), Answer.UNKNOWN, None),
        (ok({"error": {"code": "Ecs.0103", "message": "m"}}, 400), Answer.REFUSED, None),
        (httpx.Response(500), Answer.UNKNOWN, None),
    ],
)
def test_a_rehearsal_asks_for_a_dry_run_and_a_job_is_none(
    answer: httpx.Response, said: Answer, handle: str | None
) -> None:
    (request,), receipt = hold(SAYS.rehearse(ATTACH), answer)
    assert urls([request]) == [f"POST {V1}/cloudservers/s1/attachvolume"]
    assert body(request) == {"volumeAttachment": {"volumeId": "v1"}, "dry_run": True}
    assert (receipt.answer, receipt.handle) == (said, handle)
