"""`python -m tests.campaign --seeds N [--from S] [--provider P] [--small]`: live and judge stories.

A seed that breaks an invariant is printed with the one command that lives it again. The last line
is `N seeds, F faults fired, V violations`; exit 1 when there are any.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.campaign.drawing import specs
from tests.campaign.seeds import Judged, judged, quietly

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Seeds that one process takes at once."""

    first: int
    count: int
    provider: str | None
    whole: bool | None
    small: bool


def main() -> int:
    """Live as many stories as asked for."""
    asked = arguments()
    began_s, cpu_s = time.perf_counter(), 0.0
    faults = violations = 0
    parts = [
        Part(
            first=first,
            count=min(CHUNK, asked.first + asked.seeds - first),
            provider=asked.provider,
            whole=asked.whole,
            small=asked.small,
        )
        for first in range(asked.first, asked.first + asked.seeds, CHUNK)
    ]
    with ProcessPoolExecutor(asked.jobs) as pool:
        for took_s, results in pool.map(lived_through, parts):
            cpu_s += took_s
            faults += sum(one.faults for one in results)
            violations += sum(tell(one, asked) for one in results)
    rate = asked.seeds / cpu_s if cpu_s else 0.0
    spent_s = time.perf_counter() - began_s
    print(f"{spent_s:.0f} s with {asked.jobs} processes, {rate:.0f} seeds a second of each")
    print(f"{asked.seeds} seeds, {faults} faults fired, {violations} violations")
    return 1 if violations else 0


def lived_through(part: Part) -> tuple[float, list[Judged]]:
    """Give what became of some seeds, and the processor seconds that they took."""
    began_s = time.process_time()
    with quietly() as folder:
        results = [
            judged(seed, folder, part.provider, whole=part.whole, small=part.small)
            for seed in range(part.first, part.first + part.count)
        ]
    return time.process_time() - began_s, results


def tell(one: Judged, asked: argparse.Namespace) -> bool:
    """Print what a seed broke and the command that lives it again; tell whether it broke any."""
    if not one.breaches:
        return False
    chosen = f" --provider {asked.provider}" if asked.provider else ""
    chosen += {None: "", True: " --whole", False: " --short"}[asked.whole]
    chosen += " --small" if asked.small else ""
    print(f"seed {one.seed}: python -m tests.campaign --from {one.seed} --seeds 1{chosen}")
    for breach in one.breaches:
        print(f"  {breach}")
    sys.stdout.flush()
    return True


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Give what was asked for, on the command line where no words are given."""
    reading = argparse.ArgumentParser(prog="python -m tests.campaign")
    reading.add_argument("--seeds", type=int, default=300)
    reading.add_argument("--from", type=int, default=0, dest="first")
    reading.add_argument("--provider", choices=sorted(specs()))
    reading.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    reading.add_argument("--small", action="store_true", help="one volume, two or three servers")
    road = reading.add_mutually_exclusive_group()
    road.add_argument("--whole", action="store_true", help="every seed by all layers")
    road.add_argument("--short", action="store_false", dest="whole")
    reading.set_defaults(whole=None)
    return reading.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
