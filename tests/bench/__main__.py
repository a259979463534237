"""`python -m tests.bench [--case NAME] [--all] [--virtual] [--json FILE]`: measured, bound, ratio.

Each case is the real command in its own process against the simulator in its own process; its
bound is computed from what that simulator recorded of the same run. Times are wall time where
they are compared with a bound, and suffer on a busy machine; CPU seconds do so less, and what
`--virtual` tells is the same on every machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.bench import measuring, virtually
from tests.bench.cases import CASES
from tests.bench.measuring import Row, WrongError, machine

LINE = "{case:26} {what:16} {measured:>10} {bound:>10} {ratio:>7}"


def main() -> int:
    """Measure what was asked for; 1 when a command didn't do what its case is about."""
    asked = _arguments()
    chosen = [case for case in CASES if case.name in asked.case] or [
        case for case in CASES if asked.all or not case.long
    ]
    print(LINE.format(case="case", what="what", measured="measured", bound="bound", ratio="ratio"))
    rows: list[Row] = []
    wrong = 0
    for case in chosen:
        try:
            for row in (virtually if asked.virtual else measuring).rows_of(case):
                rows.append(row)
                print(_line(row), flush=True)
        except WrongError as error:
            wrong += 1
            print(f"wrong: {error}", file=sys.stderr)
    if asked.json is not None:
        told = {"machine": machine(), "rows": [{**asdict(r), "ratio": r.ratio} for r in rows]}
        Path(asked.json).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


def _line(row: Row) -> str:
    return LINE.format(
        case=row.case,
        what=row.what,
        measured=_number(row.measured),
        bound=_number(row.bound),
        ratio=_number(row.ratio),
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}"


def _arguments() -> argparse.Namespace:
    reading = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = [case.name for case in CASES]
    reading.add_argument("--case", action="append", default=[], choices=names)
    reading.add_argument("--all", action="store_true", help="those that take minutes as well")
    reading.add_argument("--virtual", action="store_true", help="applies alone, in virtual time")
    reading.add_argument("--json", metavar="FILE", help="keep the rows")
    return reading.parse_args()


if __name__ == "__main__":
    sys.exit(main())
