"""Print the table of hostile cases; exit 1 when one of them isn't as promised."""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.hostile.case import Case, Ran, failures
from tests.hostile.running import alone
from tests.hostile.table import CASES

HEAD = f"{'verdict':7} {'exit':>4} {'CPU s':>6} {'s':>6} {'MB':>5} {'writes':>6} {'reads':>5}  "


def main() -> int:
    """Run every case, or those whose name holds an argument, in a process of its own each."""
    wanted = [case for case in CASES if all(word in case.name for word in sys.argv[1:])]
    print(HEAD + "case -> codes")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        bad = sum(map(_told, wanted, pool.map(_run, wanted)))
    print(f"{len(wanted)} cases, {bad} bad")
    return 1 if bad else 0


def _run(case: Case) -> Ran:
    with tempfile.TemporaryDirectory() as folder:
        return alone(case, Path(folder))


def _told(case: Case, ran: Ran) -> bool:
    wrong = list(failures(case, ran))
    print(
        f"{'BAD' if wrong else 'ok':7} {ran.exit:4} {ran.cpu_s:6.2f} {ran.elapsed_s:6.2f} "
        f"{ran.peak_mb:5.0f} {len(ran.writes):6} {ran.reads:5}  "
        f"{case.name} -> {' '.join(sorted(ran.codes)) or '-'}",
        flush=True,
    )
    for line in wrong:
        print(f"{'':8}{line}")
    if wrong:
        print("".join(f"{'':8}| {line}\n" for line in ran.told.splitlines()[-30:]), end="")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
