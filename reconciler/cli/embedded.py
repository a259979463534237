"""The embedded cloud of a scope: served on loopback while a command runs, kept between commands."""

from __future__ import annotations

import fcntl
import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding, FindingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

    from reconciler.sim.cloud import Cloud

QUICK_S = 0.05
"""A world that is saved faster than this is saved at every change, before its answer leaves:
a command that is killed then finds everything that this cloud ever accepted. (1,000 volumes
take a third of it.)"""
REST_SHARE = 20
"""A larger one rests 20 times as long as its save took; killed, it forgets what came since."""


class SimulatorFolder:
    """EmbeddedCloud over a folder: one world file, request log and lock a scope."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "simulator"

    @contextmanager
    def open(self, scope: str, world: Path) -> Iterator[str]:
        """Serve the scope's world until the block ends; give its address."""
        # Imported here: commands on real clouds never pay for the simulator.
        from reconciler.sim.app import build  # noqa: PLC0415
        from reconciler.sim.serving import serving  # noqa: PLC0415

        self._made(scope)
        kept = self._folder / f"{scope}.world.yaml"
        with (
            self._locked(scope),
            (self._folder / f"{scope}.requests.jsonl").open(
                "a", encoding="utf-8", buffering=1
            ) as log,
        ):
            cloud = _cloud(kept if kept.exists() else world, scope)
            saver = _Saver(cloud, kept)
            app = build([cloud], on_change=saver.changed, on_request=_logger(log))
            try:
                with serving(app) as address:
                    yield address
            finally:
                saver.save()

    def _made(self, scope: str) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{scope}.lock").touch()
        except OSError as error:
            raise FindingsError(
                Finding(
                    code="data-folder",
                    summary=f"`{self._folder}` can't be written: {error.strerror}",
                    hint="set RECONCILER_DATA_DIR to a folder that may be written",
                    scope=scope,
                )
            ) from error

    @contextmanager
    def _locked(self, scope: str) -> Iterator[None]:
        with (self._folder / f"{scope}.lock").open("w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FindingsError(
                    Finding(
                        code="simulator-busy",
                        summary=f"another process has the simulated scope `{scope}` open",
                        hint="wait until it ends, or set RECONCILER_DATA_DIR to another folder",
                        scope=scope,
                    )
                ) from error
            yield


def _cloud(path: Path, scope: str) -> Cloud:
    from reconciler.sim.clock import WallClock  # noqa: PLC0415
    from reconciler.sim.cloud import Cloud as NewCloud  # noqa: PLC0415
    from reconciler.sim.world import WorldError, read_worlds  # noqa: PLC0415

    try:
        worlds = read_worlds(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        raise FindingsError(
            Finding(
                code="world",
                summary=f"the world `{path}` of simulated scope `{scope}` doesn't exist",
                hint="write `world:` of the Scope relative to its manifest, or make the file",
                scope=scope,
            )
        ) from error
    except (OSError, UnicodeDecodeError, WorldError) as error:
        raise FindingsError(
            Finding(
                code="world",
                summary=f"the world of simulated scope `{scope}` can't be read: {error}",
                hint=f"mend `{path}`, or delete it if it is under `.reconciler`",
                scope=scope,
            )
        ) from error
    if len(worlds) != 1:
        raise FindingsError(
            Finding(
                code="world",
                summary=f"`{path}` holds {len(worlds)} worlds, a scope embeds one",
                hint="keep one document, or serve them all with `reconciler simulator --world`",
                scope=scope,
            )
        )
    return NewCloud(worlds[0], WallClock())


def _logger(log: TextIO) -> Callable[[Mapping[str, object]], None]:
    def write(row: Mapping[str, object]) -> None:
        log.write(json.dumps(row) + "\n")

    return write


class _Saver:
    """Keeps the world file up to date, whole at any moment."""

    def __init__(self, cloud: Cloud, path: Path) -> None:
        self._cloud = cloud
        self._path = path
        self._not_before_s = 0.0

    def changed(self) -> None:
        """Save, unless the last save was too long to be repeated already."""
        if time.monotonic() >= self._not_before_s:
            self.save()

    def save(self) -> None:
        """Write the world beside its file, then put it in its place."""
        from reconciler.sim.world import dump_world  # noqa: PLC0415

        began_s = time.monotonic()
        beside = self._path.with_suffix(".new")
        beside.write_text(dump_world(self._cloud), encoding="utf-8")
        beside.replace(self._path)
        ended_s = time.monotonic()
        took_s = ended_s - began_s
        self._not_before_s = ended_s + (REST_SHARE * took_s if took_s > QUICK_S else 0.0)
