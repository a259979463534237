"""How Virtual Server says that something went wrong, and what it means; pure.

1. Few codes are published, and none for attach and detach: the HTTP status decides.
2. 400, 404 and 409 of a change don't tell whether it is so already, whether the cloud is at work,
   or whether it is refused for good: whoever gets one looks before believing it.
3. What may have happened is UNKNOWN: every 5xx, every redirect, and the firewall's 417.
4. The version isn't offered (406): no other request of this scope would fare better.

Source: the documents list statuses alone (400, 401, 409 for attach and detach). The shapes and the
417 are observations of an unofficial test framework on a real tenant, not the vendor's word.
"""

from __future__ import annotations

import enum
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import ProviderError
from reconciler.model.outcome import Answer, Receipt
from reconciler.providers.requests import strict_json
from reconciler.providers.samsung_virtualserver.site import VERSION_HEADER
from reconciler.providers.talk import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from pydantic import BaseModel

WireT = TypeVar("WireT", bound="BaseModel")

BAD_REQUEST, DENIED, FORBIDDEN, ABSENT, NO_VERSION = 400, 401, 403, 404, 406
TIMED_OUT, CONFLICT, FIREWALL, TOO_MANY = 408, 409, 417, 429
CLIENT_ERRORS = range(400, 500)
SERVER_ERRORS = range(500, 600)
MAYBE_LATER = frozenset({TIMED_OUT, FIREWALL, TOO_MANY})
"""Statuses below 500 after which the same read may pass."""
FIREWALL_S = 20.0
"""Source: observed under about 80 lifecycles a minute; "tens of seconds" is our reading."""
CONFLICT_S = 40.0
"""Source: observed, a framework that asks 8 times, 15 s apart; the same two minutes, less calls."""
PAUSES: Mapping[int, float] = {FIREWALL: FIREWALL_S, CONFLICT: CONFLICT_S}
"""Seconds to wait after a status, where the answer itself says none."""
ANSWERS: Mapping[int, Answer] = {
    DENIED: Answer.DENIED,  # documented; a wrong signature, key or time
    FORBIDDEN: Answer.REFUSED,  # observed; one action isn't allowed, others may be
    NO_VERSION: Answer.DENIED,  # observed, `NoSuchVersion`
    TIMED_OUT: Answer.UNKNOWN,  # not documented
    CONFLICT: Answer.BUSY,  # documented without a text
    FIREWALL: Answer.UNKNOWN,  # observed; that nothing happened then is unverified
    TOO_MANY: Answer.BUSY,  # not documented
}
"""What a status says of a change; another 4xx is refused, everything else is unknown."""
PLAIN = frozenset({DENIED, FORBIDDEN, NO_VERSION, TOO_MANY})
"""Refusals that say all there is to know: looking would add nothing."""


class Shape(enum.Enum):
    """Who speaks in an error, told by its form."""

    CLOUD = "errors"
    """`{"errors": [{...}]}`: Virtual Server itself."""
    GATEWAY = "gateway"
    """`{"timestamp", "path", "status", "error", "requestId"}`: it never got that far."""
    ROWS = "rows"
    """`[{"type_", "loc", "msg", "ctx"}]`: what was sent doesn't fit."""
    OTHER = "other"
    """A page of the firewall, a torso, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What an answer says went wrong; `code` and `message` are empty where it doesn't say."""

    status: int
    shape: Shape
    code: str = ""
    message: str = ""
    request_id: str = ""
    retry_after_s: float | None = None

    @property
    def name(self) -> str:
        """Its code, or its status where it has none."""
        return self.code or f"http-{self.status}"


def fault(response: httpx.Response) -> Fault:
    """Give what an answer says went wrong, out of any of the shapes that were seen."""
    shape, code, message, request_id = _extracted(response.content)
    seconds = _seconds(response.headers.get("Retry-After"))
    if seconds is None:
        seconds = PAUSES.get(response.status_code)
    return Fault(
        status=response.status_code,
        shape=shape,
        code=clean(code),
        message=clean(message),
        request_id=clean(request_id) or answered_as(response),
        retry_after_s=seconds,
    )


def answered_as(response: httpx.Response) -> str:
    """Give the id that the headers have for this request; which header has it is unverified."""
    return clean(response.headers.get("X-Request-Id", ""))


def throttled(response: httpx.Response) -> bool:
    """Tell whether the whole scope is too fast, beyond a plain 429 or 503."""
    return response.status_code == FIREWALL


def gone(response: httpx.Response) -> bool:
    """Tell whether an answer says that what was asked for by its id doesn't exist.

    Only Virtual Server itself can say so: the gateway's own 404 is about the request.
    """
    if response.status_code not in {BAD_REQUEST, ABSENT}:
        return False
    return fault(response).shape in {Shape.CLOUD, Shape.ROWS}


def unsure(response: httpx.Response) -> bool:
    """Tell whether an answer that may say "gone" may as well be about the request or the account.

    A 400 is documented for a volume that isn't there, a 404 isn't, and was seen.
    """
    return response.status_code == BAD_REQUEST


def refusal(request: httpx.Request, response: httpx.Response) -> Receipt:
    """Give the receipt of a change that wasn't accepted."""
    found = fault(response)
    client_error = found.status in CLIENT_ERRORS
    otherwise = Answer.REFUSED if client_error else Answer.UNKNOWN
    answer = ANSWERS.get(found.status, otherwise)
    return Receipt(
        answer=answer,
        code=found.name,
        message=_words(request, found),
        request_id=found.request_id,
        retry_after_s=found.retry_after_s,
        look=answer is not Answer.UNKNOWN and found.status not in PLAIN,
    )


def unaccepted(response: httpx.Response) -> Receipt:
    """Give the receipt of a 2xx that isn't the documented one: it may have happened."""
    found = fault(response)
    return Receipt(
        answer=Answer.UNKNOWN,
        code=found.code or "bad-answer",
        message=found.message or f"HTTP {found.status} without what is documented",
        request_id=found.request_id,
        retry_after_s=found.retry_after_s,
    )


def read_error(request: httpx.Request, response: httpx.Response) -> ProviderError:
    """Give what a failed read raises."""
    found = fault(response)
    return ProviderError(
        f"{_where(request, found)}: HTTP {found.status} `{found.name}` {_words(request, found)}",
        code=found.name,
        request_id=found.request_id,
        retryable=found.status in MAYBE_LATER or found.status in SERVER_ERRORS,
        retry_after_s=found.retry_after_s,
    )


def bad_answer(request: httpx.Request, response: httpx.Response) -> ProviderError:
    """Give what a read raises whose answer isn't the documented JSON: a page, a torso."""
    found = fault(response)
    kind = clean(response.headers.get("Content-Type", "")) or "no type"
    said = found.message or "nothing"
    return ProviderError(
        f"{_where(request, found)}: HTTP {found.status}, not the documented JSON ({kind}): {said}",
        code=found.code or "bad-answer",
        request_id=found.request_id,
        retryable=True,
        retry_after_s=found.retry_after_s,
    )


def read(model: type[WireT], request: httpx.Request, response: httpx.Response) -> WireT:
    """Give what a read answered. Raises ProviderError when it failed or isn't as documented."""
    if not response.is_success:
        raise read_error(request, response)
    try:
        return model.model_validate(strict_json(response.content))
    except (ValueError, RecursionError) as error:  # pydantic's own error is a ValueError too
        raise bad_answer(request, response) from error


def denial(request: httpx.Request, response: httpx.Response) -> ProviderError | None:
    """Give what an answer that denies the access key or its signature raises; else None."""
    return read_error(request, response) if response.status_code == DENIED else None


def _where(request: httpx.Request, found: Fault) -> str:
    asked = f"{request.method} {request.url.path}"
    return f"{asked} (request id `{found.request_id}`)" if found.request_id else asked


def _words(request: httpx.Request, found: Fault) -> str:
    """Give the cloud's words and, where they alone leave a person puzzled, what to check."""
    said = found.message or f"HTTP {found.status}"
    if found.status == DENIED:
        return f"{said} (check the secret key, the access key and this machine's clock)"
    if found.status == NO_VERSION:
        asked = request.headers.get(VERSION_HEADER, "")
        return f"{said} (the version `{asked}` isn't offered: set `serviceVersion`)"
    if found.status == FIREWALL:
        return f"{said} (a firewall before the cloud answers so when it is asked too fast)"
    if found.status == ABSENT and found.shape is Shape.GATEWAY:
        # Observed: requests without the headers of a signature are answered so, not with a 401.
        return f"{said} (the gateway saw no credentials, or the address is another one's)"
    return said


def _extracted(body: bytes) -> tuple[Shape, str, str, str]:
    """Give the shape of an error, its code, its words and its request id."""
    match _json(body):
        case {"errors": [dict() as first, *_]}:
            detail = _text(first.get("detail"))
            words = detail or _text(first.get("title"))
            return Shape.CLOUD, _text(first.get("code")), words, _text(first.get("request_id"))
        case {"status": int(), "error": str() as words, "path": str(), **more}:
            return Shape.GATEWAY, "", words, _text(more.get("requestId"))
        case [{"msg": _}, *_] as rows:
            return Shape.ROWS, "", "; ".join(_row(row) for row in rows), ""
        case _:
            return Shape.OTHER, "", body[:4096].decode("utf-8", "replace"), ""


def _json(body: bytes) -> object:
    try:
        told: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told


def _row(told: object) -> str:
    if not isinstance(told, dict):
        return _text(told)
    place = told.get("loc")
    parts = place if isinstance(place, list) else [place]
    return ": ".join(word for word in (".".join(map(_text, parts)), _text(told.get("msg"))) if word)


def _text(told: object) -> str:
    """Give a text, a number, or what a list or an object of them says, in one line."""
    if isinstance(told, str):
        return told
    if isinstance(told, bool) or told is None:
        return ""
    if isinstance(told, int | float):
        return str(told)
    return json.dumps(told, ensure_ascii=False, sort_keys=True)


def _seconds(told: str | None) -> float | None:
    try:
        seconds = float(told or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None
