"""`watch` as a person meets it: one look, a line a tick, JSON, what it refuses, and SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.rig.processes import Child

if TYPE_CHECKING:
    from tests.cli.running import Lab

ROWS = "  servers:\n    web-1: {volumes: [one, shared]}\n    web-2: {volumes: [two, shared]}"
SCHEDULE = """\
---
apiVersion: reconciler/v1
kind: Schedule
metadata: {name: often}
spec: {every: 10s, correct: true}
"""


def applied(lab: Lab, schedule: str = "") -> None:
    """Declare, apply, and add a schedule."""
    lab.declare(ROWS)
    assert lab.apply().code == 0
    with (lab.folder / "lab.yaml").open("a", encoding="utf-8") as file:
        file.write(schedule)


def test_once_tells_then_corrects_then_is_in_line(lab: Lab) -> None:
    applied(lab)
    quiet = lab.run("watch", "-f", "lab.yaml", "--once")
    assert (quiet.code, quiet.out.partition(" ")[2]) == (0, "lab: 4 in line\n")

    lab.taken("v-1")
    told = lab.run("watch", "-f", "lab.yaml", "--once")
    assert told.code == 2
    assert "  drift: missing web-1/one, since " in told.out
    assert told.out.endswith("; left: corrections are off\n")
    assert "since 20" in lab.run("drift", "-f", "lab.yaml").out, "drift says since when, too"

    with (lab.folder / "lab.yaml").open("a", encoding="utf-8") as file:
        file.write(SCHEDULE)
    made = lab.run("watch", "-f", "lab.yaml", "--once", "--json")
    assert made.code == 0
    messages = [json.loads(line) for line in made.out.splitlines()]
    kinds = ["version", "resource_drift", "planned_change", "apply_start", "apply_complete"]
    assert [one["type"] for one in messages] == [*kinds, "change_summary"]
    assert "web-1/one: attached after " in messages[4]["@message"], "names, not ids"
    assert messages[3]["hook"]["resource"]["implied_provider"] == "huawei-ecs"
    assert sorted(messages, key=lambda one: one["@timestamp"]) == messages
    tick = messages[-1]["reconciler"]
    assert [(c["action"], c["verdict"]) for c in tick["corrections"]] == [("attach", "done")]
    assert tick["drift"][0]["run"] == tick["run"]
    assert lab.run("watch", "-f", "lab.yaml", "--once").out.count("gone: missing web-1/one") == 1
    shown = lab.run("history", tick["run"][:8])
    assert "watch" in shown.out
    past = lab.run("history", "--since", "1h")
    assert "4 looks, 0 of which saw nothing" in past.out
    assert past.out.count("lab:web-1/one") == 2, "once as what differed, once as what was done"
    kept = json.loads(lab.run("history", "--json").out)
    assert [one["run"] for one in kept["differences"]] == [tick["run"]]
    assert kept["differences"][0]["gone"] is not None
    assert len(kept["ticks"]) == 4
    assert "looks" not in lab.run("history", "--since", "0").out


REFUSED = {
    "two ways to say when": (["--every", "5m", "--cron", "* * * * *"], "choose one"),
    "too often": (["--every", "5s"], "write 10s or more"),
    "no interval": (["--every", "often"], "write a number with its unit"),
    "no cron expression": (["--cron", "0 0 30 2 *"], "write five fields"),
    "no breaker": (["--reset-breaker", "lab"], "error[breaker-closed]"),
    "no scope": (["--scope", "bal", "--once"], "error[unknown-scope]"),
}


@pytest.mark.parametrize(("flags", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_looks_at_nothing(lab: Lab, flags: list[str], said: str) -> None:
    lab.declare(ROWS)
    ran = lab.run("watch", "-f", "lab.yaml", *flags)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert lab.requests() == []


def test_an_empty_set_is_never_watched(lab: Lab) -> None:
    lab.declare("  servers: {}")
    ran = lab.run("watch", "-f", "lab.yaml", "--once")
    assert ran.code == 1
    assert "error[no-entries]" in ran.err


def test_sigterm_ends_it_with_its_log_in_json(lab: Lab) -> None:
    applied(lab, SCHEDULE)
    command = [sys.executable, "-m", "reconciler", "watch", "-f", "lab.yaml"]
    with Child(
        [*command, "--log-format", "json", "--log-level", "info"],
        cwd=lab.folder,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith("lab: 4 in line\n")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    lines = [json.loads(line) for line in err.splitlines() if not line.startswith("Stopping")]
    assert [line["message"] for line in lines] == [
        "manifests in force",
        "looked",
        "the service stops",
    ]
    assert lines[1]["scope"] == "lab"
