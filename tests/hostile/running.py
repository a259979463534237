"""How a case is run: in a process of its own and measured, or, where that is all, in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.hostile.case import Ran
from tests.hostile.liar import lying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from tests.hostile.case import Case

    Requests: TypeAlias = tuple[Mapping[str, object], ...]

REPOSITORY = Path(__file__).parents[2]
LIMIT_S = 60.0
ADDRESS = "ADDRESS"
"""Stands in a manifest for where the lying cloud listens."""
KEYS = {"HW_ACCESS_KEY": "simulator", "HW_SECRET_KEY": "simulator-secret"}


def lay(case: Case, folder: Path, address: str = "") -> None:
    """Lay the files of a case into its folder."""
    if case.world and not address:
        (folder / "lab.world.yaml").write_text(case.world, encoding="utf-8")
    if case.text is not None:
        raw = case.text.encode() if isinstance(case.text, str) else case.text
        (folder / "lab.yaml").write_bytes(raw.replace(ADDRESS.encode(), address.encode()))
    if case.lay is not None:
        case.lay(folder)


@contextmanager
def laid(case: Case, folder: Path) -> Iterator[Callable[[], Requests]]:
    """Lay a case out and serve its cloud; give what tells the requests that were sent."""
    with ExitStack() as stack:
        address, rows = "", None
        if case.lies or case.socket:
            address, rows = stack.enter_context(lying(case.world, case.lies))
        lay(case, folder, address)
        yield lambda: kept(folder) if rows is None else tuple(rows)


def alone(case: Case, folder: Path) -> Ran:
    """Run a case in a process of its own, and measure it."""
    with laid(case, folder) as requests:
        exit_code, cpu_s, elapsed_s = _spent(case, folder)
        peak = folder / "peak"
        return Ran(
            exit=exit_code,
            told=(folder / "told").read_text(encoding="utf-8", errors="replace"),
            elapsed_s=elapsed_s,
            cpu_s=cpu_s,
            peak_mb=float(peak.read_text()) if peak.exists() else 0.0,
            requests=requests(),
        )


def kept(folder: Path) -> Requests:
    """Give the request log that an embedded cloud left in the folder."""
    path = folder / ".reconciler" / "simulator" / "lab.requests.jsonl"
    if not path.exists():
        return ()
    return tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def _spent(case: Case, folder: Path) -> tuple[int, float, float]:
    """Run the command; give its exit code, or minus its signal, its CPU and its real seconds."""
    command = [sys.executable, "-m", "tests.hostile.child", str(case.hurry), "peak", *case.verb]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER")}
    began = time.monotonic()
    with (folder / "told").open("wb") as told:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
            command,
            cwd=folder,
            env={**ours, **KEYS, "PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
        )
        while True:
            # Not `wait`: only this tells what the child used, and not what others did.
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - began > LIMIT_S:
                process.kill()
            time.sleep(0.005)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used.ru_utime + used.ru_stime, time.monotonic() - began
