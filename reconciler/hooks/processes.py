"""Hooks as processes: one value each, no shell, no credentials, an end in any case.

1. What a command is told comes by its environment and as JSON on its stdin; its arguments hold ids.
2. Its environment is made anew: a few harmless variables of ours, and what it is told.
3. It leads a process group of its own, which is ended at the timeout and when nobody waits any
   more: TERM, and KILL five seconds later. The keyboard's interrupt doesn't reach it.
4. What it writes is bounded, without secrets, and cleaned before anybody sees it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import tempfile
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from reconciler.hooks.definitions import asks_for, filled
from reconciler.model.hook import HookEnd, HookVerdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
    from typing import BinaryIO

    from reconciler.hooks.definitions import Commands
    from reconciler.model.finding import Finding
    from reconciler.model.hook import Errand, Hook

KEPT = ("PATH", "HOME", "LANG", "TZ")
"""The variables of ours that a hook has; everything else may hold a secret."""
PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
"""An id that is one word, and no option, wherever it ends up."""
TAIL_BYTES = 16 * 1024
"""How much of what a hook wrote is kept."""
LAST_LINES, LAST_SAID = 20, 3
"""How many lines of it are recorded, and how many a message repeats."""
LONGEST_LINE = 300
GRACE_S = 5.0
"""How long a group has to end after TERM: an unmount under way may still finish."""
DRAIN_S = 0.5
"""How long output is waited for once the command has ended: what it left running keeps it open."""


class Processes:
    """GuestHooks (see `ports`), as processes of this machine."""

    def __init__(
        self, commands: Commands, environ: Mapping[str, str], hide: Callable[[str], str]
    ) -> None:
        self._commands = commands
        self._kept = {name: environ[name] for name in KEPT if name in environ}
        self._hide = hide

    def problem(self, hook: Hook) -> Finding | None:
        """Tell why the hook of a policy can't be run here; None: it can."""
        return self._commands.problem(hook)

    async def run(self, errand: Errand, run: str) -> HookEnd:
        """Run a command to its end or its timeout."""
        words = self._commands.words.get(errand.hook.name)
        if words is None:
            return _failed("is defined nowhere on this machine")
        ids = {"server_id": errand.key.server_id, "volume_id": errand.key.volume_id, "run": run}
        odd = [name for name in sorted(asks_for(words)) if not PLAIN_ID.fullmatch(ids[name])]
        if odd:
            return _failed(f"asks for `{{{odd[0]}}}`, and {ids[odd[0]]!r} can't be an argument")
        began_s = asyncio.get_running_loop().time()
        try:
            code, output = await self._ended(
                filled(words, ids),
                _told(errand, run),
                _document(errand, run),
                errand.hook.timeout_s,
            )
        except (OSError, ValueError) as error:
            return _failed(f"couldn't be started: {error}")
        took_s = asyncio.get_running_loop().time() - began_s
        lines = _lines(self._hide(output.text()), whole=output.whole)
        return _end(code, lines, took_s, errand.hook.timeout_s)

    async def _ended(
        self, words: tuple[str, ...], told: Mapping[str, str], document: str, timeout_s: float
    ) -> tuple[int | None, Output]:
        """Start a command and wait for its end; give its code, None where it was overdue."""
        environ = {**self._kept, **{f"RECONCILER_{name}": text for name, text in told.items()}}
        output = Output(asyncio.Event())
        async with _listening(output) as writing:
            with tempfile.TemporaryFile() as stdin:
                stdin.write(document.encode())
                stdin.seek(0)
                process = await _started(
                    asyncio.create_subprocess_exec(
                        *words,
                        stdin=stdin,
                        stdout=writing,
                        stderr=asyncio.subprocess.STDOUT,
                        env=environ,
                        start_new_session=True,
                    )
                )
            writing.close()
            try:
                async with asyncio.timeout(timeout_s):
                    await process.wait()
            except TimeoutError:
                return None, output
            finally:
                await _end_group(process)
                with suppress(TimeoutError):
                    async with asyncio.timeout(DRAIN_S):
                        await output.closed.wait()
        return process.returncode, output


class Output(asyncio.Protocol):
    """Keeps the last of what a command writes, however much it is."""

    def __init__(self, closed: asyncio.Event) -> None:
        self.closed = closed
        """Set once nobody can write any more."""
        self.whole = True
        self._tail = bytearray()

    def data_received(self, written: bytes, /) -> None:
        """Take in what was written."""
        self._tail += written
        if len(self._tail) > TAIL_BYTES:
            del self._tail[:-TAIL_BYTES]
            self.whole = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nobody can write any more."""
        del exc
        self.closed.set()

    def text(self) -> str:
        """Give what was kept."""
        return self._tail.decode("utf-8", "replace")


@asynccontextmanager
async def _listening(output: Output) -> AsyncIterator[BinaryIO]:
    """Give the end of a pipe to write into, whose other end `output` reads."""
    read_end, write_end = os.pipe()
    loop = asyncio.get_running_loop()
    with os.fdopen(write_end, "wb") as writing:
        transport, _ = await loop.connect_read_pipe(lambda: output, os.fdopen(read_end, "rb"))
        try:
            yield writing
        finally:
            transport.close()


async def _started(
    starting: Coroutine[object, object, asyncio.subprocess.Process],
) -> asyncio.subprocess.Process:
    """Wait for a command's start, and end its group where nobody waits any more.

    A start that is cancelled half-way would end the leader alone, not what it left running.
    """
    start = asyncio.ensure_future(starting)
    try:
        return await asyncio.shield(start)
    except asyncio.CancelledError:
        await _end_group(await start)
        raise


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """End a command that still runs, and everything in its group."""
    if process.returncode is not None:
        return
    _signal_group(process, signal.SIGTERM)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await process.wait()
    finally:
        # Also what its leader left behind, and where a second interrupt ended the wait.
        _signal_group(process, signal.SIGKILL)
    await process.wait()


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _told(errand: Errand, run: str) -> Mapping[str, str]:
    """Give what the environment tells, each as one value that an environment can hold."""
    told = {
        "HOOK": errand.hook.name,
        "OCCASION": errand.occasion.value,
        "SCOPE": errand.key.scope,
        "RUN": run,
        "SERVER_ID": errand.key.server_id,
        "SERVER_NAME": errand.server,
        "VOLUME_ID": errand.key.volume_id,
        "VOLUME_NAME": errand.volume,
        "DEVICE": errand.device or "",
    }
    return {
        name: text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
        for name, text in told.items()
    }


def _document(errand: Errand, run: str) -> str:
    """Give the same as JSON, as the cloud told it."""
    return json.dumps(
        {
            "hook": errand.hook.name,
            "occasion": errand.occasion.value,
            "scope": errand.key.scope,
            "run": run,
            "server": {"id": errand.key.server_id, "name": errand.server},
            "volume": {"id": errand.key.volume_id, "name": errand.volume},
            "device": errand.device,
        }
    )


def _lines(text: str, *, whole: bool) -> tuple[str, ...]:
    """Give the last lines, printable and short; a first one that was cut might be half a secret."""
    lines = text.splitlines()[0 if whole else 1 :]
    shown = ("".join(mark if mark.isprintable() else " " for mark in line) for line in lines)
    cleaned = [line.strip() for line in shown if line.strip()][-LAST_LINES:]
    return tuple(x if len(x) <= LONGEST_LINE else f"{x[: LONGEST_LINE - 1]}…" for x in cleaned)


def _end(code: int | None, lines: tuple[str, ...], took_s: float, timeout_s: float) -> HookEnd:
    if code == 0:
        return HookEnd(verdict=HookVerdict.DONE, output=lines, took_s=took_s)
    verdict, said = HookVerdict.FAILED, f"ended with {code}"
    if code is None:
        verdict, said = HookVerdict.OVERDUE, f"was still running after {timeout_s:g} s"
    elif code < 0:
        said = f"was ended by signal {-code}"
    words = " | ".join(lines[-LAST_SAID:])
    message = f"{said}: {words}" if words else said
    return HookEnd(verdict=verdict, message=message, output=lines, took_s=took_s)


def _failed(why: str) -> HookEnd:
    return HookEnd(verdict=HookVerdict.FAILED, message=why)
