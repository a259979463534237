"""How Huawei Cloud says that something went wrong, whichever of its services says it; pure.

1. A code decides before the HTTP status does: the vendor warns that the status isn't reliable.
2. A code that isn't listed: 429 is busy, 401 is denied, another 4xx is refused, everything else
   is in doubt.
3. In doubt, a change is UNKNOWN and a read may be tried again.

Source: API Gateway, "Error Codes"; huaweicloudsdkcore 3.1.219 for the shapes of an error. What the
codes of a service mean stands in that service's `errors.py`.
"""

from __future__ import annotations

import enum
import json
import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import ProviderError
from reconciler.model.call import Verb
from reconciler.model.outcome import Answer, Receipt
from reconciler.providers.requests import strict_json
from reconciler.providers.rows import Row
from reconciler.providers.talk import clean
from reconciler.providers.whole import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from pydantic import BaseModel

WireT = TypeVar("WireT", bound="BaseModel | Row")


class Meaning(enum.Enum):
    """What a code says about the change that was asked for."""

    REFUSED = "refused"
    """Nothing happened, and the same call won't pass."""
    DENIED = "denied"
    """Nothing happened, and no call with these credentials will pass."""
    BUSY = "busy"
    """Nothing happened, and the same call may pass later."""
    PRESENT = "present"
    """The volume is on this server already."""
    ABSENT = "absent"
    """There is nothing to detach: no such attachment, server or volume."""
    DOUBT = "doubt"
    """It may have happened."""


GATEWAY_CODES: Mapping[str, Meaning] = {
    "APIGW.0308": Meaning.BUSY,  # the user, the app or the address asks too often
    "APIGW.0301": Meaning.DENIED,  # IAM authentication is wrong
    "APIGW.0302": Meaning.DENIED,  # the user is on a list of those who may not
    "APIGW.0303": Meaning.DENIED,  # app authentication is wrong, or the clock is
    "APIGW.0305": Meaning.DENIED,  # authentication is incorrect
    "APIGW.0307": Meaning.DENIED,  # the token ended, or is another region's
    "APIGW.0802": Meaning.DENIED,  # the user is barred in this region
}
"""What the gateway's own codes mean, in front of every service."""

KEY_CODES = frozenset({"APIGW.0301", "APIGW.0303", "APIGW.0305"})
"""The access key or its signature is wrong, whatever the HTTP status; a policy says 0302 or 0802.
"""
POLICY_CODES = frozenset({"APIGW.0302", "APIGW.0802", "Common.0018"})
TOKEN_CODES = frozenset(
    {
        "APIGW.0307",
        "Common.0013",
        "EVS.5401",
        "ModelArts.0202",
        "ModelArts.0205",
        "ModelArts.0207",
    }
)
"""With HTTP 401: the token has ended, or ends early after a change of password or permissions.

Source: error codes of the gateway, EVS and ModelArts; that ModelArts sends its own with 401 only
when the token itself is at fault is unverified."""
TOKEN_CODE, TOKEN_WORD = "APIGW.0301", "token"
"""Source: gateway codes, APIGW.0301: `decrypt token fail`, `token expires, expires_at: ...`,
`x-auth-token not found`; its other texts are about access keys."""

ADVICE: tuple[tuple[str, str], ...] = (
    # Source: gateway codes, APIGW.0301 and 0303: the message tells which, the code doesn't.
    ("verify aksk signature fail", "check the secret key"),
    ("signature expired", "check this machine's clock, or renew the temporary access key"),
    ("ak not exist", "check the access key"),
    ("reach the limit", "the access key is locked for 5 minutes after 5 failures: wait"),
)
PAIRS = (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message"))
"""Where a code and its words stand. Source: huaweicloudsdkcore 3.1.219, its order of looking."""
GATEWAY = re.compile(r"^APIG(W)?\.")
"""Some regions write `APIG.` before the gateway's codes."""
NOT_FOUND = "itemNotFound"
OK = 200
UNAUTHORIZED = 401
TOO_MANY = 429
GONE = 404
CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What an answer says went wrong; `code` and `message` are empty where it doesn't say."""

    status: int
    code: str = ""
    message: str = ""
    request_id: str = ""
    absent: bool = False
    """True when Nova or Cinder says, inside another error, that something wasn't found."""
    retry_after_s: float | None = None
    listed: Meaning | None = None
    """What the service's table says about its code; None where the code isn't in it."""

    @property
    def plain_code(self) -> str:
        """The code as it is listed, whatever the region puts before it."""
        return GATEWAY.sub("APIGW.", self.code)

    @property
    def meaning(self) -> Meaning:
        """What it says about a change."""
        if self.absent:
            return Meaning.ABSENT
        if self.listed is not None:
            return self.listed
        if self.status == TOO_MANY:
            return Meaning.BUSY
        if self.status == UNAUTHORIZED:
            return Meaning.DENIED
        return Meaning.REFUSED if self.status in CLIENT_ERRORS else Meaning.DOUBT

    @property
    def words(self) -> str:
        """The cloud's words and, where they tell which key or clock is wrong, what to check."""
        said = self.message or f"HTTP {self.status}"
        lower = said.lower()
        advice = next((hint for sign, hint in ADVICE if sign in lower), None)
        return said if advice is None else f"{said} ({advice})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How the errors of one service are read."""

    codes: Mapping[str, Meaning]
    throttles: frozenset[str]
    """Codes by which a cloud asks the whole scope to slow down."""
    pauses: Mapping[str, float] = field(default_factory=dict)
    """Seconds that a code's own page asks to wait, where the answer itself says none."""
    doubts_unlisted: bool = False
    """True where few codes are published: a refusal by another one is looked at first."""

    def fault(self, response: httpx.Response) -> Fault:
        """Give what an answer says went wrong, out of any of the documented shapes."""
        code, message, absent = _extracted(response.content)
        seconds = _seconds(response.headers.get("Retry-After"))
        found = Fault(
            status=response.status_code,
            code=clean(code),
            message=clean(message),
            request_id=request_id(response),
            absent=absent,
            retry_after_s=seconds,
        )
        pause_s = self.pauses.get(found.plain_code) if seconds is None else seconds
        return replace(found, retry_after_s=pause_s, listed=self.codes.get(found.plain_code))

    def throttled(self, response: httpx.Response) -> bool:
        """Tell whether the cloud asks the whole scope to slow down; a plain 200 never does."""
        return response.status_code != OK and self.fault(response).plain_code in self.throttles

    def refusal(self, verb: Verb, response: httpx.Response) -> Receipt:
        """Give the receipt of a change that wasn't accepted."""
        found = self.fault(response)
        answer = _answer(found.meaning, verb)
        unlisted = found.listed is None and not found.absent
        return Receipt(
            answer=answer,
            code=found.code or f"http-{found.status}",
            message=found.words,
            request_id=found.request_id,
            retry_after_s=found.retry_after_s,
            look=self.doubts_unlisted and unlisted and answer is Answer.REFUSED,
        )

    def unaccepted(self, response: httpx.Response) -> Receipt:
        """Give the receipt of a 2xx that names no job: throttled where it says so, else unknown."""
        found = self.fault(response)
        busy = found.plain_code in self.throttles
        return Receipt(
            answer=Answer.BUSY if busy else Answer.UNKNOWN,
            code=found.code or "no-job",
            message=found.message or f"HTTP {found.status} without a job",
            request_id=found.request_id,
            retry_after_s=found.retry_after_s,
        )

    def read_error(self, request: httpx.Request, response: httpx.Response) -> ProviderError:
        """Give what a failed read raises."""
        found = self.fault(response)
        retryable = found.meaning in {Meaning.BUSY, Meaning.DOUBT} and not response.is_redirect
        code = found.code or f"http-{found.status}"
        return ProviderError(
            f"{_where(request, found)}: HTTP {found.status} `{code}` {found.words}",
            code=code,
            request_id=found.request_id,
            retryable=retryable,
            retry_after_s=found.retry_after_s,
        )

    def denial(self, request: httpx.Request, response: httpx.Response) -> ProviderError | None:
        """Give what an answer that denies the access key, user or token raises; else None.

        A denial by policy is none: the credentials are right, and other calls may pass.
        """
        found = self.fault(response) if response.status_code in CLIENT_ERRORS else None
        if found is None or found.meaning is not Meaning.DENIED or found.plain_code in POLICY_CODES:
            return None
        denies = found.status == UNAUTHORIZED or found.plain_code in KEY_CODES
        return self.read_error(request, response) if denies else None

    def token_ended(self, response: httpx.Response) -> bool:
        """Tell whether an answer says that the token has ended; nothing happened then."""
        if response.status_code != UNAUTHORIZED:
            return False
        found = self.fault(response)
        of_token = found.plain_code == TOKEN_CODE and TOKEN_WORD in found.message.lower()
        return of_token or found.plain_code in TOKEN_CODES

    def bad_answer(self, request: httpx.Request, response: httpx.Response) -> ProviderError:
        """Give what a read raises whose answer isn't the documented JSON: a page, a torso."""
        found = self.fault(response)
        kind = clean(response.headers.get("Content-Type", "")) or "no type"
        said = found.message or "nothing"
        return ProviderError(
            f"{_where(request, found)}: HTTP {found.status}, not the documented JSON ({kind}): "
            f"{said}",
            code=found.code or "bad-answer",
            request_id=found.request_id,
            retryable=True,
            retry_after_s=found.retry_after_s,
        )

    def read(self, model: type[WireT], request: httpx.Request, response: httpx.Response) -> WireT:
        """Give what a read answered. Raises ProviderError when it failed or isn't as documented."""
        if not response.is_success:
            raise self.read_error(request, response)
        try:
            return _as(model, response.content)
        except (ValueError, RecursionError) as error:  # pydantic's own error is a ValueError too
            raise self.bad_answer(request, response) from error


def _as(model: type[WireT], body: bytes) -> WireT:
    if issubclass(model, Row):
        return read(model, body)
    return model.model_validate(strict_json(body))


def request_id(response: httpx.Response) -> str:
    """Give the id under which the vendor finds this request; empty when it didn't say."""
    return clean(response.headers.get("X-Request-Id", ""))


def _where(request: httpx.Request, found: Fault) -> str:
    asked = f"{request.method} {request.url.path}"
    return f"{asked} (request id `{found.request_id}`)" if found.request_id else asked


def _answer(meaning: Meaning, verb: Verb) -> Answer:
    match meaning:
        case Meaning.BUSY:
            return Answer.BUSY
        case Meaning.DOUBT:
            return Answer.UNKNOWN
        case Meaning.DENIED:
            return Answer.DENIED
        case Meaning.PRESENT if verb is Verb.ATTACH:
            return Answer.ALREADY
        case Meaning.ABSENT if verb in {Verb.DETACH, Verb.DESTROY}:
            return Answer.ALREADY
        case _:
            return Answer.REFUSED


def _seconds(told: str | None) -> float | None:
    try:
        seconds = float(told or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _extracted(body: bytes) -> tuple[str, str, bool]:
    told = _json(body)
    if not isinstance(told, dict):
        return "", body[:4096].decode("utf-8", "replace"), False
    code, message = _code_and_message(told)
    inner = _json(message.encode("utf-8", "replace")) if message.startswith("{") else None
    if isinstance(inner, dict):
        # Nova's own answer, as text inside of ECS's: the code outside only says that it failed.
        inner_code, inner_message = _code_and_message(inner)
        return code, inner_message or message, inner_code == NOT_FOUND
    return code, message, code == NOT_FOUND


def _json(body: bytes) -> object:
    try:
        told: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told


def _code_and_message(told: Mapping[str, object]) -> tuple[str, str]:
    code, message = _flat(told)
    if code or message:
        return code, message
    for name, inside in told.items():
        if isinstance(inside, dict):
            code, message = _flat(inside)
            if code or message:
                # `{"itemNotFound": {"code": 404}}`: the name says more than the number.
                named = name != "error" and (not code or code.isdecimal())
                return (name if named else code), message
    error = told.get("error")
    return "", error if isinstance(error, str) else ""


def _flat(told: Mapping[str, object]) -> tuple[str, str]:
    for code_name, message_name in PAIRS:
        code, message = _word(told.get(code_name)), _word(told.get(message_name))
        if code or message:
            return code, " ".join((message, *_details(told.get("details")))).strip()
    return "", ""


def _details(told: object) -> tuple[str, ...]:
    rows = [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []
    return tuple(f"{_word(row.get('code'))} {_word(row.get('message'))}".strip() for row in rows)


def _word(told: object) -> str:
    return str(told) if isinstance(told, str | int) and not isinstance(told, bool) else ""
