"""Files that are written whole, and what they never take the place of."""

from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.operations.ears import READABLE, MetricsFile
from reconciler.operations.wholefile import write_whole
from tests.metrics.test_meter import busy
from tests.rig.pem import pem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.running import Lab


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "reconciler.prom"
    path.write_text("old", encoding="utf-8")
    with path.open(encoding="utf-8") as reader:
        write_whole(path, b"new\n", READABLE)
        assert reader.read() == "old"
    assert path.read_bytes() == b"new\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]
    write_whole(path, b"mine\n")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "none" / "x.prom", b"new\n")


def _device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes a device")


def _linked(path: Path) -> None:
    file = path.with_name("linked")
    file.write_bytes(b"kept")
    path.symlink_to(file)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(path))


OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (lambda path: path.mkdir(), "it is a folder"),
    "a pipe": (os.mkfifo, "it is a pipe"),
    "a device": (_device, "it is a device"),
    "a socket": (_socket, "it is a socket"),
    "a link": (_linked, "it is a symbolic link"),
}


@pytest.mark.parametrize(("made", "why"), OTHERS.values(), ids=OTHERS)
def test_what_is_no_file_stays_what_it_is(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, made: Callable[[Path], object], why: str
) -> None:
    monkeypatch.setenv("RECONCILER_SNAPSHOT_KEY", pem(Ed25519PrivateKey.generate())[0])
    lab.declare("  servers: {web-1: {volumes: [one, shared]}}")
    there = lab.folder / "there"
    made(there)
    before = there.lstat(), sorted(lab.folder.iterdir())
    ran = lab.plan("--out", "there")
    assert ran.code == 1
    assert f"error[plan-file]: the plan file `there` can't be written: {why}" in ran.err
    assert "= hint: choose another --out FILE" in ran.err
    ran = lab.run("watch", "-f", "lab.yaml", "--once", "--metrics-file", "there")
    asked = f"error[metrics-file]: the metrics file `there` can't be written: {why}"
    said = "File 'there' is a directory" if there.is_dir() else asked
    assert (ran.code, said in ran.err) == (1, True)
    ran = lab.run("drift", "-f", "lab.yaml", "--snapshot", "there")
    assert ran.code == 1
    assert f"error[snapshot-file]: the snapshot `there` can't be written: {why}" in ran.err
    kept = [path for path in sorted(lab.folder.iterdir()) if path.name != ".reconciler"]
    assert (there.lstat().st_ino, there.lstat().st_mode) == (before[0].st_ino, before[0].st_mode)
    assert kept == before[1]


@pytest.mark.parametrize("place", ["", ".", "..", "/"])
def test_a_place_without_a_name_is_refused(lab: Lab, place: str) -> None:
    lab.declare("  servers: {web-1: {volumes: [one, shared]}}")
    ran = lab.plan("--out", place)
    assert (ran.code, "can't be written: it is a folder" in ran.err) == (1, True)


def test_metrics_stop_nothing_when_their_file_became_another_thing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = MetricsFile(busy().text, tmp_path / "m.prom")
    os.mkfifo(tmp_path / "m.prom")
    file.attempt()
    assert "metrics can't be written" in caplog.text
    assert (tmp_path / "m.prom").is_fifo()
