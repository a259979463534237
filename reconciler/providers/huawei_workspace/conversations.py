"""What is said to Workspace, and what its answers mean; pure.

1. The only change is deleting data disks of one desktop, 1 to 10 in one request: nothing is known
   of an empty list, and it may mean all of them. Another form is a mistake of the caller.
2. A 200 is accepted only with a job and without an error code: an older form of the API tells its
   errors with a 200.
3. A job says when to look, never what is so. It succeeded when every sub-job did: the parent may
   say SUCCESS although one failed.
4. `application/json` on every call, also where there is no body: without it calls fail.

Source: Workspace API reference, "DeleteDesktopVolumes", "ShowJob"; terraform-provider-huaweicloud
for rules 3 (its waiter) and 4 (its issue 6673).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Answer, JobState, Progress, Receipt
from reconciler.providers.huawei_faults import GONE, request_id
from reconciler.providers.huawei_workspace import BATCH_MAX, listing
from reconciler.providers.huawei_workspace.errors import FAULTS
from reconciler.providers.huawei_workspace.wire import WireAccepted, WireJob, WireSubJob
from reconciler.providers.requests import PLAIN_TYPE, change, get
from reconciler.providers.talk import ask, clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.providers.huawei_workspace.site import Site
    from reconciler.providers.talk import Conversation

ENDS: Mapping[str, JobState] = {
    "SUCCESS": JobState.SUCCEEDED,
    "COMPLETE": JobState.SUCCEEDED,
    "FAIL": JobState.FAILED,
    "FAILED": JobState.FAILED,
}
"""Of a job and of its sub-jobs, which write FAIL in two ways; every other word, also none, is
running. The words of the parent aren't published. Source: terraform-provider-huaweicloud."""


class HuaweiWorkspace:
    """The conversations of one scope of Workspace."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def list_live(self) -> Conversation[Live]:
        """Give everything in the scope: floor(D/500)+1 requests, one after the other."""
        return listing.list_live(self._site)

    def observe(self, keys: Sequence[AttachmentKey]) -> Conversation[Live]:
        """Give what is said of these attachments: a request for 100 desktops.

        In a second round a request for each desktop that wasn't in an answer.
        """
        return listing.observe(self._site, keys)

    def submit(self, call: Call) -> Conversation[Receipt]:
        """Ask for a change with one request."""
        response = yield from ask(_request(self._site, call))
        if not response.is_success:
            return FAULTS.refusal(call.verb, response)
        told = _accepted(response)
        if told.job_id and not told.error_code:
            return Receipt(
                answer=Answer.ACCEPTED, handle=told.job_id, request_id=request_id(response)
            )
        if not FAULTS.fault(response).code:
            return FAULTS.unaccepted(response)
        refusal = FAULTS.refusal(call.verb, response)
        if not told.job_id:
            return refusal
        # An error and a job: whoever can tell is the job, and then the view.
        return replace(refusal, answer=Answer.UNKNOWN, handle=told.job_id, look=False)

    def track(self, handle: str) -> Conversation[Progress]:
        """Ask how a job is doing; an id that Workspace doesn't know (any more) is GONE."""
        request = get(self._site.at("workspace-jobs", handle))
        response = yield from ask(request)
        if response.status_code == GONE:
            found = FAULTS.fault(response)
            return Progress(
                state=JobState.GONE,
                code=found.code or f"http-{found.status}",
                message=found.words,
                request_id=found.request_id,
            )
        job = FAULTS.read(WireJob, request, response)
        # A question may fail with a 200; and a body that names no job is none.
        if job.error_code or not (job.id or job.status):
            raise FAULTS.bad_answer(request, response)
        return _progress(job, request_id(response))


def _request(site: Site, call: Call) -> httpx.Request:
    assert call.verb is Verb.DESTROY, "Workspace attaches nothing, and keeps nothing it detaches"
    volume_ids = [key.volume_id for key in call.keys]
    assert 1 <= len(volume_ids) <= BATCH_MAX, "a call deletes 1 to 10 disks"
    assert all(volume_ids), "a disk is named by its id"
    assert len(set(volume_ids)) == len(volume_ids), "a disk is deleted once"
    server_id = call.keys[0].server_id
    assert {key.server_id for key in call.keys} == {server_id}, "a call is about one desktop"
    assert all(key.scope == site.scope for key in call.keys), "a call stays in its scope"
    url = site.at("desktops", server_id, "volumes", "batch-delete")
    request = change("POST", url, {"volume_ids": volume_ids})
    # Other services of this vendor are told a charset as well; the SDK sends none here.
    request.headers["Content-Type"] = PLAIN_TYPE
    return request


def _accepted(response: httpx.Response) -> WireAccepted:
    try:
        return WireAccepted.model_validate_json(response.content)
    except ValidationError:
        return WireAccepted()


def _progress(job: WireJob, request_id: str) -> Progress:
    rows = [(row, _part(row, request_id)) for row in job.sub_jobs]
    parts: dict[str, Progress] = {}
    for row, part in rows:
        server_id = row.entities.desktop_id if row.entities is not None else ""
        # Several sub-jobs of one desktop: the one to tell about failed, or still runs.
        if server_id and _weight(part) > _weight(parts.get(server_id)):
            parts[server_id] = part
    state = _whole(job, [part.state for _, part in rows])
    failed = next((part for _, part in rows if part.state is JobState.FAILED), None)
    blamed = failed if state is JobState.FAILED else None
    return Progress(
        state=state,
        # The parent says only that a sub-job failed; the sub-job says why.
        code=(blamed.code if blamed is not None else "") or clean(job.job_error_code),
        message=(blamed.message if blamed is not None else "") or clean(job.fail_reason),
        request_id=request_id,
        parts=dict(sorted(parts.items())),
    )


def _whole(job: WireJob, parts: Sequence[JobState]) -> JobState:
    said = _said(job.status)
    if said is not JobState.SUCCEEDED:
        return said
    if JobState.FAILED in parts:
        return JobState.FAILED
    # Sub-jobs may be missing for a while, all of them or some.
    expected = max(1, job.sub_jobs_total or 0)
    ended = len(parts) >= expected and set(parts) == {JobState.SUCCEEDED}
    return JobState.SUCCEEDED if ended else JobState.RUNNING


def _part(row: WireSubJob, request_id: str) -> Progress:
    return Progress(
        state=_said(row.status),
        code=clean(row.error_code),
        message=clean(row.fail_reason),
        request_id=request_id,
    )


def _said(word: str) -> JobState:
    return ENDS.get(word.strip().upper(), JobState.RUNNING)


def _weight(part: Progress | None) -> int:
    if part is None:
        return 0
    return {JobState.SUCCEEDED: 1, JobState.RUNNING: 2}.get(part.state, 3)
