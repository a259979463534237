"""Who hears of a service: webhooks that can be told, and numbers that go on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.journal.journal import open_book
from reconciler.metrics.meter import Meter
from reconciler.model.finding import FindingsError
from reconciler.operations.ears import REST_S, MetricsFile, _webhooks, ears
from reconciler.operations.inforce import InForce, Overrides
from reconciler.operations.sessions import Request
from reconciler.operations.wiring import Surroundings
from tests.metrics.test_meter import busy, numbers
from tests.rig import virtual_time
from tests.rig.watched import tick, watched

if TYPE_CHECKING:
    from reconciler.model.watching import Tick

MANIFESTS = """\
apiVersion: reconciler/v1
kind: Scope
metadata: {name: shop}
spec: {provider: huawei-ecs, region: r1}
---
apiVersion: reconciler/v1
kind: Scope
metadata: {name: lab}
spec: {provider: huawei-ecs, region: r2}
---
apiVersion: reconciler/v1
kind: Attachments
metadata: {name: shop}
spec:
  scope: shop
  servers: {web-1: {volumes: []}}
---
apiVersion: reconciler/v1
kind: Schedule
metadata: {name: nightly}
spec:
  scopes: [shop]
  every: 5m
  notify:
    - webhook: {urlFrom: {env: RECONCILER_CRED_URL}, format: slack}
    - webhook:
        urlFrom: {file: url.txt}
        keyFrom: {env: RECONCILER_CRED_KEY}
        body: '{"title": "{text}"}'
"""
URL = "https://hooks.example/T0/secret"
GOOD = {"RECONCILER_CRED_URL": URL, "RECONCILER_CRED_KEY": "k1"}


def around(folder: Path, environ: dict[str, str]) -> tuple[InForce, Surroundings]:
    (folder / "m.yaml").write_text(MANIFESTS, encoding="utf-8")
    there = Surroundings(
        environ=environ, folder=folder, utc_now=lambda: datetime(2026, 1, 1, tzinfo=UTC)
    )
    return InForce(Request(files=(str(folder / "m.yaml"),)), there, Overrides()), there


def test_webhooks_are_what_the_schedules_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("url.txt").write_text(f"{URL}/2\n", encoding="utf-8")
    first, second = _webhooks(*around(tmp_path, GOOD))
    assert (first.name, first.url, first.format.value) == ("nightly/1", URL, "slack")
    assert (second.name, second.url, second.key) == ("nightly/2", f"{URL}/2", b"k1")
    assert (first.hears("shop"), first.hears("lab"), first.hears("none")) == (True, False, False)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"RECONCILER_CRED_URL": ""}, "holds no URL", id="no URL"),
        pytest.param({"RECONCILER_CRED_URL": "secret"}, "none of http", id="not a URL"),
        pytest.param({"RECONCILER_CRED_URL": "http://h/secret"}, "plain http", id="plain http"),
        pytest.param({"RECONCILER_CRED_KEY": " "}, "holds no key", id="no key"),
    ],
)
def test_a_webhook_that_cant_be_told_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("url.txt").write_text(URL, encoding="utf-8")
    book = open_book(tmp_path / "journal.db")
    with pytest.raises(FindingsError, match=why) as raised:
        ears(*around(tmp_path, GOOD | changes), book)
    assert "secret" not in str(raised.value)
    assert raised.value.findings[0].place is not None


def test_numbers_go_on_from_the_file_of_a_process_that_ended(tmp_path: Path) -> None:
    path = tmp_path / "m.prom"
    MetricsFile(busy().text, path).attempt()
    before, meter = numbers(busy()), Meter(lambda: 0.0)
    file = MetricsFile(meter.text, path)
    file.resume(meter)
    meter.changed(watched("shop", 'lab "7"\n'))
    last = tick("shop", counts={"in line": 3}, took_s=1.0)
    meter.ticked(last)
    virtual_time.run(ticked(file, last))
    after = numbers(meter)
    grown = {key: after[key] - before[key] for key in before if key in after and "total" in key[0]}
    assert {key: by for key, by in grown.items() if by} == {("ticks_total", "looked", "shop"): 1}
    assert after["tick_seconds_bucket", "2.5", "shop"] == 2
    assert after["tick_seconds_bucket", "+Inf", "shop"] == 4
    lab = ("last_success_timestamp_seconds", 'lab "7"\n')
    assert after[lab] == before[lab]


@pytest.mark.parametrize("content", [b"{not metrics", b"\xff\xfe", None])
def test_a_file_of_another_kind_begins_anew(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "m.prom"
    if content is not None:
        path.write_bytes(content)
    meter = Meter(lambda: 0.0)
    file = MetricsFile(meter.text, path)
    file.resume(meter)
    file.changed(replace(watched("shop"), stopping=True))
    assert b"reconciler_build_info" in path.read_bytes()


def test_a_file_that_cant_be_written_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    virtual_time.run(ticked(MetricsFile(busy().text, tmp_path / "none" / "m.prom"), tick("shop")))
    assert "metrics can't be written" in caplog.text


async def ticked(file: MetricsFile, *ticks: Tick) -> None:
    for one in ticks:
        file.ticked(one)


def test_many_ticks_are_written_together_and_the_last_one_too(tmp_path: Path) -> None:
    path, texts = tmp_path / "m.prom", []

    def text() -> bytes:
        texts.append(f"{len(seen)} ticks")
        return texts[-1].encode()

    seen: list[float] = []

    async def story() -> None:
        file = MetricsFile(text, path)
        for _ in range(40):
            seen.append(asyncio.get_running_loop().time())
            file.ticked(tick("shop"))
            await asyncio.sleep(0.1)
        await asyncio.sleep(REST_S)

    virtual_time.run(story())
    assert texts[0] == "1 ticks"
    assert path.read_text(encoding="utf-8") == "40 ticks"
    assert len(texts) == 5
