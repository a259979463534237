"""What the error codes of ECS, EVS and the gateway mean for a read and for a change; pure.

1. A code decides before the HTTP status does: the vendor warns that the status isn't reliable.
2. A code that isn't listed: 429 is busy, 401 is denied, another 4xx is refused, everything else
   is in doubt.
3. In doubt, a change is UNKNOWN and a read may be tried again.

Source: ECS API reference, "Error Codes"; EVS API reference, "Error Codes"; API Gateway, "Error
Codes"; the column "what to do" of these pages is the vendor's, the reading of it is ours.
"""

from __future__ import annotations

import enum
import json
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.model.call import Verb
from reconciler.model.outcome import Answer, Receipt
from reconciler.providers.talk import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx


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


THROTTLES = frozenset({"APIGW.0308", "Common.0024", "Common.1503"})
"""The whole scope is too fast. Common.0024 comes with HTTP 202.

Source: gateway codes (0308), ECS codes (Common.*)."""

ANOTHER_COMMAND = "Ecs.0603"
ANOTHER_COMMAND_S = 60.0
"""Source: ECS codes, Ecs.0603 (HTTP 501): "try again in 1 minute"."""

_MEANINGS: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.BUSY: (
        *sorted(THROTTLES),
        ANOTHER_COMMAND,
        "Ecs.0301",  # ECS codes: querying the server failed, before anything was asked of it
        "Ecs.1100",  # ECS codes: IAM failed, before anything was asked of the server
        "EVS.2409",  # not in a table; terraform-provider-huaweicloud tries it again
    ),
    # ECS codes; the CSI driver takes it for success as well.
    Meaning.PRESENT: ("Ecs.0057",),
    # ECS codes; 0111 is no attachment, 0114 and 0614 (HTTP 404) are no server.
    Meaning.ABSENT: ("Ecs.0111", "Ecs.0114", "Ecs.0614"),
    Meaning.DOUBT: (
        "Ecs.0002",  # ECS codes: submission failed, which doesn't say where
        "Ecs.0205",  # ECS codes: attaching failed, usually told by the job
        "Ecs.0611",  # ECS codes: a batch failed, maybe in part
        "Ecs.0617",  # ECS codes: changing a disk's attribute failed
        "Ecs.1000",  # ECS codes: Nova failed; itemNotFound inside is told apart before
        "Ecs.1001",  # ECS codes: OpenStack error
        "Ecs.1002",  # ECS codes: OpenStack timed out, the outcome isn't known
        "Ecs.1300",  # ECS codes: EVS timed out
        "Common.0001",  # ECS codes: system error
        "Common.0020",  # ECS codes: trying a job again failed
        "Common.0021",  # ECS codes: asking after a job failed, or a sub-job did
        "Common.0022",  # ECS codes: submitting a job failed
        "Common.0025",  # ECS codes: asking after a job failed
        "Common.0026",  # ECS codes: the region of a job could not be read
        "Common.0999",  # ECS codes: a job ended early
        "EVS.2001",  # EVS codes: submission failed
        "EVS.2002",  # EVS codes: system unavailable
        "EVS.2005",  # EVS codes: connection trouble
        "EVS.2007",  # EVS codes: writing metadata timed out
        "EVS.2023",  # EVS codes: connection timed out
        "EVS.2131",  # EVS codes: asking after the server failed
        "EVS.2134",  # EVS codes: ECS failed to attach
        "EVS.5500",  # EVS codes: internal error
        "EVS.5503",  # EVS codes: not available
    ),
    Meaning.DENIED: (
        "APIGW.0301",  # gateway codes: IAM authentication is wrong
        "APIGW.0302",  # gateway codes: the user is on a list of those who may not
        "APIGW.0303",  # gateway codes: app authentication is wrong, or the clock is
        "APIGW.0305",  # gateway codes: authentication is incorrect
        "APIGW.0307",  # gateway codes: the token ended, or is another region's
        "APIGW.0802",  # gateway codes: the user is barred in this region
        "Common.0013",  # ECS codes: invalid token
        "Common.0018",  # ECS codes: another project's credentials
        "EVS.5401",  # EVS codes: authentication required
    ),
    # Listed because their HTTP status may say something else, or because it is tempting to wait.
    Meaning.REFUSED: (
        "Ecs.0003",  # ECS codes: the account is restricted
        "Ecs.0100",  # ECS codes: the server is neither running nor stopped, or is changing
        "Ecs.0102",  # ECS codes: the disk's status doesn't permit a detach
        "Ecs.0103",  # ECS codes: the disk isn't available: elsewhere, attaching, frozen
        "Ecs.0104",  # ECS codes: no free slot
        "Ecs.0107",  # ECS codes: the shared disk has all its servers
        "Ecs.0118",  # ECS codes: too many servers in a batch
        "Ecs.0605",  # ECS codes: the server is locked
        "EVS.2021",  # EVS codes, HTTP 500: the volume is error_detaching
        "EVS.2024",  # EVS codes, HTTP 500: the volume is in error
        "EVS.2068",  # EVS codes: the volume is locked
    ),
}
CODES: Mapping[str, Meaning] = {
    code: meaning for meaning, codes in _MEANINGS.items() for code in codes
}

KEY_CODES = frozenset({"APIGW.0301", "APIGW.0303", "APIGW.0305"})
"""The access key or its signature is wrong, whatever the HTTP status; a policy says 0302 or 0802.
"""
POLICY_CODES = frozenset({"APIGW.0302", "APIGW.0802", "Common.0018"})
TOKEN_CODES = frozenset({"APIGW.0307", "Common.0013", "EVS.5401"})
"""With HTTP 401: the token has ended, or ends early after a change of password or permissions."""
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

    @property
    def plain_code(self) -> str:
        """The code as it is listed, whatever the region puts before it."""
        return GATEWAY.sub("APIGW.", self.code)

    @property
    def meaning(self) -> Meaning:
        """What it says about a change."""
        if self.absent:
            return Meaning.ABSENT
        if self.plain_code in CODES:
            return CODES[self.plain_code]
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


def fault(response: httpx.Response) -> Fault:
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
    if seconds is None and found.plain_code == ANOTHER_COMMAND:
        return replace(found, retry_after_s=ANOTHER_COMMAND_S)
    return found


def request_id(response: httpx.Response) -> str:
    """Give the id under which the vendor finds this request; empty when it didn't say."""
    return clean(response.headers.get("X-Request-Id", ""))


def throttled(response: httpx.Response) -> bool:
    """Tell whether the cloud asks the whole scope to slow down; a plain 200 never does."""
    return response.status_code != OK and fault(response).plain_code in THROTTLES


def refusal(verb: Verb, response: httpx.Response) -> Receipt:
    """Give the receipt of a change that wasn't accepted."""
    found = fault(response)
    return Receipt(
        answer=_answer(found.meaning, verb),
        code=found.code or f"http-{found.status}",
        message=found.words,
        request_id=found.request_id,
        retry_after_s=found.retry_after_s,
    )


def unaccepted(response: httpx.Response) -> Receipt:
    """Give the receipt of a 2xx that names no job: throttled where it says so, else unknown."""
    found = fault(response)
    busy = found.plain_code in THROTTLES
    return Receipt(
        answer=Answer.BUSY if busy else Answer.UNKNOWN,
        code=found.code or "no-job",
        message=found.message or f"HTTP {found.status} without a job",
        request_id=found.request_id,
        retry_after_s=found.retry_after_s,
    )


def read_error(request: httpx.Request, response: httpx.Response) -> ProviderError:
    """Give what a failed read raises."""
    found = fault(response)
    retryable = found.meaning in {Meaning.BUSY, Meaning.DOUBT} and not response.is_redirect
    code = found.code or f"http-{found.status}"
    return ProviderError(
        f"{_where(request, found)}: HTTP {found.status} `{code}` {found.words}",
        code=code,
        request_id=found.request_id,
        retryable=retryable,
        retry_after_s=found.retry_after_s,
    )


def denial(request: httpx.Request, response: httpx.Response) -> ProviderError | None:
    """Give what an answer that denies the access key, user or token raises; else None.

    A denial by policy is none: the credentials are right, and other calls may pass.
    """
    found = fault(response) if response.status_code in CLIENT_ERRORS else None
    if found is None or found.meaning is not Meaning.DENIED or found.plain_code in POLICY_CODES:
        return None
    denies = found.status == UNAUTHORIZED or found.plain_code in KEY_CODES
    return read_error(request, response) if denies else None


def token_ended(response: httpx.Response) -> bool:
    """Tell whether an answer says that the token has ended; nothing happened then."""
    if response.status_code != UNAUTHORIZED:
        return False
    found = fault(response)
    of_token = found.plain_code == TOKEN_CODE and TOKEN_WORD in found.message.lower()
    return of_token or found.plain_code in TOKEN_CODES


def bad_answer(request: httpx.Request, response: httpx.Response) -> ProviderError:
    """Give what a read raises whose answer isn't the documented JSON: a proxy's page, a torso."""
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
        case Meaning.ABSENT if verb is Verb.DETACH:
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
