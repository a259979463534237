"""Asking a person on the terminal, and being interrupted while waiting for the answer."""

from __future__ import annotations

import signal
import sys

from reconciler.cli.interrupt import SIGNALS
from reconciler.cli.outcome import say


def answer(question: str) -> str:
    """Ask on stderr and wait; an interrupt ends the wait at once.

    The event loop would note it for later, and a read of a terminal has no later.
    """
    before = {one: signal.signal(one, signal.default_int_handler) for one in SIGNALS}
    try:
        say(question, err=True)
        line = sys.stdin.readline()
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    if not line.endswith("\n"):
        say("\n", err=True)  # The end of the input leaves the cursor behind the question.
    return line.strip()
