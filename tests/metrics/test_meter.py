"""The numbers of a service in Prometheus' text format, read back by its own library and linter."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler.errors import ProviderError
from reconciler.metrics.endpoints import endpoint
from reconciler.metrics.meter import MOST_ENDPOINTS, Meter
from reconciler.model.outcome import Verdict
from reconciler.model.plan import Action
from reconciler.model.watching import Answer, BreakerStanding, WatchBreaker
from tests.providers.edge import Edge, Says, answering, failing
from tests.rig.watched import ANOTHER_S, correction, difference, fight, tick, watched

if TYPE_CHECKING:
    from reconciler.model.watching import Tick

REPOSITORY = Path(__file__).parents[2]
NOW_S = ANOTHER_S + 100.0


def meter(*ticks: Tick) -> Meter:
    made = Meter(lambda: NOW_S)
    made.changed(watched("shop", 'lab "7"\n'))
    for one in ticks:
        made.ticked(one)
    return made


def numbers(made: Meter) -> dict[tuple[str, ...], float]:
    """Give every sample by its name and the values of its labels, in the order of their names."""
    families = text_string_to_metric_families(made.text().decode())
    return {
        (sample.name.removeprefix("reconciler_"), *(v for _, v in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in families
        for sample in family.samples
    }


def busy() -> Meter:
    """Give a meter that has something to say about everything."""
    first = tick(
        "shop",
        differences=(
            difference(first_s=ANOTHER_S - 300),
            difference(server="web-2", first_s=ANOTHER_S - 500),
            difference(volume="two", answer=Answer.PENDING),
        ),
        corrections=(
            correction(Action.ATTACH, Verdict.DONE),
            correction(Action.ATTACH, Verdict.FAILED),
        ),
        fights=(fight(),),
        breaker=WatchBreaker(standing=BreakerStanding.OPEN),
        counts={"in line": 40, "drift": 2, "pending": 1},
        took_s=3.0,
    )
    made = meter(first, tick("shop", looked=False), first, tick('lab "7"\n', counts={}))
    for status in (200, 200, 429):
        made.traffic.answered("shop", "GET", "/v1/0a1b/cloudservers/detail", status)
    made.traffic.broke("shop", "POST", "/v1/0a1b/cloudservers/s-1/attachvolume", "no-answer")
    made.traffic.throttled("shop")
    made.told("night", delivered=False)
    return made


def test_every_question_of_a_night_has_its_number() -> None:
    told = numbers(busy())
    expected = {
        ("attachments", "shop", "drift"): 2,
        ("attachments", "shop", "in line"): 40,
        ("attachments", "shop", "conflict"): 0,
        ("differences", "drift", "missing", "shop"): 2,
        ("differences", "pending", "missing", "shop"): 1,
        ("difference_oldest_age_seconds", "drift", "shop"): 600,
        ("difference_oldest_timestamp_seconds", "drift", "shop"): ANOTHER_S - 500,
        ("fights", "shop"): 1,
        ("fights", 'lab "7"\n'): 0,
        ("breaker_open", "shop"): 1,
        ("changes_total", "attach", "shop", "done"): 2,
        ("changes_total", "attach", "shop", "failed"): 2,
        ("changes_total", "detach", "shop", "unknown"): 0,
        ("ticks_total", "looked", "shop"): 2,
        ("ticks_total", "failed", "shop"): 1,
        ("api_requests_total", "GET /v1/{id}/cloudservers/detail", "shop", "200"): 2,
        ("api_requests_total", "GET /v1/{id}/cloudservers/detail", "shop", "429"): 1,
        (
            "api_requests_total",
            "POST /v1/{id}/cloudservers/{id}/attachvolume",
            "shop",
            "no-answer",
        ): 1,
        ("throttles_total", "shop"): 1,
        ("throttles_total", 'lab "7"\n'): 0,
        ("tick_seconds_bucket", "2.5", "shop"): 1,
        ("tick_seconds_bucket", "5.0", "shop"): 3,
        ("tick_seconds_bucket", "+Inf", "shop"): 3,
        ("last_success_timestamp_seconds", "shop"): ANOTHER_S + 3,
        ("last_success_timestamp_seconds", 'lab "7"\n'): ANOTHER_S + 1,
        ("notifications_total", "failed", "night"): 1,
        ("notifications_total", "delivered", "night"): 0,
    }
    assert {key: told.get(key) for key in expected} == expected


def test_a_look_that_failed_says_nothing_of_attachments_and_keeps_the_last_success() -> None:
    told = numbers(meter(tick("shop", counts={"drift": 1}), tick("shop", looked=False)))
    assert ("attachments", "shop", "drift") not in told
    assert told["last_success_timestamp_seconds", "shop"] == ANOTHER_S + 1


def test_numbers_of_a_scope_go_with_it() -> None:
    made = busy()
    made.changed(watched('lab "7"\n'))
    gauges = {key for key in numbers(made) if not key[0].endswith(("_total", "_bucket"))}
    assert not any("shop" in key for key in gauges if key[0] not in SUMS)


SUMS = {"tick_seconds_count", "tick_seconds_sum"}


def test_who_is_one_of_several_counts_and_does_not_say_how_a_scope_stands() -> None:
    one = Meter(lambda: NOW_S, alone=False)
    one.tick_began("shop", ANOTHER_S)
    zero = one.text().decode()
    assert 'reconciler_ticks_total{outcome="looked",scope="shop"} 0.0' in zero
    one.ticked(tick("shop", differences=(difference("web-1"),), counts={"drift": 1}))
    one.changed(watched())
    told = one.text().decode()
    assert 'reconciler_ticks_total{outcome="looked",scope="shop"} 1.0' in told
    assert re.search('reconciler_last_success_timestamp_seconds{scope="shop"} 1', told)
    for gauge in ("attachments", "differences", "fights", "last_tick_seconds"):
        assert f"reconciler_{gauge}{{" not in told


def test_endpoints_are_bounded() -> None:
    made = meter()
    for number in range(MOST_ENDPOINTS + 50):
        made.traffic.answered(
            "shop", "GET", "/" + "x" * (number % 39 + 1) + "/y" * (number // 39), 200
        )
    shown = {key[1] for key in numbers(made) if key[0] == "api_requests_total"}
    assert len(shown) == MOST_ENDPOINTS + 1
    assert "other" in shown


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/v2.1/0a1b2c/os-volumes", "/v2.1/{id}/os-volumes"),
        ("/v1/p1/jobs/ff80", "/v1/{id}/jobs/{id}"),
        ("/v1.0/virtual_servers/9C-1", "/v1.0/virtual_servers/{id}"),
        ("/v3/auth/tokens", "/v3/auth/tokens"),
        ("/" + "a" * 41, "/{id}"),
        ('/a"b\n', "/{id}"),
        ("", ""),
    ],
)
def test_an_endpoint_is_a_path_without_ids(path: str, named: str) -> None:
    assert endpoint("GET", path) == f"GET {named}"


def test_requests_are_counted_where_they_leave() -> None:
    made = meter()
    Edge(
        answering(200),
        Says(("https://cloud.example/a/1", "https://cloud.example/a/2")),
        traffic=made.traffic,
    ).list_live()
    Edge(answering(429), traffic=made.traffic).submit()
    with pytest.raises(ProviderError):
        Edge(failing(httpx.ReadError("cut")), traffic=made.traffic).list_live()
    Edge(failing(httpx.ConnectError("refused")), traffic=made.traffic).submit()
    told = numbers(made)
    counted = {key[1:]: value for key, value in told.items() if key[0] == "api_requests_total"}
    assert counted == {
        ("GET /a/{id}", "prod", "200"): 2,
        ("POST /a", "prod", "429"): 1,
        ("GET /a", "prod", "no-answer"): 1,
        ("POST /a", "prod", "not-sent"): 1,
    }
    assert told["throttles_total", "prod"] == 1


def promtool(*arguments: str, told: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["promtool", *arguments]
    return subprocess.run(  # noqa: S603 - Debian's own linter, on what we wrote
        command, cwd=REPOSITORY, input=told, capture_output=True, check=False
    )


@pytest.mark.counterpart("promtool")
def test_prometheus_itself_finds_nothing_to_say_about_it() -> None:
    linted = promtool("check", "metrics", told=busy().text())
    assert (linted.returncode, linted.stderr) == (0, b"")


@pytest.mark.counterpart("promtool")
def test_every_alert_fires_on_its_symptom_and_on_nothing_else() -> None:
    tested = promtool("test", "rules", "tests/metrics/alerts_test.yml")
    assert tested.returncode == 0, tested.stdout.decode()


def test_every_alert_is_tested_and_asks_for_what_there_is() -> None:
    rules = (REPOSITORY / "manifests/monitoring/alerts.yml").read_text(encoding="utf-8")
    tests = (REPOSITORY / "tests/metrics/alerts_test.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"- alert: (\w+)", rules))
    assert named == set(re.findall(r"alertname: (\w+)", tests))
    asked = set(re.findall(r"\breconciler_(\w+)", rules))
    assert asked <= {key[0] for key in numbers(busy())}
