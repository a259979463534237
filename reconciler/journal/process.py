"""Which process this is, so that another one of the same machine can tell when it is gone."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")
"""Containers of one machine share its boot, and each numbers its processes anew."""
UNPRINTABLE = "\ufffd"
STARTED = 19
"""The field of `/proc/PID/stat` behind the name: when it started, in ticks since the boot.

Source: proc(5), field 22 (`starttime`).
"""


def owner() -> str:
    """Give user, host and process, for people: who says so is the environment, nobody proves it."""
    told = f"{_user()}@{socket.gethostname()}, pid {os.getpid()}"
    return "".join(mark if mark.isprintable() else UNPRINTABLE for mark in told)


def _user() -> str:
    """Give the name of the user; the number where nobody has a name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"uid {os.getuid()}"


def fingerprint() -> str:
    """Give boot, namespace, number and start of this process; empty where nothing tells them."""
    number = os.getpid()
    started = _started(number)
    place = _place()
    return f"{place} {number} {started}" if place and started else ""


def gone(process: str) -> bool:
    """Tell whether that was a process of this machine, and is no more; False where in doubt."""
    try:
        boot, namespace, number, started = process.split()
        place = _place()
        return f"{boot} {namespace}" == place and _started(int(number)) != started
    except ValueError:
        return False


def _place() -> str:
    try:
        return f"{BOOT.read_text(encoding='ascii').strip()} {NAMESPACE.readlink()}"
    except OSError:
        return ""


def _started(number: int) -> str:
    """Give when a process started; empty where there is none, or only its corpse."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    dead = fields[0] in {"Z", "X"}
    return "" if dead else fields[STARTED]
