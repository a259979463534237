"""Hooks as processes: one value each, no shell, no secret in or out, an end in any case."""

from __future__ import annotations

import asyncio
import json
import os
import select
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest

from reconciler.hooks import processes
from reconciler.hooks.definitions import Commands
from reconciler.hooks.processes import LAST_LINES, Processes
from reconciler.model.attachment import AttachmentKey
from reconciler.model.finding import Place
from reconciler.model.hook import Errand, Hook, HookEnd, HookVerdict, Occasion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENVIRON = {
    "PATH": os.environ["PATH"],
    "TZ": "UTC",
    "HW_SECRET_KEY": "never-shown-1",
    "SCP_TF_SECRET_KEY": "never-shown-2",
    "RECONCILER_CRED_X": "never-shown-3",
    "RECONCILER_DATABASE_URL": "postgresql://u:never-shown-4@h/d",
    "LD_PRELOAD": "",
}
PLACE = Place(file="p.yaml", line=1, column=1)
TELLS = (
    "import json, os, sys; ours = {k: v for k, v in os.environ.items() if k != 'LC_CTYPE'};"
    "print(json.dumps([sys.argv[1:], ours, json.load(sys.stdin)]))"
)
HOSTILE = (
    "x device=/dev/vda server=db-1",
    "{__class__}{volume_id}",
    "two\nlines\r\n",
    "$(id)`id`;id|id&&id",
    "-rf /",
    "\u202egnp.\x1b[31m",
    "a\0b\ud800",
    "",
)


def errand(
    name: str, *, server: str = "web-1", volume: str = "one", volume_id: str = "v-1"
) -> Errand:
    """Give an errand of the hook of this name."""
    key = AttachmentKey("shop", "s-1", volume_id)
    hook = Hook(name=name, timeout_s=0.3 if name == "hangs" else 20.0, place=PLACE)
    return Errand(
        occasion=Occasion.RELEASE, hook=hook, key=key, server=server, volume=volume, device="/dev/x"
    )


def ran(sent: Errand, *words: str) -> HookEnd:
    """Run these words as the hook of an errand."""
    defined = Commands(words={sent.hook.name: words})

    def hide(text: str) -> str:
        return text.replace("never-shown", "***")

    return asyncio.run(Processes(defined, ENVIRON, hide).run(sent, "run-1"))


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_a_command_sees_one_value_each_whatever_a_name_holds(name: str, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    tells = TELLS.replace("print(", f"open({str(seen)!r}, 'w').write(")
    end = ran(errand("tells", server=name, volume=name), sys.executable, "-c", tells, "{volume_id}")
    assert end.verdict is HookVerdict.DONE, end.message
    arguments, environ, told = json.loads(seen.read_text())
    spelt = name.replace("\0", "\ufffd").replace("\ud800", "?")
    assert arguments == ["v-1"]
    assert environ == {
        **{k: ENVIRON[k] for k in ("PATH", "TZ")},
        "RECONCILER_HOOK": "tells",
        "RECONCILER_OCCASION": "guestRelease",
        "RECONCILER_SCOPE": "shop",
        "RECONCILER_RUN": "run-1",
        "RECONCILER_SERVER_ID": "s-1",
        "RECONCILER_SERVER_NAME": spelt,
        "RECONCILER_VOLUME_ID": "v-1",
        "RECONCILER_VOLUME_NAME": spelt,
        "RECONCILER_DEVICE": "/dev/x",
    }
    assert told == {
        "hook": "tells",
        "occasion": "guestRelease",
        "scope": "shop",
        "run": "run-1",
        "server": {"id": "s-1", "name": name},
        "volume": {"id": "v-1", "name": name},
        "device": "/dev/x",
    }


@pytest.mark.parametrize("volume_id", ["--force", "a b", "", "x\n", "../x", "$HOME"])
def test_an_id_that_is_no_plain_word_is_no_argument(volume_id: str) -> None:
    end = ran(errand("echo", volume_id=volume_id), "echo", "{volume_id}")
    assert end.verdict is HookVerdict.FAILED
    assert "can't be an argument" in end.message
    assert ran(errand("echo", volume_id=volume_id), "true").verdict is HookVerdict.DONE


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("sh", "-c", "echo busy >&2; exit 3"), "ended with 3: busy"),
        (("sh", "-c", "kill -9 $$"), "was ended by signal 9"),
        (("/no/such/command",), "couldn't be started: "),
        (("/",), "couldn't be started: "),
        (("sh", "-c", "echo key=never-shown; exit 1"), "ended with 1: key=***"),
        (("sh", "-c", "printf '\\033[31mred\\000\\n'; exit 1"), "ended with 1: [31mred"),
    ],
)
def test_an_end_that_is_not_well_is_told_in_its_last_words(
    words: tuple[str, ...], says: str
) -> None:
    end = ran(errand("hook"), *words)
    assert end.verdict is HookVerdict.FAILED
    assert end.message.startswith(says)


def test_output_is_bounded_and_its_end_is_kept() -> None:
    end = ran(errand("hook"), "sh", "-c", "yes never-shown-1 | head -c 30000000; echo; echo last")
    assert end.verdict is HookVerdict.DONE
    assert len(end.output) == LAST_LINES
    assert end.output[-1] == "last"
    assert "never-shown" not in "".join(end.output[:-2])
    giant = ran(errand("hook"), "sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x")
    assert giant.output == (), "half a line might be half a secret"


def test_what_it_leaves_running_is_not_waited_for() -> None:
    end = ran(errand("hook"), "sh", "-c", "sleep 600 & echo $! >&2; exec echo ok")
    os.kill(int(end.output[0]), 9)
    assert end.verdict is HookVerdict.DONE
    assert end.took_s < 300


PATIENCE_S = 30


@pytest.fixture
def life(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """Give a pipe that a hook and all its children hold open, and our end of it."""
    path = tmp_path / "life"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, reading
    os.close(reading)


def all_ended(reading: int) -> bool:
    """Tell whether nobody holds the pipe any more; whoever was killed may take a moment."""
    select.select([reading], [], [], PATIENCE_S)
    try:
        return os.read(reading, 1) == b""
    except BlockingIOError:
        return False


def test_its_whole_group_ends_at_the_timeout(life: tuple[Path, int]) -> None:
    end = ran(errand("hangs"), "sh", "-c", f"exec 9>{life[0]}; sleep 600 & echo waiting; wait")
    assert end.verdict is HookVerdict.OVERDUE
    assert end.message == "was still running after 0.3 s: waiting"
    assert all_ended(life[1])


def test_who_does_not_listen_to_term_is_killed_when_nobody_waits(
    life: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_S", 0.2)
    script = f"trap '' TERM; exec 9>{life[0]}; sleep 600 & echo >&9; while :; do wait; done"
    hooks = Processes(Commands(words={"deaf": ("sh", "-c", script)}), ENVIRON, str)

    async def story() -> None:
        running = asyncio.ensure_future(hooks.run(errand("deaf"), "run-1"))
        await asyncio.to_thread(select.select, [life[1]], [], [], PATIENCE_S)
        assert os.read(life[1], 9) == b"\n"
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(story())
    assert all_ended(life[1])


def test_who_is_cancelled_while_it_starts_leaves_nothing_behind(
    life: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = asyncio.create_subprocess_exec

    async def starts_slowly(*words: str, **told: object) -> asyncio.subprocess.Process:
        process = await start(*words, **cast("dict[str, Any]", told))
        await asyncio.sleep(0.3)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", starts_slowly)
    script = f"exec 9>{life[0]}; sleep 600 & echo >&9; wait"
    hooks = Processes(Commands(words={"slow": ("sh", "-c", script)}), ENVIRON, str)

    async def story() -> None:
        running = asyncio.ensure_future(hooks.run(errand("slow"), "run-1"))
        await asyncio.to_thread(select.select, [life[1]], [], [], PATIENCE_S)
        assert os.read(life[1], 9) == b"\n"
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(story())
    assert all_ended(life[1])
