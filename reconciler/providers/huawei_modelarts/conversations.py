"""What is said to ModelArts about Lite Servers, and what the answers mean; pure.

1. One change is one request: one volume, one server. Another form is a mistake of the caller.
2. A volume is named by its id alone, and one that is free is shown nowhere: an id that isn't as
   documented is refused here, before it could become part of a request.
3. A 2xx is accepted only with an operation and without an error; a 2xx that carries
   `operation_error`, or says `failed`, is a refusal that is looked at first.
4. An operation says when to look, never what is so.

Source: ModelArts API reference, "AttachDevServerVolume", "DetachDevServerVolume" (2026-01-30),
"ShowServerOperation" (GetDevServerOperation in the SDK).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Answer, JobState, Progress, Receipt
from reconciler.providers.huawei_faults import GONE, request_id
from reconciler.providers.huawei_modelarts import listing
from reconciler.providers.huawei_modelarts.errors import FAULTS, LOOKED_AT, NO_SERVER
from reconciler.providers.huawei_modelarts.wire import WireOperation
from reconciler.providers.requests import change, delete, get, strict_json
from reconciler.providers.talk import ask, clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.providers.huawei_modelarts.site import Site
    from reconciler.providers.talk import Conversation

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""Source: the constraints of `id`, and of `volume_id` when attaching; detaching takes more."""

ENDS: Mapping[str, JobState] = {"success": JobState.SUCCEEDED, "failed": JobState.FAILED}
"""Every other word (pending, running, a new one) is running: only looking tells."""


class HuaweiModelArts:
    """The conversations of one scope of ModelArts."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def list_live(self) -> Conversation[Live]:
        """Give everything in the scope: floor(S/1000)+1 requests."""
        return listing.list_live(self._site)

    def observe(self, keys: Sequence[AttachmentKey]) -> Conversation[Live]:
        """Give these attachments: a request a server, or the listing's for more than 20 servers."""
        return listing.observe(self._site, keys)

    def submit(self, call: Call) -> Conversation[Receipt]:
        """Ask for a change with one request, or with none where no request could name it."""
        assert len(call.keys) == 1, "a call has one volume and one server"
        key = call.keys[0]
        assert key.scope == self._site.scope, "a call stays in its scope"
        unnamed = _unnamed(key)
        if unnamed is not None:
            return unnamed
        response = yield from ask(_request(self._site, call.verb, key))
        if not response.is_success:
            refusal = FAULTS.refusal(call.verb, response)
            told = FAULTS.fault(response).plain_code in LOOKED_AT
            return replace(refusal, look=refusal.look or told)
        return _accepted(key, response)

    def track(self, handle: str) -> Conversation[Progress]:
        """Ask how an operation is doing; `handle` is its server's id, a slash and its own."""
        server_id, _, operation_id = handle.partition("/")
        request = get(self._site.servers(server_id, "operation", operation_id))
        response = yield from ask(request)
        if not response.is_success:
            found = FAULTS.fault(response)
            if found.status != GONE and found.plain_code not in NO_SERVER:
                raise FAULTS.read_error(request, response)
            return Progress(
                state=JobState.GONE,
                code=found.code or f"http-{found.status}",
                message=found.words,
                request_id=found.request_id,
            )
        operation = FAULTS.read(WireOperation, request, response)
        if not operation.operation_status:
            raise FAULTS.bad_answer(request, response)
        code, message = _why(operation)
        return Progress(
            state=_ended(operation), code=code, message=message, request_id=request_id(response)
        )


def _request(site: Site, verb: Verb, key: AttachmentKey) -> httpx.Request:
    match verb:
        case Verb.ATTACH:
            url = site.servers(key.server_id, "attachvolume")
            return change("POST", url, {"volume_id": key.volume_id})
        case Verb.DETACH:
            return delete(site.servers(key.server_id, "detachvolume", key.volume_id))
        case Verb.UPDATE:
            raise AssertionError("an attachment of ModelArts has no attribute to change")
        case Verb.DESTROY:
            raise AssertionError("a volume of ModelArts is detached and kept, never destroyed")
        case Verb.RESET:
            raise AssertionError("ModelArts has no status of a volume that could be reset")
        case _:
            assert_never(verb)


def _unnamed(key: AttachmentKey) -> Receipt | None:
    """Give the refusal of what has no documented id; None where a request can name both."""
    for what, row_id in (("server", key.server_id), ("volume", key.volume_id)):
        if not UUID.fullmatch(row_id):
            return Receipt(
                answer=Answer.REFUSED,
                code="not-an-id",
                message=f"`{clean(row_id)}` is no {what} id of ModelArts, which is a UUID in lower "
                "case: nothing was asked for",
            )
    return None


def _accepted(key: AttachmentKey, response: httpx.Response) -> Receipt:
    operation = _operation(response)
    if operation is None:
        return FAULTS.unaccepted(response)
    code, message = _why(operation)
    if code or message or _ended(operation) is JobState.FAILED:
        return Receipt(
            answer=Answer.REFUSED,
            code=code or "operation-failed",
            message=message or "the answer says that it failed, and not why",
            request_id=request_id(response),
            look=True,
        )
    if not operation.operation_id:
        return FAULTS.unaccepted(response)
    return Receipt(
        answer=Answer.ACCEPTED,
        handle=f"{key.server_id}/{operation.operation_id}",
        request_id=request_id(response),
    )


def _operation(response: httpx.Response) -> WireOperation | None:
    # The vendor's own sample of this answer isn't JSON: what can't be read is looked up.
    try:
        return WireOperation.model_validate(strict_json(response.content))
    except (ValueError, RecursionError):  # pydantic's own error is a ValueError too
        return None


def _ended(operation: WireOperation) -> JobState:
    # Lower case in the table of one call, of no stated case in the others.
    return ENDS.get(operation.operation_status.strip().lower(), JobState.RUNNING)


def _why(operation: WireOperation) -> tuple[str, str]:
    told = operation.operation_error
    return (clean(told.code), clean(told.message)) if told is not None else ("", "")
