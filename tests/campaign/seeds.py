"""From a seed to its verdict: live the story, hold every invariant against it."""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaign.drawing import story_of
from tests.campaign.invariants import breaches
from tests.campaign.living import lived
from tests.campaign.scene import scene_of, staged
from tests.rig.virtual_time import VirtualTimeLoop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.living import Tale
    from tests.campaign.story import Story

MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made by tempfile


COLLECT_EVERY = 100
"""Seeds between two collections: what they leave behind is small, and looking for it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of one seed."""

    seed: int
    faults: int
    breaches: tuple[str, ...]


def judged(
    seed: int,
    folder: Path,
    provider: str | None = None,
    *,
    whole: bool | None = None,
    small: bool = False,
) -> Judged:
    """Live the story of a seed and judge it."""
    if seed % COLLECT_EVERY == 0:
        gc.collect()
    story = story_of(seed, provider, whole=whole, small=small)
    tale = told(story, folder)
    return Judged(seed=seed, faults=tale.faults, breaches=tuple(breaches(tale)))


def told(story: Story, folder: Path) -> Tale:
    """Live a story."""
    mine = folder / "story"
    if story.whole:
        shutil.rmtree(mine, ignore_errors=True)
    mine.mkdir(exist_ok=True)
    scene = scene_of(story, mine)
    loop = VirtualTimeLoop()
    try:
        with staged(scene):
            return loop.run_until_complete(lived(scene))
    finally:
        _dropped(loop)


def _dropped(loop: VirtualTimeLoop) -> None:
    """Close a loop with all that still waits in it; `asyncio.run` would take longer than a run."""
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    if waiting:
        loop.run_until_complete(asyncio.wait(waiting))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


@contextmanager
def quietly() -> Iterator[Path]:
    """Give a folder in memory, with no log written."""
    level = logging.root.manager.disable
    collecting = gc.isenabled()
    gc.disable()
    if not gc.get_freeze_count():  # What was imported stays: no story's garbage is in it.
        gc.freeze()
    logging.disable(logging.CRITICAL)
    where = MEMORY if MEMORY.is_dir() else None
    try:
        with tempfile.TemporaryDirectory(dir=where) as folder:
            yield Path(folder)
    finally:
        logging.disable(level)
        if collecting:
            gc.enable()
