"""`watch` with a page, metrics and a webhook, on the embedded cloud."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.cli.running import REPOSITORY
from tests.rig.canaries import shown
from tests.rig.inbox import inbox
from tests.rig.processes import Child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.running import Lab

ENTRIES = "  servers:\n    web-1: {volumes: [one, shared]}\n    web-3: {volumes: [three]}"
SCHEDULE = """\
---
apiVersion: reconciler/v1
kind: Schedule
metadata: {name: nightly}
spec:
  every: 10s
"""
WEBHOOK = """\
  notify: [{webhook: {urlFrom: {env: RECONCILER_CRED_URL}, keyFrom: {env: RECONCILER_CRED_KEY}}}]
"""


def declare(lab: Lab, schedule: str) -> None:
    lab.declare(ENTRIES)
    with (lab.folder / "lab.yaml").open("a", encoding="utf-8") as file:
        file.write(schedule)


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ("--listen 0.0.0.0:8470", "`0.0.0.0` is reached by others: say `--token-file`"),
        ("--listen-metrics [::]:8470", "`::` is reached by others: say `--token-file`"),
        ("--listen 10.0.0.7:0 --token-file t", "would be asked by plain http"),
        ("--listen 127.0.0.1:0 --once", "`--once` ends at once"),
        ("--token-file t", "nothing listens"),
        ("--behind-proxy", "nothing listens"),
        ("--listen 8470", "write HOST:PORT"),
        ("--listen ::1:8470", "write HOST:PORT"),
        ("--listen 127.0.0.1:99999", "write HOST:PORT"),
        ("--listen 127.0.0.1:0 --token-file t", "may be read by others"),
        ("--listen 192.0.2.1:1 --token-file ok --behind-proxy", "can't be listened on"),
    ],
)
def test_what_would_be_shown_to_everybody_is_refused(lab: Lab, flags: str, why: str) -> None:
    declare(lab, SCHEDULE)
    for name, mode in (("t", 0o644), ("ok", 0o600)):
        (lab.folder / name).write_text("a-token-of-some-length", encoding="utf-8")
        (lab.folder / name).chmod(mode)
    ran = lab.run("watch", "-f", "lab.yaml", *flags.split())
    assert ran.code == 1
    assert why in " ".join(ran.err.split())
    assert lab.requests() == []


def test_one_look_tells_and_counts_and_the_next_goes_on_from_there(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(lab, SCHEDULE + WEBHOOK)
    monkeypatch.setenv("RECONCILER_CRED_KEY", "k1")
    with inbox() as (address, taken):
        monkeypatch.setenv("RECONCILER_CRED_URL", f"{address}/hook/secret")
        refused = lab.run("watch", "-f", "lab.yaml", "--once")
        assert refused.code == 1
        assert "plain http" in refused.err
        monkeypatch.setenv("RECONCILER_ENDPOINTS", address)
        looks = [
            lab.run("watch", "-f", "lab.yaml", "--once", "--metrics-file", "m.prom")
            for _ in range(2)
        ]
    assert [one.code for one in looks] == [2, 2]
    assert "secret" not in "".join(one.out + one.err for one in (refused, *looks))
    ((path, headers, body),) = taken
    assert (path, headers["Host"]) == ("/hook/secret", address.removeprefix("http://"))
    assert headers["X-Reconciler-Signature"].startswith("sha256=")
    assert "drift: web-3/three is missing" in json.loads(body)["text"]
    metrics = (lab.folder / "m.prom").read_text(encoding="utf-8")
    assert 'reconciler_ticks_total{outcome="looked",scope="lab"} 2.0' in metrics
    assert 'reconciler_notifications_total{outcome="delivered",webhook="nightly/1"} 1.0' in metrics
    assert 'status="200"' in metrics


ADDRESSES = re.compile(r"^The page is at (\S+)\n(?:.*\n)*?Metrics are at (\S+)\n", re.MULTILINE)


def announced(log: Path) -> tuple[str, str]:
    """Give the addresses of the page and of the metrics, once the log tells both."""
    give_up = time.monotonic() + 60
    while (told := ADDRESSES.search(log.read_text(encoding="utf-8"))) is None:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return told[1], told[2]


@contextmanager
def serving(lab: Lab, token: str) -> Iterator[tuple[Child, str, str]]:
    """Watch with a page; give the process and the addresses of the page and of the metrics.

    What it says goes to a file: a pipe that nobody reads stops the service once it is full.
    """
    path = lab.folder / "t"
    path.write_text(token, encoding="utf-8")
    path.chmod(0o600)
    command = [sys.executable, "-m", "reconciler", "watch", "-f", "lab.yaml", "--token-file", "t"]
    listen = ["--listen", "127.0.0.1:0", "--listen-metrics", "127.0.0.1:0", "--log-level", "debug"]
    environ = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    log = lab.folder / "log"
    with (
        log.open("w", encoding="utf-8") as said,
        Child([*command, *listen], stderr=said, cwd=lab.folder, env=environ) as process,
    ):
        yield process, *announced(log)


def _until_ready(client: httpx.Client) -> None:
    with client.stream("GET", "/events?known=0") as events:
        news = False
        for line in events.iter_lines():
            news |= line == "event: news"
            if news and client.get("/readyz").status_code == 200:
                return


def test_the_page_stands_beside_the_service_and_ends_with_it(lab: Lab) -> None:
    declare(lab, SCHEDULE)
    token = "canary-of-the-page/5Rw+1="
    with serving(lab, token) as (process, page, metrics):
        bearer = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=page, timeout=60, trust_env=False, headers=bearer) as client:
            _until_ready(client)
            (scope,) = client.get("/api/watched").json()["scopes"]
            assert (scope["name"], scope["standing"], scope["simulated"]) == ("lab", "drift", True)
            assert "web-3/three" in client.get("/").text
            assert "web-3/three" in client.get("/history").text
            answers = [client.get(path) for path in ("/", "/history", "/api/watched", metrics)]
            assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
            assert 'verdict="drift"' in client.get(metrics).text
            assert client.get(metrics.replace("/metrics", "/")).status_code == 404
            with client.stream("GET", "/events") as events:
                process.send_signal(signal.SIGTERM)
                # It lets go of whoever waits for news.
                assert list(events.iter_lines()) is not None
        ended = process.wait(60)
    said = (lab.folder / "log").read_text(encoding="utf-8")
    assert ended == 0, said
    assert "Traceback" not in said
    places = {str(one.url): one.content + repr(one.headers).encode() for one in answers}
    assert shown({token}, {**places, "the log": said.encode()}) == []
