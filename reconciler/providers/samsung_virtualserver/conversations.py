"""What is said to Virtual Server, and what its answers mean; pure.

1. One change is one request about one attachment.
2. Attach and detach are accepted with 202, the attach with a body that repeats it, the detach with
   none; setting an attribute with 200 and none. Any other success may have done something else.
3. There are no jobs: only looking tells whether an accepted change has happened.

Source: the vendor's page "Detach Volume from Virtual Server", 1.0 to 1.3; SDK, models and calls of
`volumes/{volume_id}/servers` and `servers/{server_id}/volumes/{volume_id}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Answer, Receipt
from reconciler.providers.samsung_virtualserver import editions, errors, listing
from reconciler.providers.samsung_virtualserver.wire import WireAttached, WireVersions
from reconciler.providers.talk import ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.model.outcome import Progress
    from reconciler.providers.samsung_virtualserver.editions import Told
    from reconciler.providers.samsung_virtualserver.site import Site
    from reconciler.providers.talk import Conversation

NOTHING = (b"", b"{}", b"null")
"""The documents say that there is no body."""
DONE, ACCEPTED = 200, 202


class SamsungVirtualServer:
    """The conversations of one scope of Virtual Server."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def list_live(self) -> Conversation[Live]:
        """Give everything in the scope: floor(V/1000)+1 and floor(S/1000)+1 requests."""
        return listing.list_live(self._site)

    def observe(self, keys: Sequence[AttachmentKey]) -> Conversation[Live]:
        """Give both views of these attachments: a request a volume and a server, or two lists."""
        return listing.observe(self._site, keys)

    def submit(self, call: Call) -> Conversation[Receipt]:
        """Ask for a change with one request."""
        key = _only(self._site, call)
        request = _request(self._site, call, key)
        response = yield from ask(request)
        if not response.is_success:
            return errors.refusal(request, response)
        if not _as_documented(call.verb, key, response):
            return errors.unaccepted(response)
        return Receipt(answer=Answer.ACCEPTED, request_id=errors.answered_as(response))

    def track(self, handle: str) -> Conversation[Progress]:
        """Never asked: no receipt has a handle here."""
        raise AssertionError(f"Virtual Server has no jobs, and none is called `{handle}`")

    def editions(self) -> Conversation[Told]:
        """Give the versions of the API that the cloud offers; the request needs no signature."""
        request = self._site.discovery()
        response = yield from ask(request)
        told = editions.offered(errors.read(WireVersions, request, response).versions)
        if not told:
            raise errors.bad_answer(request, response)
        return told


def _only(site: Site, call: Call) -> AttachmentKey:
    assert len(call.keys) == 1, "a call is about one attachment"
    assert call.keys[0].scope == site.scope, "a call stays in its scope"
    return call.keys[0]


def _request(site: Site, call: Call, key: AttachmentKey) -> httpx.Request:
    match call.verb:
        case Verb.ATTACH:
            wanted: dict[str, object] = {"server_id": key.server_id}
            if call.delete_on_termination is not None:
                wanted["delete_on_termination"] = call.delete_on_termination
            return site.change("POST", "volumes", key.volume_id, "servers", body=wanted)
        case Verb.DETACH:
            return site.delete("volumes", key.volume_id, "servers", key.server_id)
        case Verb.UPDATE:
            assert call.delete_on_termination is not None, "an update says what is to be"
            # The id stands in the path and in the body: both are required.
            wanted = {
                "volume_id": key.volume_id,
                "delete_on_termination": call.delete_on_termination,
            }
            return site.change(
                "PUT", "servers", key.server_id, "volumes", key.volume_id, body=wanted
            )
        case _:
            # Volumes are kept here, and nothing rewrites what a cloud says of itself.
            raise AssertionError(f"nobody asks Virtual Server for a {call.verb.value}")


def _as_documented(verb: Verb, key: AttachmentKey, response: httpx.Response) -> bool:
    if verb is Verb.ATTACH:
        return response.status_code == ACCEPTED and _repeats(key, response)
    expected = DONE if verb is Verb.UPDATE else ACCEPTED
    return response.status_code == expected and response.content.strip() in NOTHING


def _repeats(key: AttachmentKey, response: httpx.Response) -> bool:
    try:
        told = WireAttached.model_validate_json(response.content)
    except ValidationError:
        return False
    return (told.server_id, told.volume_id) == (key.server_id, key.volume_id)
