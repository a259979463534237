"""What is said about a stale attachment: to the server that may have it, and to EVS; pure.

1. A server has a volume, or it doesn't (Nova's `itemNotFound`), or there is no such server
   (404): every other answer is unclear, and what may pass later raises.
2. A reset is one request and names the attachment, though the document wants it only where a
   volume has several: without it, it would take whichever is there when it arrives.
3. Only an empty 202 is accepted. A refusal is looked at before it is believed: no table says
   what EVS answers here, and Cinder's own words are the same for stale and for busy.

Source: ECS API reference, "ShowServerBlockDevice" (an absent disk is HTTP 400, `Ecs.1000` around
`itemNotFound`: terraform-provider-huaweicloud, pull request 2194); EVS API reference, "Detaching
an EVS Disk (Deprecated)" (2024-02-27): "only used to change the EVS disk status from in-use to
available". The answers to it were seen at OpenStack Cinder 29.0.0; those of EVS are unverified.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.attachment import Witness
from reconciler.model.call import Verb
from reconciler.model.outcome import Answer, Receipt
from reconciler.providers.huawei_ecs.errors import FAULTS
from reconciler.providers.huawei_ecs.wire import WireBlockDevice
from reconciler.providers.huawei_faults import Meaning, request_id
from reconciler.providers.requests import change, get
from reconciler.providers.talk import ask

if TYPE_CHECKING:
    from reconciler.model.attachment import AttachmentKey
    from reconciler.providers.huawei_ecs.site import Site
    from reconciler.providers.talk import Conversation

NO_SERVER = frozenset({"Ecs.0114", "Ecs.0614"})
ACCEPTED = 202
AGAIN = frozenset({Meaning.BUSY, Meaning.DOUBT, Meaning.DENIED})
"""What such an answer means, nobody knows yet: the question failed."""


def witness(site: Site, key: AttachmentKey) -> Conversation[Witness]:
    """Give what a server says of one volume. Raises ProviderError when the question failed."""
    request = get(site.compute("cloudservers", key.server_id, "block_device", key.volume_id))
    response = yield from ask(request)
    if response.is_success:
        disk = FAULTS.read(WireBlockDevice, request, response).disk
        same = disk.volume_id == key.volume_id and disk.server_id in {"", key.server_id}
        return Witness.PRESENT if same else Witness.UNCLEAR
    found = FAULTS.fault(response)
    if found.absent:
        return Witness.ABSENT
    if found.plain_code in NO_SERVER:
        return Witness.SERVER_GONE
    if found.meaning in AGAIN or response.is_redirect:
        raise FAULTS.read_error(request, response)
    return Witness.UNCLEAR


def reset(site: Site, key: AttachmentKey, attachment_id: str) -> Conversation[Receipt]:
    """Ask EVS to forget one attachment; ACCEPTED has no job: only looking tells."""
    assert attachment_id, "a reset names its attachment"
    url = site.storage("volumes", key.volume_id, "action")
    response = yield from ask(change("POST", url, {"os-detach": {"attachment_id": attachment_id}}))
    if response.status_code == ACCEPTED and not response.content.strip():
        return Receipt(answer=Answer.ACCEPTED, request_id=request_id(response))
    if response.is_success:
        told = FAULTS.unaccepted(response)
        if told.code != "no-job":
            return told
        said = f"HTTP {response.status_code}, and the documents know an empty 202 alone"
        return replace(told, code="other-answer", message=said)
    told = FAULTS.refusal(Verb.RESET, response)
    return replace(told, look=told.answer is Answer.REFUSED)
