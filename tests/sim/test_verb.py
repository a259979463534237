"""The verb `simulator`: what it says is where it can be asked."""

from __future__ import annotations

import re
import subprocess
import sys

import httpx

from tests.cli.running import REPOSITORY
from tests.rig.processes import Child


def test_the_free_port_that_it_takes_is_the_one_that_it_names() -> None:
    world = REPOSITORY / "manifests" / "quickstart.world.yaml"
    verb = [sys.executable, "-m", "reconciler", "simulator", "--world", str(world)]
    with Child(
        [*verb, "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONUNBUFFERED": "1"},
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:[1-9][0-9]*", first)
        assert found is not None, first
        with httpx.Client(transport=httpx.HTTPTransport(retries=8), trust_env=False) as client:
            world_now = client.get(f"{found[0]}/_sim/world").json()
        assert world_now["provider"] == "huawei-ecs"
        process.terminate()
        process.communicate(timeout=30)
