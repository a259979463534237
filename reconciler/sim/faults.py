"""What a broken answer looks like, and how it goes out over the wire.

Statuses carry the bodies that the documents show for them. `reset` drops the connection
without an answer, `timeout` never answers, `stall` sends half and then nothing,
`truncate` sends half as if it were all.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.sim.exchange import Answer, answer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from reconciler.sim.gate import Gate
    from reconciler.sim.rules import Rule

DROP = "reconciler.sim.drop"
"""The key in the scope's extensions under which a server offers to drop the connection."""

LONGEST_SILENCE_S = 3600.0
"""After so long without an answer the connection is dropped; clients gave up before."""

_GATEWAY = {
    401: ("APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail"),
    403: ("APIGW.0302", "The IAM user is not authorized."),
    404: ("APIGW.0101", "The API does not exist or has not been published."),
    429: (
        "APIGW.0308",
        (
            "The throttling threshold has been reached: "
            "policy user over ratelimit,limit:200,time:1 minute"
        ),
    ),
    502: ("APIGW.0201", "Backend unavailable."),
    504: ("APIGW.0201", "Backend timeout."),
}
_BODILESS = (204, 205, 304)
_BACKEND = {
    500: ("Common.0001", "System error."),
    503: ("Common.1503", "The API request rate has been limited."),
}
_PAGE = b"<html><head><title>Sign in</title></head><body>Sign in to go on.</body></html>"
_PRETENDED = b'{"job_id":"ff80808288d41e1b018990260955686a"}'


class ConnectionDropped(Exception):  # noqa: N818
    """Raised where nothing below can drop a connection: an app that is called in process."""


def broken(rule: Rule, gate: Gate, real: Answer | None) -> Answer:
    """Give the answer that the rule puts in the place of the real one.

    `real` None: the change was not made. `reset` and `timeout` send nothing; what comes
    back for them is never sent.
    """
    headers = {} if rule.retry_after is None else {"Retry-After": rule.retry_after}
    if rule.fault.isdigit():
        return _status(int(rule.fault), gate, headers)
    if rule.fault == "throttle-202":
        error = {"code": "Common.0024", "message": "The flow is over the limit."}
        return answer(202, {"error": error}, headers)
    if rule.fault == "html":
        return Answer(status=200, body=_PAGE, media="text/html", headers=headers)
    whole = real or Answer(status=200, body=_PRETENDED)
    if rule.fault == "truncate":
        half = whole.body[: len(whole.body) // 2]
        return Answer(status=whole.status, body=half, media=whole.media, headers=headers)
    return whole


def _status(status: int, gate: Gate, headers: dict[str, str]) -> Answer:
    if status in _GATEWAY:
        return gate.gateway(status, *_GATEWAY[status], headers)
    if status in _BODILESS:
        return Answer(status=status, headers=headers)
    code, text = _BACKEND.get(status, ("Common.0999", f"Simulated answer {status}."))
    return answer(status, {"error": {"code": code, "message": text}}, headers)


async def deliver(
    reply: Answer, rule: Rule | None, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send the answer, or as much of it as the rule lets through."""
    fault = rule.fault if rule is not None and rule.kind == "answer" else ""
    if fault == "reset":
        return await _drop(scope, receive)
    if fault == "timeout":
        return await _hang(scope, receive)
    length = str(len(reply.body)).encode()
    headers = [(b"content-type", reply.media.encode()), (b"content-length", length)]
    headers += [(key.lower().encode(), text.encode()) for key, text in reply.headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if fault == "stall":
        half = reply.body[: len(reply.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        return await _hang(scope, receive)
    await send({"type": "http.response.body", "body": reply.body})
    return None


async def _hang(scope: Scope, receive: Receive) -> None:
    """Wait until the client goes away, in real or in the loop's virtual time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_SILENCE_S):
            return await _gone(receive)
    return await _drop(scope, receive)


async def _drop(scope: Scope, receive: Receive) -> None:
    drop = scope.get("extensions", {}).get(DROP)
    if drop is None:
        raise ConnectionDropped("the simulated cloud dropped the connection")
    drop()
    # Returning before the server has noticed would make it answer 500 in our place.
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
