"""Print what a fleet does under load: `python -m tests.fleet drift|kills|database|idle [...]`.

Everything is real: a PostgreSQL of its own, a simulator that is a process, workers that are
processes. Exit 1 when anything was sent twice or lost, or a call had no intent.

drift     every scope has drift in each attachment: how long until all are corrected
kills     the same, while workers die by SIGKILL at random moments and new ones start
database  the same, while PostgreSQL crashes in the middle and is started again
idle      nothing to do: how many scopes one worker looks at
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fleet.running import Fleet, Plot, fleet, sql, until
from tests.journal import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_S = 3600.0
DOWN_S = 10.0
TAKEN_OVER_S = 15.0
NUMBER = re.compile(r"'worker_id': (\d+)")
DOING = "SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = %s"
STRANDED = (
    "SELECT count(*) FROM procrastinate_jobs WHERE id = ANY(%s) "
    "AND (status = 'todo' OR (status = 'doing' AND worker_id = %s))"
)


def main() -> int:
    """Run what was asked for, and print what came of it."""
    asked = _parser().parse_args()
    folder = Path(tempfile.mkdtemp(prefix="reconciler-fleet-"))
    plot = Plot(scopes=asked.scopes, attachments=asked.attachments, attached=asked.what == "idle")
    try:
        with postgres.shared(folder) as server, fleet(plot, folder, server.url()) as made:
            return STORIES[asked.what](made, asked, server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def drift(made: Fleet, asked: argparse.Namespace, _: postgres.Server) -> int:
    """Correct everything."""
    _started(made, asked.workers)
    return _corrected(made, time.monotonic())


def kills(made: Fleet, asked: argparse.Namespace, _: postgres.Server) -> int:
    """Correct everything while workers die."""
    _started(made, asked.workers)
    began_s, chance = time.monotonic(), random.Random(asked.seed)
    taken_s: list[float] = []
    while len(taken_s) < asked.kills and not _done(made):
        time.sleep(chance.uniform(0.2, 3.0))
        taken_s += _killed(made, chance.randrange(len(made.workers)))
    assert taken_s, "all was corrected before the first of them: take more scopes"
    print(f"{len(taken_s)} kills; taken over after {max(taken_s):.1f} s at most, ", end="")
    print(f"{sum(taken_s) / len(taken_s):.1f} s on average")
    enough = len(taken_s) >= asked.kills and max(taken_s) <= TAKEN_OVER_S
    return _corrected(made, began_s) or int(not enough)


def _killed(made: Fleet, place: int) -> Iterator[float]:
    """Kill the worker at that place and start another; give what its jobs waited, if it had any."""
    found = NUMBER.findall(made.log(place))
    if made.workers[place].poll() is not None or not found:
        return
    number = int(found[-1])
    had = [row[0] for row in sql(made.url, DOING, number)]
    made.workers[place].kill()
    made.start()
    if had:
        yield until(
            lambda: sql(made.url, STRANDED, had, number)[0][0] == 0, 120.0, "nobody took over"
        )


def database(made: Fleet, asked: argparse.Namespace, server: postgres.Server) -> int:
    """Correct everything while the database is away in the middle."""
    _started(made, asked.workers)
    began_s = time.monotonic()
    until(lambda: _corrections(made) > made.wanted // 4, LIMIT_S, "a quarter is corrected")
    postgres.crash(server)
    time.sleep(2.0)  # What had left by then arrives.
    before = made.counts()["changing"]
    time.sleep(DOWN_S)
    after = made.counts()["changing"]
    postgres.start(server)
    print(f"PostgreSQL was away for {DOWN_S + 2:.0f} s: {after - before} changing calls meanwhile")
    return _corrected(made, began_s) or int(after > before)


def idle(made: Fleet, asked: argparse.Namespace, _: postgres.Server) -> int:
    """Look, and find nothing to do."""
    made.start(asked.concurrency)
    ticks = "SELECT count(*) FROM ticks"
    until(lambda: sql(made.url, ticks)[0][0] > 0, LIMIT_S, "it looks")
    first, began_s = sql(made.url, ticks)[0][0], time.monotonic()
    time.sleep(asked.seconds)
    looks, took_s = sql(made.url, ticks)[0][0] - first, time.monotonic() - began_s
    rows = sql(made.url, "SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL")[0][0]
    print(f"{looks} looks in {took_s:.0f} s ({looks / took_s:.1f} a second), {rows} connections")
    return int(made.counts()["changing"] > 0)


STORIES = {"drift": drift, "kills": kills, "database": database, "idle": idle}


def _started(made: Fleet, workers: int) -> None:
    for _ in range(workers):
        made.start()


def _corrections(made: Fleet) -> int:
    """Count what is corrected, by the journal: the simulator would have to write its whole log."""
    return int(sql(made.url, "SELECT count(*) FROM verdicts WHERE verdict = 'done'")[0][0])


def _done(made: Fleet) -> bool:
    return _corrections(made) >= made.wanted


def _corrected(made: Fleet, began_s: float) -> int:
    until(lambda: _done(made), LIMIT_S, "all is corrected")
    took_s = time.monotonic() - began_s
    made.stop()  # Their ticks never end: of many scopes one is always looked at.
    calls, there, counts = made.accepted().total(), made.attached(), made.counts()
    for row in made.refused():
        print(f"refused: {row}")
    intents = sql(made.url, "SELECT count(*) FROM intents")[0][0]
    print(f"{there} of {made.wanted} attached by {calls} accepted calls in {took_s:.0f} s")
    print(
        f"{counts['changing']} changing and {counts['reading']} reading requests, {intents} intents"
    )
    good = there == made.wanted == calls and intents >= counts["changing"]
    print("each change once, each call with its intent" if good else "WRONG")
    return 0 if good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__)
    parser.add_argument("what", choices=sorted(STORIES))
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--concurrency", type=int, default=4, help="of the worker of `idle`")
    parser.add_argument("--scopes", type=int, default=500)
    parser.add_argument("--attachments", type=int, default=40, help="of each scope")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=600.0, help="of `idle`")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of kills")
    return parser


if __name__ == "__main__":
    sys.exit(main())
