"""One case of the table: what is given, what must come of it, and how that is judged."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.hostile.liar import Lie

CODE = re.compile(
    r"^(?:error|warning|note)\[([a-z0-9-]+)\]|^ {4,8}(?!hint|note)([a-z]+(?:-[a-z]+)*): ",
    re.MULTILINE,
)
"""A code of a diagnostic, or of a refusal in a printed plan."""
BLOCK = re.compile(r"(?ms)^error\[.*?(?=^(?:error|warning|note)\[|^and \d+ more|\Z)")
MARKED = re.compile(r"^ +(\d+) \| .*\n +\| *\^$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Files in a folder, one command line, and everything that is promised of it."""

    name: str
    verb: tuple[str, ...]
    exit: int
    codes: frozenset[str] = frozenset()
    """Exactly the codes that are told, each at least once."""
    says: tuple[str, ...] = ()
    """Parts of what is printed: places, hints, numbers."""
    text: str | bytes | None = None
    """What stands in `lab.yaml`."""
    world: str = ""
    """The simulated cloud; empty: the scope needs none."""
    lay: Callable[[Path], None] | None = None
    """Lays further files into the folder."""
    lies: tuple[Lie, ...] = ()
    """What is done to answers on their way; then the cloud is asked over a socket."""
    socket: bool = False
    """Whether the cloud stands behind a socket even without a lie."""
    paths: tuple[str, ...] = ()
    """Ends of the paths of changing requests, in any order; they are all that may be sent."""
    most_reads: int = 100
    most_s: float = 2.0
    """CPU seconds of the command and all that it embeds."""
    most_mb: float = 256.0
    hurry: float = 1.0
    """How many of the command's seconds pass in a second of ours."""
    heavy: bool = False
    """Whether it has a process of its own in the test run too, because it is measured."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a command left behind."""

    exit: int
    told: str
    """Its stdout and its stderr."""
    elapsed_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    requests: tuple[Mapping[str, object], ...] = field(default=())

    @property
    def codes(self) -> frozenset[str]:
        """The codes of all diagnostics."""
        return frozenset(first or second for first, second in CODE.findall(self.told))

    @property
    def writes(self) -> tuple[str, ...]:
        """The paths of the requests that asked for a change."""
        return tuple(str(row["path"]) for row in self.requests if row["changing"])

    @property
    def reads(self) -> int:
        """How many requests asked for none."""
        return len(self.requests) - len(self.writes)


def failures(case: Case, ran: Ran) -> Iterator[str]:
    """Give what isn't as promised; nothing when all of it is."""
    if ran.exit != case.exit:
        yield f"exit {ran.exit}, not {case.exit}"
    if "Traceback" in ran.told:
        yield "a traceback"
    if ran.codes != case.codes:
        yield f"codes {sorted(ran.codes)}, not {sorted(case.codes)}"
    yield from (f"doesn't say {part!r}" for part in case.says if part not in ran.told)
    if not _same_ends(ran.writes, case.paths):
        yield f"writes {list(ran.writes)}, not {list(case.paths)}"
    for number, (measured, allowed) in {
        "reads": (ran.reads, case.most_reads),
        "CPU s": (ran.cpu_s, case.most_s),
        "MB": (ran.peak_mb, case.most_mb),
    }.items():
        if measured > allowed:
            yield f"{measured:.1f} {number}, {allowed:.1f} are allowed"
    yield from _incomplete(ran.told)


def _same_ends(paths: tuple[str, ...], ends: tuple[str, ...]) -> bool:
    return len(paths) == len(ends) and all(
        path.endswith(end) for path, end in zip(sorted(paths), sorted(ends), strict=True)
    )


def _incomplete(told: str) -> Iterator[str]:
    """Every error has one next step; one that shows a source line marks the place in it."""
    for block in BLOCK.findall(told):
        title = block.splitlines()[0][:60]
        if block.count("   = hint: ") != 1:
            yield f"no hint: {title}"
        if block.count("\n  --> ") == 1 and " | " in block and not MARKED.search(block):
            yield f"no marker: {title}"
