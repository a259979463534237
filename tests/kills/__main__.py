"""Print the kill table: `python -m tests.kills --runs 200 [--seed N] [--point NAME]`.

Each run is of real processes: a simulator with its own, an apply that dies by SIGKILL, a rerun,
and one more that must find nothing to do. Exit 1 when anything is sent twice, lost, or told
wrongly. A story is the same for the same seed; which calls are in flight when it dies is not.
"""

from __future__ import annotations

import argparse
import signal
import sys

from tests.kills.table import ROWS, Runs, clean, has_lease, kills, leases, table

INTERRUPTED = 130


def main() -> int:
    """Run what was asked for, and print the table."""
    asked = _parser().parse_args()
    chosen = tuple(asked.only or ROWS)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    runs = Runs()
    try:
        runs.make(kills(asked.runs, asked.seed, chosen, asked.hurry), asked.jobs)
        if has_lease():
            # One at a time: two appliers that shall begin together need a core each.
            runs.make(leases(asked.runs, asked.seed, chosen), 1)
        else:
            print("no lease in this checkout: the rows about it are left out", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted: the table has the runs that had ended", file=sys.stderr)
        print("\n".join(table(runs.tallies)))
        return INTERRUPTED
    print("\n".join(table(runs.tallies)))
    return 0 if clean(runs.tallies) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="kills, over all chosen points")
    parser.add_argument("--seed", type=int, default=1, help="of the stories")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once")
    parser.add_argument(
        "--point", "--only", dest="only", action="append", choices=ROWS, help="only this row"
    )
    parser.add_argument(
        "--hurry", type=float, help="let the reruns' event loops hurry so many times"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
