"""From a seed to its story; the same seed gives the same story."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from functools import cache
from typing import TYPE_CHECKING

from reconciler.model.capabilities import SetBy
from reconciler.providers import discover
from reconciler.sim.rules import Rule
from tests.campaign.dangers import endangered
from tests.campaign.story import Act, Entries, Pair, Row, Story
from tests.rig.plot import vendor_of
from tests.rig.stage import DAWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.capabilities import Capabilities
    from reconciler.providers.spec import ProviderSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much there may be of each, as often as it stands here."""

    servers: Sequence[int]
    volumes: Sequence[int]
    shared: Sequence[int]
    """Volumes that several servers may have, where a cloud has such."""


ANY = Sizes(servers=(2, 2, 3, 3, 4, 5), volumes=(1, 2, 2, 3, 3, 4), shared=(0, 1, 1, 2))
SMALL = Sizes(servers=(2, 3), volumes=(1,), shared=(0,))
WHOLE_EVERY = 50
"""Every so many seeds one takes the whole road."""
WEIGHTS = {"huawei-ecs": 4, "samsung-virtualserver": 3}
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe",
    "</script><img src=x onerror=alert(1)>",
    "=cmd()|' /C calc'!A0",
    "\r\nScope prod is simulated.",
    "\u2066\u200b\u2028```",
)
ANSWERS = (
    *("reset", "timeout", "stall", "truncate", "html", "400", "409"),
    *("429", "500", "502", "503", "504"),
)
NOTHING_DONE = ("400", "409")
"""With a code that nobody has documented: refused, and nothing happened."""
AFTER = ("3", "0", "20", "86400", "-5", "soon", "1e400", "date")
JOBS = ("fail", "gone", "false-success", "init-first", "slow", "partial", "partial")
LISTINGS = ("stale", "duplicate", "reorder", "drop-page", "lying-count", "endless")


@cache
def specs() -> Mapping[str, ProviderSpec]:
    """Give every provider there is."""
    return discover()


def story_of(
    seed: int, provider: str | None = None, *, whole: bool | None = None, small: bool = False
) -> Story:
    """Give the story of a seed; `provider` and `whole` are drawn where they aren't given.

    A `small` world has one volume, and two or three servers.
    """
    dice = random.Random(seed)
    names = sorted(specs())
    (drawn,) = dice.choices(names, [WEIGHTS.get(name, 2) for name in names])
    can = specs()[provider := provider or drawn].can
    servers, volumes, shared, attached = world = _world(dice, can, SMALL if small else ANY)
    ghosts = _ghosts(dice, can, servers)
    volumes = (*volumes, *(name for _, name in ghosts))
    entries = _haunted(dice, _entries(dice, can, world), ghosts)
    quiet, dies, acts = _disturbed(dice, world)
    asks = _asks(dice, acts)
    story = Story(
        seed=seed,
        provider=provider,
        can=can,
        servers=servers,
        volumes=volumes,
        shared=shared,
        attached=attached,
        ghosts=ghosts,
        names=_names(dice, (*servers, *volumes, *shared)),
        entries=entries,
        before=_entries(dice, can, world) if _once(dice, 0.1) and can.attach else None,
        rules=() if quiet else tuple(_rule(dice, provider, servers) for _ in range(_few(dice))),
        acts=acts,
        asks=asks,
        agreed=frozenset(v for v in volumes if dice.random() < 0.85),
        dies=dies,
        rests=not dies or dice.random() < 0.4,
        denied_after=dice.randint(2, 12) if not quiet and _once(dice, 0.04) else None,
        lying_word=dice.randint(0, 2) if _once(dice, 0.1) else None,
        echoes=_once(dice, 0.3),
        skews_s=tuple(dice.choice([0.0, 0.0, 40.0, -40.0, 300.0]) for _ in range(3)),
        limits=(limits := _limits(dice)),
        job_s=_job_s(dice, can, limits),
        sigma=0.0 if "stepTimeout" in limits else dice.choice([0.0, 0.5]),
        latency_s=0.05 if _once(dice, 0.15) else 0.0,
        whole=seed % WHOLE_EVERY == 0 if whole is None else whole,
        second_s=None if quiet or asks else _second(dice),
    )
    return story if quiet else endangered(dice, story)


def _second(dice: random.Random) -> float | None:
    return dice.choice([0.0, 0.2, 1.0, 5.0]) if _once(dice, 0.15) else None


def _disturbed(dice: random.Random, world: World) -> tuple[bool, tuple[int, ...], tuple[Act, ...]]:
    quiet = dice.random() < 0.1
    dies = () if quiet or dice.random() < 0.7 else _deaths(dice)
    return quiet, dies, () if quiet or dice.random() < 0.75 else _acts(dice, world)


def _asks(dice: random.Random, acts: tuple[Act, ...]) -> bool:
    return dice.random() < 0.3 or any(act.at_s is None for act in acts)


def _ghosts(dice: random.Random, can: Capabilities, servers: tuple[str, ...]) -> tuple[Pair, ...]:
    if len(can.views) > 1 and dice.random() < 0.12:
        return ((dice.choice(servers), "ghost"),)
    return ()


def _once(dice: random.Random, share: float) -> bool:
    return dice.random() < share


def _few(dice: random.Random) -> int:
    return dice.choice([0, 1, 2, 2, 3, 4])


def _limits(dice: random.Random) -> Mapping[str, object]:
    limits: dict[str, object] = {}
    if dice.random() < 0.15:
        limits["requestsPerSecond"] = dice.choice([2, 5, 10])
    if dice.random() < 0.15:
        limits["stepTimeout"] = 20
    if dice.random() < 0.1:
        limits["maxConcurrency"] = dice.choice([1, 2])
    return limits


def _job_s(dice: random.Random, can: Capabilities, limits: Mapping[str, object]) -> float:
    drawn = dice.choice([1.0, 1.0, 1.0, 2.0, 2.0, 15.0])
    # Where nothing shows motion, half of `stepTimeout` is the proof that nothing goes on.
    return drawn if can.shows_motion or "stepTimeout" not in limits else min(drawn, 2.0)


def _deaths(dice: random.Random) -> tuple[int, ...]:
    return tuple(dice.randint(1, 25) for _ in range(dice.choice([1, 1, 2])))


World = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], dict[Pair, bool]]


def _world(dice: random.Random, can: Capabilities, sizes: Sizes) -> World:
    servers = tuple(f"s{n}" for n in range(dice.choice(sizes.servers)))
    volumes = tuple(f"v{n}" for n in range(dice.choice(sizes.volumes)))
    sharing = can.max_servers_per_volume > 1
    shared = tuple(f"shared{n}" for n in range(dice.choice(sizes.shared) if sharing else 0))
    flags = can.delete_on_termination is not SetBy.NEVER
    busy = 0.9 if not can.attach else 0.6
    attached = {(dice.choice(servers), v): False for v in volumes if dice.random() < busy}
    attached |= {(s, v): False for v in shared for s in servers if dice.random() < 0.5}
    if flags:
        attached = {p: p[1] not in shared and dice.random() < 0.2 for p in attached}
    return servers, volumes, shared, attached


def _names(dice: random.Random, keys: Sequence[str]) -> Mapping[str, str]:
    return {key: f"{key}{dice.choice(HOSTILE)}" for key in keys if dice.random() < 0.3}


def _entries(dice: random.Random, can: Capabilities, world: World) -> Entries:
    servers, volumes, shared, attached = world
    owned = tuple(s for s in servers if dice.random() < 0.75) or servers[:1]
    by_volume = {v for v in (*shared, *volumes) if dice.random() < (0.8 if v in shared else 0.15)}
    if not can.attach:
        by_volume = set()
    wanted = _wanted(dice, world, owned, by_volume)
    flags = can.delete_on_termination is not SetBy.NEVER
    rows = {}
    for server in owned:
        mine = sorted(v for s, v in wanted if s == server)
        listed = {v: _flag(dice, v, shared, can) if flags else None for v in mine}
        others = [v for v in (*volumes, *shared) if v not in mine and v not in by_volume]
        share = 0.15 if can.attach else 0.5
        absent = tuple(v for v in others if (server, v) in attached and dice.random() < share)
        rows[server] = Row(listed=listed, absent=absent, keeps_others=dice.random() < 0.12)
    return Entries(
        servers=rows,
        volumes={v: tuple(sorted(s for s, w in wanted if w == v)) for v in sorted(by_volume)},
    )


def _wanted(
    dice: random.Random, world: World, owned: tuple[str, ...], by_volume: set[str]
) -> set[Pair]:
    servers, volumes, shared, attached = world
    holder = {v: s for s, v in attached if v not in shared}
    wanted: set[Pair] = set()
    for volume in volumes:
        # Sometimes what an unowned server has is wanted elsewhere, and can't be had.
        free = holder.get(volume, owned[0]) in owned or dice.random() < 0.2
        if free and dice.random() < 0.7:
            there = servers if volume in by_volume else owned
            wanted.add(
                (holder[volume] if _stays(dice, holder, volume) else _of(dice, there), volume)
            )
    for volume in shared:
        there = servers if volume in by_volume else owned
        wanted |= {(s, volume) for s in there if dice.random() < 0.5}
    return {p for p in wanted if p[0] in owned or p[1] in by_volume}


def _stays(dice: random.Random, holder: Mapping[str, str], volume: str) -> bool:
    return volume in holder and dice.random() < 0.3


def _of(dice: random.Random, there: tuple[str, ...]) -> str:
    return dice.choice(there)


def _flag(
    dice: random.Random, volume: str, shared: tuple[str, ...], can: Capabilities
) -> bool | None:
    if volume in shared and not can.delete_on_termination_of_shared:
        return None
    return dice.choice([None, None, True, False])


def _haunted(dice: random.Random, entries: Entries, ghosts: tuple[Pair, ...]) -> Entries:
    if not ghosts or dice.random() >= 0.5:
        return entries
    server = dice.choice(sorted(entries.servers))
    row = entries.servers[server]
    more = Row(
        listed={**row.listed, "ghost": None}, absent=row.absent, keeps_others=row.keeps_others
    )
    return Entries(servers={**entries.servers, server: more}, volumes=entries.volumes)


def _acts(dice: random.Random, world: World) -> tuple[Act, ...]:
    servers, volumes, shared, _ = world
    moment = None if dice.random() < 0.5 else dice.choice([0.2, 1.5, 4.0, 9.0])
    return tuple(
        Act(
            at_s=moment,
            verb=dice.choice(["detach", "attach"]),
            pair=(dice.choice(servers), dice.choice((*volumes, *shared))),
        )
        for _ in range(dice.choice([1, 1, 2, 4]))
    )


def _rule(dice: random.Random, provider: str, servers: tuple[str, ...]) -> Rule:
    vendor = vendor_of(provider)
    kind = dice.choice(["answer", "answer", "answer", "answer", "job", "job", "job", "listing"])
    when, amount = _when(dice)
    if kind == "listing":
        fault, match = dice.choice(LISTINGS), dice.choice(vendor.listings)
        # A look that loses rows does harm where the next one loses them too.
        when, amount = ("probability", 0.6) if _once(dice, 0.2) else (when, amount)
        seconds = 6.0 if fault == "stale" else 0.0
        return Rule(
            match=match,
            when=when,
            amount=amount,
            kind=kind,
            fault=fault,
            seconds=seconds,
            times=dice.choice([1, 4, 4, None]),
        )
    if kind == "job":
        matches = (vendor.attach, vendor.detach)
        broken = vendor.identity(dice.choice(servers))
        return _job_rule(dice, (when, amount), matches, broken)
    match = dice.choice([*[vendor.write] * 4, vendor.jobs, *vendor.listings, "* *"])
    answer = dice.choice(
        (*ANSWERS, "throttle-202") if "throttle-202" in vendor.throttles else ANSWERS
    )
    # A cloud that says "too fast" and does it all the same is beyond what its documents promise.
    throttle = (answer.isdigit() and int(answer) in vendor.throttles) or answer in vendor.throttles
    return Rule(
        match=match,
        when=when,
        amount=amount,
        kind=kind,
        fault=answer,
        times=dice.choice([1, 2, 6, 6, None]),
        effect="applied"
        if not throttle and answer not in NOTHING_DONE and dice.random() < 0.5
        else "none",
        retry_after=_after(dice) if dice.random() < 0.3 else None,
    )


def _job_rule(
    dice: random.Random,
    when: tuple[str, float],
    matches: tuple[str, str],
    broken: str,
) -> Rule:
    fault = dice.choice(JOBS)
    return Rule(
        match=dice.choice(matches),
        when=when[0],
        amount=when[1],
        kind="job",
        fault=fault,
        seconds=90.0 if fault == "slow" else 0.0,
        servers=(broken,) if fault == "partial" else (),
        times=dice.choice([1, 2, None]),
        effect="applied" if fault not in ("slow", "init-first") and dice.random() < 0.4 else "none",
    )


def _when(dice: random.Random) -> tuple[str, float]:
    return dice.choice(
        [
            ("nth", float(dice.randint(1, 4))),
            ("nth", 1.0),
            ("always", 1.0),
            ("probability", 0.25),
            ("every", float(dice.randint(2, 4))),
        ]
    )


def _after(dice: random.Random) -> str:
    word = dice.choice(AFTER)
    if word != "date":
        return word
    return format_datetime(DAWN + timedelta(seconds=dice.choice([5, 30, 4000])), usegmt=True)
