"""One Cinder process on loopback, in a folder of its own, and what a test asks of it."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE = Path(__file__).parent
PROJECT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
TOKEN = {"X-Auth-Token": f"admin:{PROJECT}"}
"""Who asks; nobody checks it, and without it every answer is an empty 204."""
START_S = 90.0
END_S = 20.0
CHANGE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cinder:
    """A running Cinder."""

    address: str
    client: httpx.Client

    def ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None, version: str = "3.0"
    ) -> httpx.Response:
        """Ask its own API, below the project."""
        headers = {"OpenStack-API-Version": f"volume {version}"}
        url = f"{self.address}/v3/{PROJECT}/{path}"
        return self.client.request(method, url, json=body, headers=headers)

    def act(self, volume_id: str, action: str, **body: object) -> None:
        """Carry out an action of a volume."""
        answer = self.ask("POST", f"volumes/{volume_id}/action", {action: body})
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text

    def volume(self, volume_id: str) -> Any:  # noqa: ANN401 - JSON
        """Give a volume as it is now."""
        return self.ask("GET", f"volumes/{volume_id}").raise_for_status().json()["volume"]

    def until(self, volume_id: str, status: str) -> Any:  # noqa: ANN401 - JSON
        """Give a volume once it has that status."""
        until_s = time.monotonic() + CHANGE_S
        while (row := self.volume(volume_id))["status"] != status:
            assert time.monotonic() < until_s, f"{volume_id} is {row['status']}, not {status}"
            time.sleep(0.1)
        return row

    def made(self, **more: object) -> str:
        """Make a volume and give its id."""
        wanted = {"volume": {"size": 1, **more}}
        row = self.ask("POST", "volumes", wanted).raise_for_status().json()["volume"]
        volume_id = str(row["id"])
        self.until(volume_id, "available")
        return volume_id

    def attached(self, volume_id: str, server_id: str) -> str:
        """Attach a volume in Cinder's books alone, and give the attachment's id."""
        self.act(volume_id, "os-reserve")
        self.act(volume_id, "os-attach", instance_uuid=server_id, mountpoint="/dev/vdb")
        rows = self.until(volume_id, "in-use")["attachments"]
        return next(str(row["attachment_id"]) for row in rows if row["server_id"] == server_id)


@contextmanager
def running(home: Path, folder: Path) -> Iterator[Cinder]:
    """Serve until the block ends; `home` is its virtual environment, `folder` takes its files."""
    port = _free_port()
    config = _configured(home, folder, port)
    manage = [str(home / "bin" / "cinder-manage"), "--config-file", str(config), "db", "sync"]
    subprocess.run(manage, check=True, timeout=START_S, capture_output=True)  # noqa: S603 - ours
    command = [str(home / "bin" / "python"), str(HERE / "allinone.py"), str(config)]
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603 - ours
    try:
        with httpx.Client(timeout=CHANGE_S, trust_env=False, headers=TOKEN) as client:
            cinder = Cinder(address=f"http://127.0.0.1:{port}", client=client)
            _until_up(cinder, process, folder)
            yield cinder
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _configured(home: Path, folder: Path, port: int) -> Path:
    etc = home / "etc" / "cinder"
    template = (HERE / "cinder.conf").read_text(encoding="utf-8")
    config = folder / "cinder.conf"
    config.write_text(template.format(folder=folder, port=port, etc=etc), encoding="utf-8")
    for name in ("state", "locks", "coordination"):
        (folder / name).mkdir()
    return config


def _until_up(cinder: Cinder, process: subprocess.Popen[bytes], folder: Path) -> None:
    until_s = time.monotonic() + START_S
    while True:
        try:
            if cinder.ask("GET", "volumes").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        said = (folder / "output.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        assert process.poll() is None, f"Cinder ended: {said}"
        assert time.monotonic() < until_s, f"Cinder didn't start: {said}"
        time.sleep(0.2)
