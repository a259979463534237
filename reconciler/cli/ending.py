"""What the end of this process depends on: what it began, and whether stdout took what it said."""

from __future__ import annotations

import io
import os
import select
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import TextIO

ERROR = 1
REFUSED = 3
INCOMPLETE = 4
INTERRUPTED = 130
"""The exit codes of all verbs; 0 and 2 mean what each verb says. See docs/reference/cli.md."""
IN_FLIGHT = (
    "Interrupted. Whatever was in flight is in the journal:\n"
    "   = hint: run `reconciler apply` again, it adopts what it finds\n"
)
NOTHING_SENT = "Interrupted. Nothing was sent that changes anything.\n"


@contextmanager
def unheard() -> Iterator[None]:
    """Let an interrupt end the process at once and without a word: nothing has begun yet.

    While modules are loaded Python may turn an interrupt into another error, such as that of a
    class that couldn't be made. Who ignores interrupts, as `nohup` does, goes on ignoring them.
    """
    ours = [
        one
        for one in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(one) is signal.default_int_handler
    ]
    for one in ours:
        signal.signal(one, _end_at_once)
    try:
        yield
    finally:
        for one in ours:
            signal.signal(one, signal.default_int_handler)


def _end_at_once(_signal: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


class _Process:
    began: bool = False
    unsaid: bool = False


_process = _Process()


def begins() -> None:
    """Note that from now on something may have been sent that changes a cloud."""
    _process.began = True


def last_words() -> str:
    """Give what an interrupt is answered with."""
    return IN_FLIGHT if _process.began else NOTHING_SENT


def code_in_the_end(code: int) -> int:
    """Give the exit code: a result that nobody got is no success, whatever it says."""
    if not _process.unsaid or code not in {0, 2}:
        return code
    return INCOMPLETE if _process.began else ERROR


class _Stdout(io.FileIO):
    """Stdout's descriptor; that it can't be written is told once and doesn't end a run.

    Below all buffers, so that nothing is left in one for the interpreter to fail on at its end.
    """

    given_up = False

    def write(self, content: object, /) -> int:
        """Write, and wait where a descriptor doesn't. Raises BrokenPipeError."""
        told = memoryview(cast("bytes", content))
        if self.given_up:
            return told.nbytes
        try:
            while (written := super().write(told)) is None:
                select.select((), (self,), ())
        except BrokenPipeError:
            raise
        except OSError as error:
            self.given_up = True
            self.gave_up(error)
            return told.nbytes
        return written

    def gave_up(self, error: OSError) -> None:
        """Tell that what follows is lost."""
        _process.unsaid = True
        sys.stderr.write(f"Error: stdout can't be written: {error.strerror}\n")


class _Stderr(_Stdout):
    """Stderr's descriptor: there is nobody to tell that nobody can be told."""

    def write(self, content: object, /) -> int:
        """Write, where anybody is there."""
        try:
            return super().write(content)
        except BrokenPipeError:
            self.given_up = True
            return memoryview(cast("bytes", content)).nbytes

    def gave_up(self, error: OSError) -> None:
        """Tell nobody."""


def prepare_streams() -> None:
    """Begin a process: no stream is missing, and none of them ends it."""
    _process.began = _process.unsaid = False
    # The lowest number that is free is the stream's own: no journal gets it, and no cloud.
    if sys.stdin is None:
        sys.stdin = _nothing(os.O_RDONLY, "r")
    if sys.stdout is None:
        # Read-only, so that whatever is said there is known to be lost.
        sys.stdout = _nothing(os.O_RDONLY, "w")
    if sys.stderr is None:
        sys.stderr = _nothing(os.O_WRONLY, "w")
    sys.stdout, sys.stderr = _lasting(sys.stdout, _Stdout), _lasting(sys.stderr, _Stderr)


def _nothing(access: int, mode: str) -> TextIO:
    """Give a stream in the place of one that was closed; its descriptor outlives it."""
    number = os.open(os.devnull, access)
    return cast("TextIO", os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _lasting(stream: TextIO, kind: type[_Stdout]) -> TextIO:
    # Names may be in any script: what an encoding can't say is shown, and ends nothing.
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    if type(stream) is not io.TextIOWrapper:
        return stream  # Not a descriptor's, but of who listens to what is said in this process.
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(kind(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
