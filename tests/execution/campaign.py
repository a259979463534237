"""Random worlds, entries and faults from a seed; the same seed gives the same story."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from tests.contract.worlds import huawei_ecs
from tests.rig.plot import Pair, Plot, Rule, Wanted

ANSWERS = ("reset", "timeout", "stall", "truncate", "html", "throttle-202", 429, 500, 502, 503, 504)
THROTTLES = ("throttle-202", 429, 503)
JOBS = ("fail", "gone", "false-success", "init-first", {"slow": 90})
LISTINGS = ("duplicate", "reorder", "drop-page", "lying-count", "endless", {"stale": 6})


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A world, what is wanted of it, and what goes wrong."""

    plot: Plot
    wanted: Wanted
    rules: tuple[Rule, ...]
    possible: bool
    """False: something stands in the way that nobody may remove."""


def story_of(seed: int) -> Story:
    """Give the story of a seed."""
    dice = random.Random(seed)
    plot = _plot(dice, seed)
    possible = dice.random() < 0.8
    owned = tuple(s for s in plot.servers if dice.random() < 0.7) or plot.servers[:1]
    pairs = _pairs(dice, plot, owned, possible=possible)
    if not possible:
        stale = (dice.choice(owned), "ghost")
        plot = replace(plot, volumes=(*plot.volumes, "ghost"), storage_only=(stale,))
        pairs |= {(dice.choice(owned), "ghost")}
    rows = {s: sorted(v for t, v in pairs if t == s) for s in owned}
    shared = {v: sorted(s for s, w in pairs if w == v) for v in plot.shared}
    limits = {"requestsPerSecond": 10} if dice.random() < 0.3 else {}
    wanted = Wanted(provider="huawei-ecs", servers=rows, volumes=shared, limits=limits)
    rules = tuple(_rule(dice) for _ in range(dice.randint(0, 4)))
    return Story(plot=plot, wanted=wanted, rules=rules, possible=possible)


def _plot(dice: random.Random, seed: int) -> Plot:
    servers = tuple(f"s{n}" for n in range(dice.randint(2, 5)))
    volumes = tuple(f"v{n}" for n in range(dice.randint(1, 5)))
    shared = tuple(f"shared{n}" for n in range(dice.randint(0, 2)))
    attached = {(dice.choice(servers), v) for v in volumes if dice.random() < 0.6}
    attached |= {(s, v) for v in shared for s in servers if dice.random() < 0.5}
    return Plot(
        servers=servers,
        volumes=volumes,
        shared=shared,
        attached=tuple(sorted(attached)),
        job_s=dice.choice([1.0, 4.0, 15.0]),
        sigma=dice.choice([0.0, 0.5]),
        latency_s=dice.choice([0.0, 0.0, 0.05]),
        seed=seed,
    )


def _pairs(dice: random.Random, plot: Plot, owned: tuple[str, ...], *, possible: bool) -> set[Pair]:
    holder = {v: s for s, v in plot.attached if v in plot.volumes}
    pairs = {(s, v) for v in plot.shared for s in plot.servers if dice.random() < 0.5}
    for volume in plot.volumes:
        free = holder.get(volume, owned[0]) in owned or not possible
        if free and dice.random() < 0.7:
            pairs.add((dice.choice(owned), volume))
    return pairs


def _rule(dice: random.Random) -> Rule:
    vendor = huawei_ecs
    when: dict[str, object] = dice.choice(
        [{"nth": dice.randint(1, 5)}, {"probability": 0.2}, {"every": dice.randint(2, 4)}]
    )
    kind = dice.choice(["answer", "answer", "job", "listing"])
    if kind == "listing":
        match = dice.choice(vendor.listings)
        return {"match": match, **when, "listing": dice.choice(LISTINGS), "times": 4}
    if kind == "job":
        match = dice.choice([vendor.attach, vendor.detach])
        fault = dice.choice(JOBS)
        effect = {"effect": "applied"} if dice.random() < 0.4 else {}
        return {"match": match, **when, "job": fault, **effect}
    match = dice.choice([vendor.write, vendor.write, vendor.jobs, *vendor.listings])
    answer = dice.choice(ANSWERS)
    # A cloud that says "too fast" and does it all the same is beyond what its documents promise.
    silent = answer not in THROTTLES
    effect = {"effect": "applied"} if silent and dice.random() < 0.5 else {}
    after = {"retryAfter": "3"} if dice.random() < 0.3 else {}
    return {"match": match, **when, "answer": answer, "times": 6, **effect, **after}
