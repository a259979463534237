"""One git command at a time in a repository that nobody vouches for.

A pull request may bring a repository's files, and a runner may have its `.git` from anywhere. So:

1. Plumbing only (`rev-parse`, `ls-tree`, `cat-file`): no index, so no fsmonitor; no checkout, so no
   filters and no hooks; no diff, so no textconv. GitPython runs the same program and was looked at:
   it gives no bound on what is read and leaves the environment as it is.
2. The environment is made anew: no configuration of system or user, no variable of git's own, no
   prompt, no transport, no fetching of what a partial clone lacks.
3. Each command ends within a time, and no more is read of it than was allowed.

Source: git-config(1), git(1) "Environment Variables", gitattributes(5) of git 2.39 and 2.45.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding, FindingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMEOUT_S = 20.0
"""A tree of 10,000 manifests is read in less than one."""
ANSWER_BYTES = 16 * 1024 * 1024
"""What may be read of a command that was told no other bound: 100,000 rows of a tree."""
ENVIRONMENT = {
    "LC_ALL": "C",
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "SSH_ASKPASS": "false",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_SSH_COMMAND": "false",
    "GIT_PAGER": "cat",
    "GIT_LITERAL_PATHSPECS": "1",
}
SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.untrackedCache=false",
    "core.commitGraph=false",
    "core.sshCommand=false",
    "credential.helper=",
    "protocol.allow=never",
    "protocol.file.allow=never",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "uploadpack.packObjectsHook=",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command left."""

    good: bool
    """True when its exit code is 0."""
    out: bytes
    words: str
    """What it said on stderr, on one line and cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What one command may do beyond reading: settings and variables that win over those above."""

    settings: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = TIMEOUT_S


READING = Reach()


class Git:
    """The repository at `root`, by the git that `path` finds. Raises FindingsError: `no-git`."""

    def __init__(self, root: Path, path: str) -> None:
        self.root = root
        self._path = path
        found = shutil.which("git", path=path)
        if found is None:
            raise FindingsError(
                Finding(
                    code="no-git",
                    summary=f"`{root}` is a git repository, and there is no `git` to read it",
                    hint="install git, or leave `--base` out",
                )
            )
        self._program = found

    def ask(
        self,
        *arguments: str,
        told: bytes = b"",
        most_bytes: int = ANSWER_BYTES,
        reach: Reach = READING,
    ) -> Answer:
        """Run one command on `told`. Raises FindingsError when it is too slow or says too much."""
        command = [self._program, "--no-pager", f"--git-dir={self.root / '.git'}"]
        settings = (*SETTINGS, *reach.settings)
        command += [word for setting in settings for word in ("-c", setting)]
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
            asked.write(told)
            asked.seek(0)
            with subprocess.Popen(  # noqa: S603 - a list, no shell; its words were checked
                [*command, *arguments],
                cwd=self.root,
                env={**ENVIRONMENT, "PATH": self._path, **reach.environ},
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
            ) as process:
                slow = threading.Timer(reach.timeout_s, _end, (process,))
                slow.start()
                assert process.stdout is not None, "it was asked for"
                out = process.stdout.read(most_bytes + 1)
                late = not slow.is_alive()
                if len(out) > most_bytes:
                    _end(process)
                process.wait()
                late |= not slow.is_alive()
                slow.cancel()
            said.seek(0)
            words = " ".join(said.read(2000).decode("utf-8", "replace").split())
        if late or len(out) > most_bytes:
            raise FindingsError(
                _too_much(arguments[0], reach.timeout_s if late else None, most_bytes)
            )
        return Answer(good=process.returncode == 0, out=out, words=words)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and whatever it started: a child that lives on would keep its pipe open."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _too_much(command: str, late_s: float | None, most_bytes: int) -> Finding:
    what = f"took longer than {late_s:g} s" if late_s else f"said more than {most_bytes} bytes"
    return Finding(
        code="git-failed",
        summary=f"`git {command}` {what} and was ended",
        hint="check the repository with `git fsck`, or give -f a folder of manifests alone",
    )
