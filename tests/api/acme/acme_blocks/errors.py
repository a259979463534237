"""What the refusals of Acme Blocks mean for a read and for a change; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import ProviderError
from reconciler.model.outcome import Answer, Receipt
from reconciler.providers.lenient import Wire
from reconciler.providers.requests import strict_json
from reconciler.providers.talk import clean

from .wire import WireProblem

if TYPE_CHECKING:
    import httpx

WireT = TypeVar("WireT", bound=Wire)

DENIED, BUSY, TOO_FAST, SERVER_ERRORS = 401, 409, 429, range(500, 600)
CLIENT_ERRORS = range(400, 500)
BUSY_S = 60.0
"""A change takes some seconds, and nobody says how many are before ours."""
ANSWERS = {
    "busy": Answer.BUSY,
    "so-already": Answer.ALREADY,
    "absent": Answer.REFUSED,
    "taken": Answer.REFUSED,
    "denied": Answer.DENIED,
}
"""A word that isn't here refuses, where the status says that nothing happened."""


def problem(response: httpx.Response) -> WireProblem:
    """Give why; what isn't JSON says it with its first words."""
    try:
        return WireProblem.model_validate(strict_json(response.content))
    except (ValueError, RecursionError):
        return WireProblem(text=response.text[:300])


def refusal(response: httpx.Response) -> Receipt:
    """Give the receipt of a change that wasn't accepted; a 5xx may have happened."""
    told = problem(response)
    refused = response.status_code in CLIENT_ERRORS
    otherwise = Answer.BUSY if response.status_code == TOO_FAST else Answer.REFUSED
    return Receipt(
        answer=ANSWERS.get(told.problem, otherwise) if refused else Answer.UNKNOWN,
        code=told.problem or f"http-{response.status_code}",
        message=clean(told.text),
        request_id=response.headers.get("X-Request-Id", ""),
        retry_after_s=BUSY_S if told.problem == "busy" else None,
    )


def read(model: type[WireT], request: httpx.Request, response: httpx.Response) -> WireT:
    """Give what a read answered. Raises ProviderError when it failed or isn't as documented."""
    if not response.is_success:
        raise read_error(request, response)
    try:
        return model.model_validate(strict_json(response.content))
    except (ValueError, RecursionError) as error:
        where = f"{request.method} {request.url.path}"
        message = f"{where}: not the documented JSON"
        raise ProviderError(message, code="bad-answer", retryable=True) from error


def read_error(request: httpx.Request, response: httpx.Response) -> ProviderError:
    """Give what a failed read raises."""
    told, status = problem(response), response.status_code
    check = " (check the access key and the secret key)" if status == DENIED else ""
    return ProviderError(
        f"{request.method} {request.url.path}: HTTP {status} {clean(told.text)}{check}",
        code=told.problem or f"http-{status}",
        request_id=response.headers.get("X-Request-Id", ""),
        retryable=status in {BUSY, TOO_FAST} or status in SERVER_ERRORS,
    )


def denial(request: httpx.Request, response: httpx.Response) -> ProviderError | None:
    """Give what an answer that denies the key or its signature raises; else None."""
    return read_error(request, response) if response.status_code == DENIED else None
