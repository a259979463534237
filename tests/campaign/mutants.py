"""`python -m tests.campaign.mutants [--seeds N] [--only NAME]`: which planted bugs are caught.

The house without any comes first and has to be clean. Each bug lives in a process of its own until
an invariant catches it or the seeds run out. Exit 1 when one survives that isn't equivalent.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tests.campaign.bugs import BUGS
from tests.campaign.planting import plant
from tests.campaign.seeds import judged, quietly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from tests.campaign.planting import Plant
    from tests.campaign.seeds import Judged

LONGEST_S = 20
"""Of real time for one story: a bug that goes in circles is caught as well."""
SEEDS_OF_EQUALS = 500
"""A bug that is thought equivalent lives through so many: enough to notice that it isn't."""
SHARE = 0.95
"""Of the bugs that aren't equivalent, so many have to be caught."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """What became of one bug."""

    bug: Plant
    seed: int | None
    """None: it survived."""
    by: str = ""
    breach: str = ""
    seconds: float = 0.0


class CirclesError(Exception):
    """A story that comes to no end in real time."""


def hunted(bug: Plant, seeds: int) -> Caught:
    """Plant a bug in this process and live stories until one catches it."""
    plant(bug)
    began_s = time.perf_counter()
    with quietly() as folder:
        for seed in range(min(seeds, SEEDS_OF_EQUALS) if bug.equivalent else seeds):
            breach = _breach(partial(judged, seed, folder, whole=bug.whole))
            if breach:
                took_s = time.perf_counter() - began_s
                by = breach.partition(" ")[0]
                return Caught(bug=bug, seed=seed, by=by, breach=breach, seconds=took_s)
    return Caught(bug=bug, seed=None, seconds=time.perf_counter() - began_s)


def _breach(live: Callable[[], Judged]) -> str:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise CirclesError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(LONGEST_S)
    try:
        found = live().breaches
    except (Exception, CirclesError) as error:  # noqa: BLE001 - whatever a bug makes of a story
        return f"I13 {type(error).__name__} {error}"
    finally:
        signal.alarm(0)
    return found[0] if found else ""


def clean(seeds: int) -> list[str]:
    """Give what breaks without any bug; nothing may."""
    with quietly() as folder:
        return [
            f"seed {seed}: {breach}"
            for seed in range(seeds)
            for breach in judged(seed, folder).breaches
        ]


def main() -> int:
    """Hunt the bugs and print the table."""
    asked = _arguments()
    chosen = [bug for bug in BUGS if not asked.only or asked.only in bug.name]
    context = multiprocessing.get_context("fork")
    with context.Pool(asked.jobs, maxtasksperchild=1) as pool:
        unclean = pool.apply(clean, (asked.baseline,))
        for line in unclean:
            print(f"not clean: {line}")
        if unclean:
            return 1
        print(f"baseline: {asked.baseline} seeds, 0 violations\n")
        print("| bug | what it breaks | caught by | at seed | seconds |\n|---|---|---|---:|---:|")
        hunt = partial(hunted, seeds=asked.seeds)
        results = [_told(one) for one in pool.imap(hunt, chosen)]
    return _summed(results)


def _told(one: Caught) -> Caught:
    by, seed = (one.by, str(one.seed)) if one.seed is not None else ("-", "-")
    print(f"| {one.bug.name} | {one.bug.breaks} | {by} | {seed} | {one.seconds:.1f} |", flush=True)
    return one


def _summed(results: Sequence[Caught]) -> int:
    survived = [one for one in results if one.seed is None]
    alike = [one for one in survived if one.bug.equivalent]
    real = len(results) - sum(bool(one.bug.equivalent) for one in results)
    caught = sum(one.seed is not None and not one.bug.equivalent for one in results)
    print()
    for one in survived:
        print(f"survived: {one.bug.name}: {one.bug.equivalent or 'NOT CAUGHT'}")
    print(
        f"{len(results)} bugs, {len(alike)} equivalent, {caught} of {real} others caught, "
        f"{len(survived) - len(alike)} survived"
    )
    return 0 if caught >= SHARE * real else 1


def _arguments() -> argparse.Namespace:
    reading = argparse.ArgumentParser(prog="python -m tests.campaign.mutants")
    reading.add_argument("--seeds", type=int, default=10_000)
    reading.add_argument("--only", default="")
    reading.add_argument("--baseline", type=int, default=500)
    reading.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return reading.parse_args()


if __name__ == "__main__":
    sys.exit(main())
