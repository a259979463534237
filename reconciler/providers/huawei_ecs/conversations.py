"""What is said to ECS and EVS, and what their answers mean; pure.

1. One change is one request: single attach, single detach, a batch of one shareable volume, or
   one attribute of one attachment. Another form is a mistake of the caller, not of the cloud.
2. A 2xx is accepted only with a job; changing an attribute has no job and no body.
3. A job says when to look, never what is so.

Source: ECS API reference, "AttachServerVolume", "DetachServerVolume", "BatchAttachSharableVolumes",
"BatchDetachVolumes", "UpdateServerBlockDevice", "ListServerBlockDevices", "ShowJob".
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from pydantic import ValidationError

from reconciler.model.call import Call, Verb
from reconciler.model.live import ANY_BUS, ServerWord, Words
from reconciler.model.outcome import Answer, JobState, Progress, Receipt
from reconciler.providers.huawei_ecs import BATCH_MAX, listing, repair
from reconciler.providers.huawei_ecs.errors import FAULTS
from reconciler.providers.huawei_ecs.wire import (
    WireAccepted,
    WireBlockDevices,
    WireFreeSlots,
    WireJob,
    WireShownVolume,
    WireSubJob,
)
from reconciler.providers.huawei_faults import GONE, Meaning, request_id
from reconciler.providers.requests import change, delete, get, strict_json
from reconciler.providers.talk import ask, ask_all, clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import httpx

    from reconciler.model.attachment import AttachmentKey, Witness
    from reconciler.model.live import Live
    from reconciler.providers.huawei_ecs.site import Site
    from reconciler.providers.talk import Conversation

    Answered = tuple[str, httpx.Request, httpx.Response]

JOB_ENDS: Mapping[str, JobState] = {"SUCCESS": JobState.SUCCEEDED, "FAIL": JobState.FAILED}
"""Every other word (INIT, RUNNING, PENDING_PAYMENT, a new one) is running: only looking tells."""
JOB_GONE = "Common.0011"
NO_VOLUME = "EVS.5404"
"""Source: EVS codes, 5404: the volume doesn't exist."""
NOTHING = (b"", b"{}")
"""The documents say that a changed attribute is answered with no body."""


class HuaweiEcs:
    """The conversations of one scope of ECS and EVS."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._shelves = listing.Shelves()

    def list_live(self) -> Conversation[Live]:
        """Give everything in the scope: floor(V/1000)+1 + floor(S/1000)+1 requests."""
        return listing.list_live(self._site, self._shelves)

    def observe(self, keys: Sequence[AttachmentKey]) -> Conversation[Live]:
        """Give both views of these attachments: by ids, or by the pages that were listed."""
        return listing.observe(self._site, keys, self._shelves)

    def takes(self, keys: Collection[AttachmentKey]) -> int:
        """Give how many requests observing these takes; asks nothing."""
        return listing.takes(keys, self._shelves)

    def submit(self, call: Call) -> Conversation[Receipt]:
        """Ask for a change with one request."""
        response = yield from ask(_request(self._site, call))
        if not response.is_success:
            return FAULTS.refusal(call.verb, response)
        if call.verb is Verb.UPDATE and response.content.strip() in NOTHING:
            return Receipt(answer=Answer.ACCEPTED, request_id=request_id(response))
        handle = _handle(response)
        if not handle:
            return FAULTS.unaccepted(response)
        return Receipt(answer=Answer.ACCEPTED, handle=handle, request_id=request_id(response))

    def rehearse(self, call: Call) -> Conversation[Receipt]:
        """Ask with one request whether an attach would pass; a job in the answer is no rehearsal.

        The body of one that passes isn't published: none, and an object that names neither a job
        nor a code, pass; what is no JSON is nobody's answer.
        """
        assert call.verb is Verb.ATTACH, "only attaches have a dry run"
        assert len(call.keys) == 1, "a batch has no dry run"
        response = yield from ask(_attach(self._site, call, call.keys[0], rehearsal=True))
        if not response.is_success:
            return FAULTS.refusal(call.verb, response)
        handle = _handle(response)
        if not handle and (FAULTS.fault(response).code or not _says_nothing_wrong(response)):
            return FAULTS.unaccepted(response)
        return Receipt(
            answer=Answer.ACCEPTED, handle=handle or None, request_id=request_id(response)
        )

    def track(self, handle: str) -> Conversation[Progress]:
        """Ask how a job is doing; an id that ECS doesn't know (any more) is GONE."""
        request = get(self._site.compute("jobs", handle))
        response = yield from ask(request)
        job = FAULTS.read(WireJob, request, response) if response.is_success else None
        if job is not None and job.status:
            return _progress(job, request_id(response))
        # A question may fail with a 200: its code and words then stand where the job's would.
        found = FAULTS.fault(response)
        if response.status_code != GONE and found.code != JOB_GONE:
            raise (FAULTS.read_error if job is None else FAULTS.bad_answer)(request, response)
        return Progress(
            state=JobState.GONE,
            code=found.code or f"http-{found.status}",
            message=found.words,
            request_id=found.request_id,
        )

    def ask(self, server_ids: Sequence[str], volume_ids: Sequence[str]) -> Conversation[Words]:
        """Give each one's own word: disks and free slots of a server, the servers of a volume.

        It comes from the one that is asked and not from a listing, which may be behind
        (unverified). A request each, all at once; unknown ids are absent.
        """
        servers, volumes = sorted(set(server_ids)), sorted(set(volume_ids))
        asked = (
            *(get(self._site.compute("cloudservers", one, "block_device")) for one in servers),
            *(get(self._site.storage("cloudvolumes", one)) for one in volumes),
        )
        responses = yield from ask_all(asked)
        answers = list(zip((*servers, *volumes), asked, responses, strict=True))
        return Words(
            servers=dict(_server_words(answers[: len(servers)])),
            volumes=dict(_volume_words(answers[len(servers) :])),
        )

    def witness(self, key: AttachmentKey) -> Conversation[Witness]:
        """Ask a server whether it has a volume."""
        return repair.witness(self._site, key)

    def reset(self, key: AttachmentKey, attachment_id: str) -> Conversation[Receipt]:
        """Ask EVS, with one request, to forget exactly this attachment."""
        return repair.reset(self._site, key, attachment_id)


def _request(site: Site, call: Call) -> httpx.Request:
    assert call.keys, "a call is about something"
    assert len(call.keys) <= BATCH_MAX, "a batch has at most 16 servers"
    first = call.keys[0]
    assert {key.volume_id for key in call.keys} == {first.volume_id}, "a batch has one volume"
    assert all(key.scope == site.scope for key in call.keys), "a call stays in its scope"
    single = len(call.keys) == 1
    match call.verb:
        case Verb.ATTACH:
            return _attach(site, call, first) if single else _batch_attach(site, call, first)
        case Verb.DETACH:
            assert single or not call.forced, "a batch has no `delete_flag`"
            return _detach(site, call, first) if single else _batch_detach(site, call, first)
        case Verb.UPDATE:
            assert single, "attributes are changed one attachment at a time"
            return _update(site, call, first)
        case Verb.DESTROY:
            raise AssertionError("a volume of ECS is detached and kept, never destroyed")
        case Verb.RESET:
            raise AssertionError("a reset is no call of a plan: it has a conversation of its own")
        case _:
            assert_never(call.verb)


def _attach(
    site: Site, call: Call, key: AttachmentKey, *, rehearsal: bool = False
) -> httpx.Request:
    wanted = {"volumeId": key.volume_id}
    if key in call.devices:
        wanted["device"] = call.devices[key]
    url = site.compute("cloudservers", key.server_id, "attachvolume")
    body: dict[str, object] = {"volumeAttachment": wanted}
    return change("POST", url, body | {"dry_run": True} if rehearsal else body)


def _batch_attach(site: Site, call: Call, first: AttachmentKey) -> httpx.Request:
    devices = [{"device": call.devices[key]} if key in call.devices else {} for key in call.keys]
    rows = [
        {"server_id": key.server_id, **device}
        for key, device in zip(call.keys, devices, strict=True)
    ]
    url = site.compute("batchaction", "attachvolumes", first.volume_id)
    return change("POST", url, {"serverinfo": rows})


def _detach(site: Site, call: Call, key: AttachmentKey) -> httpx.Request:
    # `delete_flag=1` can lose what the guest hasn't written: a person asked for it by name.
    how = {"delete_flag": "1"} if call.forced else {}
    url = site.compute("cloudservers", key.server_id, "detachvolume", key.volume_id)
    return delete(url, **how)


def _batch_detach(site: Site, call: Call, first: AttachmentKey) -> httpx.Request:
    # Plain strings here, objects in the batch attach: the two are documented differently.
    url = site.compute("batchaction", "detachvolumes", first.volume_id)
    return change("POST", url, {"serverinfo": [key.server_id for key in call.keys]})


def _update(site: Site, call: Call, key: AttachmentKey) -> httpx.Request:
    assert call.delete_on_termination is not None, "an update says what is to be"
    wanted = {"delete_on_termination": call.delete_on_termination}
    url = site.compute("cloudservers", key.server_id, "block_device", key.volume_id)
    return change("PUT", url, {"block_device": wanted})


def _handle(response: httpx.Response) -> str:
    try:
        return WireAccepted.model_validate_json(response.content).job_id
    except ValidationError:
        return ""


def _says_nothing_wrong(response: httpx.Response) -> bool:
    try:
        return not response.content.strip() or isinstance(strict_json(response.content), dict)
    except (ValueError, RecursionError):
        return False


def _progress(job: WireJob, request_id: str) -> Progress:
    rows = job.entities.sub_jobs if job.entities is not None else []
    parts: dict[str, Progress] = {}
    for row in rows:
        server_id = row.entities.server_id if row.entities is not None else ""
        # Two sub-jobs of one server: the one that failed is the one to tell about.
        failed = server_id in parts and parts[server_id].state is JobState.FAILED
        if server_id and not failed:
            parts[server_id] = _part(row, request_id)
    return Progress(
        state=JOB_ENDS.get(job.status, JobState.RUNNING),
        code=clean(job.error_code),
        message=clean(job.fail_reason),
        request_id=request_id,
        took_s=_took_s(job),
        parts=dict(sorted(parts.items())),
    )


def _took_s(job: WireJob) -> float | None:
    try:
        began, ended = (datetime.fromisoformat(at) for at in (job.begin_time, job.end_time))
        took_s = (ended - began).total_seconds()
    except (ValueError, TypeError):  # Not told yet, or one of them without its zone.
        return None
    return took_s if took_s >= 0 else None


def _part(row: WireSubJob, request_id: str) -> Progress:
    told = row.entities.errorcode_message if row.entities is not None else ""
    return Progress(
        state=JOB_ENDS.get(row.status, JobState.RUNNING),
        code=clean(row.error_code),
        message=clean(told or row.fail_reason),
        request_id=request_id,
    )


def _server_words(answers: Sequence[Answered]) -> Iterator[tuple[str, ServerWord]]:
    for server_id, request, response in answers:
        if response.is_success or FAULTS.fault(response).meaning is not Meaning.ABSENT:
            yield server_id, _word(FAULTS.read(WireBlockDevices, request, response))


def _volume_words(answers: Sequence[Answered]) -> Iterator[tuple[str, frozenset[str]]]:
    for volume_id, request, response in answers:
        if response.is_success or FAULTS.fault(response).code != NO_VOLUME:
            shown = FAULTS.read(WireShownVolume, request, response).volume
            yield (
                volume_id,
                frozenset(row.server_id for row in shown.attachments or () if row.server_id),
            )


def _word(told: WireBlockDevices) -> ServerWord:
    return ServerWord(
        volume_ids=None if told.disks is None else frozenset(d.volume_id for d in told.disks),
        free_slots=None if told.free is None else _slots(told.free),
    )


def _slots(free: WireFreeSlots) -> Mapping[str, int]:
    told = {ANY_BUS: free.free_disk, "scsi": free.free_scsi, "virtio": free.free_blk}
    return {bus: count for bus, count in told.items() if count is not None}
