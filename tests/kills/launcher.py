"""The real command line, in a process that may die: `python -m tests.kills.launcher ORDERS ARGS`.

ORDERS is one JSON mapping, every key optional:

  point, nth    die by SIGKILL at the nth passage of a point, one of `ARMED`
  hurry         the event loop's seconds are this much shorter
  startAt       wait for this reading of the monotonic clock, which all processes share
  beganAt       write the reading of that clock into this file when the command begins
  shiftS        how far the clock on the wall is set off, but not for what signs requests: a cloud
                refuses a signature of another hour, whatever the lease says
  nameless      true: nobody can tell from outside whether this process still lives

Nothing in the product knows of this: its functions are wrapped in this process alone.
"""

from __future__ import annotations

import contextvars
import functools
import json
import os
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import httpx

from reconciler.cli.main import main
from reconciler.execution.ledger import Ledger
from reconciler.journal import process
from reconciler.operations import wiring
from reconciler.providers.http import HttpProvider
from tests.hostile.hurried import hurried

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from reconciler.providers.spec import Opening

P = ParamSpec("P")
T = TypeVar("T")

SENT = "send_request_body.complete"
"""How the event is called that follows the last byte of a request into the kernel."""
SPIN_S = 0.0003
"""The rest of a wait is spent awake: whoever is awake for longer is put aside on a busy machine."""
submitting = contextvars.ContextVar("submitting", default=False)


class Fuse:
    """Counts passages, and ends the process at the last one."""

    def __init__(self, nth: int) -> None:
        self._left = nth

    def __call__(self) -> None:
        """Pass; after the last passage nothing runs, not even a `finally`."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def before(passed: Callable[[], None], function: Callable[P, T]) -> Callable[P, T]:
    """Give the function, with the point just before it."""

    @functools.wraps(function)
    def met(*args: P.args, **kwargs: P.kwargs) -> T:
        passed()
        return function(*args, **kwargs)

    return met


def answered(
    passed: Callable[[], None], function: Callable[P, Awaitable[T]]
) -> Callable[P, Awaitable[T]]:
    """Give what submits a call, with the point just after its answer."""

    @functools.wraps(function)
    async def met(*args: P.args, **kwargs: P.kwargs) -> T:
        result = await function(*args, **kwargs)
        passed()
        return result

    return met


def marked(_: Callable[[], None], function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Give what submits a call; inside of it `submitting` is true."""

    @functools.wraps(function)
    async def met(*args: P.args, **kwargs: P.kwargs) -> T:
        token = submitting.set(True)
        try:
            return await function(*args, **kwargs)
        finally:
            submitting.reset(token)

    return met


def traced(
    passed: Callable[[], None], function: Callable[P, Awaitable[T]]
) -> Callable[P, Awaitable[T]]:
    """Give what sends a request, with the point between the last byte out and the first one in."""

    async def trace(event: str, _: Mapping[str, object]) -> None:
        if event.endswith(SENT):
            passed()

    @functools.wraps(function)
    async def met(*args: P.args, **kwargs: P.kwargs) -> T:
        request = args[1]
        assert isinstance(request, httpx.Request)
        if submitting.get():
            request.extensions = {**request.extensions, "trace": trace}
        return await function(*args, **kwargs)

    return met


Wrap = tuple[type, str, Any]
ARMED: Mapping[str, tuple[Wrap, ...]] = {
    "before-intent": ((Ledger, "begin", before),),
    "intent-durable": ((Ledger, "begin", answered),),
    "request-sent": (
        (HttpProvider, "submit", marked),
        (httpx.AsyncHTTPTransport, "handle_async_request", traced),
    ),
    "response": ((HttpProvider, "submit", answered),),
    "handle-durable": ((Ledger, "accepted", answered),),
    "verdict-durable": ((Ledger, "end", answered),),
}
"""Where a process may be killed, and what is wrapped for it."""


def arm(point: str, nth: int) -> None:
    """Let this process die at the nth passage of a point."""
    fuse = Fuse(nth)
    for owner, name, wrap in ARMED[point]:
        setattr(owner, name, wrap(fuse, getattr(owner, name)))


def set_off(seconds: float) -> None:
    """Set the clock on the wall of this process off, but not for what signs requests."""
    right_s, right, opening = time.time, datetime.now, wiring.opening

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Shifted:
            told = right(tz) + timedelta(seconds=seconds)
            return cls.fromtimestamp(told.timestamp(), tz)

    @functools.wraps(opening)
    def signing(*args: Any, **kwargs: Any) -> Opening:  # noqa: ANN401 - passed on as it is
        return replace(opening(*args, **kwargs), utc_now=lambda: right(UTC))

    swapped: tuple[tuple[object, str, object], ...] = (
        (time, "time", lambda: right_s() + seconds),
        (wiring, "datetime", Shifted),
        (wiring, "opening", signing),
    )
    for owner, name, stand_in in swapped:
        setattr(owner, name, stand_in)


def hide() -> None:
    """Let nobody tell from outside whether this process lives."""
    process.fingerprint = lambda: ""


def wait_until(reading_s: float) -> None:
    """Wait for a reading of the monotonic clock, to less than a millisecond."""
    time.sleep(max(0.0, reading_s - time.monotonic() - SPIN_S))
    while time.monotonic() < reading_s:
        pass


def run(orders: Mapping[str, Any]) -> None:
    """Obey, then be the command line."""
    with ExitStack() as stack:
        if "point" in orders:
            arm(orders["point"], orders["nth"])
        if orders.get("nameless"):
            hide()
        if "shiftS" in orders:
            set_off(orders["shiftS"])
        if "hurry" in orders:
            stack.enter_context(hurried(orders["hurry"]))
        if "startAt" in orders:
            wait_until(orders["startAt"])
        began_s = time.monotonic()
        if "beganAt" in orders:
            Path(orders["beganAt"]).write_text(str(began_s), encoding="utf-8")
        main()


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    sys.argv = ["reconciler", *sys.argv[2:]]
    run(told)
