"""Manifests that are caught half-written: what isn't in them yet is taken from nobody."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.operations.inforce import SETTLE_S
from tests.rig.virtual_time import run
from tests.watch.night import EVERY_S, PLOT, SCHEDULE, Night, told, web

if TYPE_CHECKING:
    from pathlib import Path

ROWS = {"web-1": ["one", "two", "three"]}
HEAD = """\
---
apiVersion: reconciler/v1
kind: Attachments
metadata: {name: prod-rows}
spec:
  scope: prod
  servers:
    web-1:
      volumes:
"""
HEALS = {**SCHEDULE, "heal": "manifests"}
LOOK_S = 315.0
"""When a service looks for the second time."""


async def settled(folder: Path) -> Night:
    """Give a night after an apply of three volumes on one server."""
    night = Night(folder, replace(PLOT, attached=tuple(("web-1", one) for one in ROWS["web-1"])))
    night.declare(web(ROWS), schedule=HEALS)
    assert (await night.apply()).ending.value == 0
    return night


def write(night: Night, *volumes: str) -> None:
    """Write the manifests with so many lines of a server's list: each cut of them is good YAML."""
    night.declare(web({}), schedule=HEALS)
    others = night.path.read_text(encoding="utf-8").split("---\n")
    kept = [one for one in others if '"Attachments"' not in one]
    lines = "".join(f"        - {one}\n" for one in volumes)
    night.declare(text="---\n".join(kept) + HEAD + lines)


def test_what_a_half_written_manifest_lacks_is_taken_from_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path)
        ticks = await night.watch(
            3 * EVERY_S,
            (LOOK_S - 0.1, partial(write, night, "one")),
            (LOOK_S + 1.0, partial(write, night, "one", "two", "three")),
        )
        left = [f"pending: detach web-1/{one} (written)" for one in ("three", "two")]
        assert [told(tick) for tick in ticks] == [[], left, []]
        assert night.truth() == {("web-1", one) for one in ROWS["web-1"]}

    run(story())


def test_what_somebody_took_out_leaves_once_it_has_stayed_so(tmp_path: Path) -> None:
    async def story() -> None:
        night = await settled(tmp_path)
        ticks = await night.watch(
            5 * EVERY_S,
            (LOOK_S - 0.1, partial(write, night, "one", "two")),
            (LOOK_S + 60.0, partial(night.console, "attach", "web-1", "three")),
            (3 * LOOK_S - 0.1, partial(write, night, "one", "two", "three")),
        )
        assert [len(tick.corrections) for tick in ticks] == [0, 1, 1, 1, 0]
        waited = [tick.took_s >= SETTLE_S for tick in ticks]
        assert waited == [False, True, False, False, False], "not for what was read long ago"
        assert night.truth() == {("web-1", one) for one in ROWS["web-1"]}

    run(story())
