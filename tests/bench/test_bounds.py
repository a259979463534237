"""The bounds that the benchmark holds us against: wrong ones would flatter."""

from __future__ import annotations

import pytest

from tests.bench.bounds import (
    Job,
    Run,
    fewest_calls,
    longest_chain_s,
    looks_allowed,
    makespan_s,
    most_in_flight,
    reading_calls,
)


@pytest.mark.parametrize(
    ("volumes", "servers", "calls"),
    [(0, 0, 2), (999, 1, 2), (1000, 1, 3), (11_000, 1_000, 14), (1_100_000, 100_000, 1_202)],
)
def test_reading_ends_with_a_page_that_is_not_full(volumes: int, servers: int, calls: int) -> None:
    assert reading_calls(volumes, servers) == calls


def test_only_what_a_cloud_batches_shares_a_call() -> None:
    off = [("detach", f"s{n}", "v") for n in range(17)]
    assert fewest_calls(off, shareable=False) == 17
    assert fewest_calls(off, shareable=True) == 2
    destroyed = [("destroy", f"s{n % 2}", f"v{n}") for n in range(22)]
    assert fewest_calls(destroyed, shareable=False) == 4


def test_a_chain_shares_a_server_or_a_volume_and_a_batch_is_one_link() -> None:
    moved = [Job(0.0, 2.0, "s1", "v"), Job(2.1, 5.1, "s2", "v")]
    assert longest_chain_s(moved, 0.05) == pytest.approx(2.1 + 3.1)
    batch = [Job(0.0, 2.0, f"s{n}", "v") for n in range(16)]
    assert longest_chain_s(batch, 0.05) == pytest.approx(2.1)


@pytest.mark.parametrize(
    ("per_s", "writes", "seconds"),
    [
        pytest.param(None, 3200, 1.0 + 5.0 + 2.0, id="requests in flight bound it"),
        pytest.param(10.0, 3200, 1.0 + 332.0, id="the limit bounds it"),
        pytest.param(None, 1, 1.0 + 2.1, id="a job bounds it"),
    ],
)
def test_the_time_that_a_run_must_take(per_s: float | None, writes: int, seconds: float) -> None:
    run = Run(
        read_s=1.0,
        writes=writes,
        looks=120,
        per_s=per_s,
        latency_s=0.05,
        at_once=32,
        jobs=[Job(0.0, 2.0, "s", "v")],
    )
    assert makespan_s(run) == pytest.approx(seconds)


def test_few_changes_may_ask_their_jobs_and_many_share_a_twentieth_of_the_limit() -> None:
    assert looks_allowed(49, 4.0, None) == pytest.approx(73.5)
    assert looks_allowed(1_000, 20.0, 50.0) == pytest.approx(50.0)
    assert looks_allowed(1_000, 20.0, None) == pytest.approx(20.0)
    assert looks_allowed(100, 12.0, None, in_flight=32) == pytest.approx(150.0)
    assert looks_allowed(1_000, 100.0, 10.0, in_flight=20) == pytest.approx(50.0)


def test_calls_in_flight_are_those_that_began_and_have_not_ended() -> None:
    desktop = [Job(0.0, 2.0, "d", f"v{n}") for n in range(10)]
    shared = [Job(1.0, 3.0, f"s{n}", "v") for n in range(16)]
    later = [Job(2.0, 4.0, f"t{n}", f"w{n}") for n in range(3)]
    assert most_in_flight(desktop) == 1
    assert most_in_flight([*desktop, *shared]) == 2
    assert most_in_flight([*desktop, *shared, *later]) == 1 + 3
