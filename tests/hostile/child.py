"""The real command line under limits of its own: `python -m tests.hostile.child HURRY OUT ARGS`.

1. Its event loop may hurry: all that waits is shortened, no number of the product is touched.
2. The most memory it ever held is written to OUT: a parent would also count what it held itself.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from reconciler.cli.main import main
from tests.hostile.hurried import hurried

ADDRESS_SPACE = 4 * 1024**3
CPU_S = 60


def peak_mb() -> float:
    """Give the most memory that this program held since it was started, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        rows = dict(row.split(":", 1) for row in status.read_text().splitlines())
        return int(rows["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    out = Path(sys.argv[2]).absolute()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    hurry = float(sys.argv[1])
    sys.argv = ["reconciler", *sys.argv[3:]]
    try:
        with hurried(hurry):
            main()
    finally:
        out.write_text(str(peak_mb()))
