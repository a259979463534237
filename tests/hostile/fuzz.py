"""The loader under mutants: `python -m tests.hostile.fuzz --examples 50000 [--seed N]`.

Each core has a process of its own, with limits: a traceback, a signal, a finding without its
place or hint, and an example that takes too long are escapes, and end with exit 1.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from reconciler.manifest import load
from reconciler.model.finding import Severity
from tests.hostile.child import peak_mb
from tests.hostile.mutants import MUTANTS

LONGEST_S = 5.0
"""CPU seconds of one example; all of them are below a few kilobytes."""
ADDRESS_SPACE = 1024**3
PROMISED = re.compile(rb"(?i)(?:credentials:\n {2}\S+|\w*key|\w*secret): hunter2-hunter2")
"""Where a secret is known as one: below `credentials`, or behind a key that names it."""


def promised(raw: bytes) -> bool:
    """Tell whether every secret of an example stands where it is hidden."""
    return len(PROMISED.findall(raw)) * 2 == raw.count(b"hunter2")


@dataclass
class Tally:
    """What came of the examples so far."""

    examples: int = 0
    slowest_s: float = 0.0
    slowest: str = ""
    codes: Counter[str] = field(default_factory=Counter)

    def take(self, path: Path, raw: bytes) -> None:
        """Load one example and hold it against the promises."""
        path.write_bytes(raw)
        began = time.process_time()
        loaded = load([path])
        took_s = time.process_time() - began
        self.examples += 1
        self.codes.update({finding.code for finding in loaded.findings} or {"none"})
        if took_s > self.slowest_s:
            self.slowest_s, self.slowest = took_s, repr(raw[:60])
        assert took_s < LONGEST_S, f"{took_s:.1f} s"
        failed = any(finding.severity is Severity.ERROR for finding in loaded.findings)
        assert (loaded.declared is None) == failed
        for finding in loaded.findings:
            assert finding.place is not None, finding
            assert finding.place.line >= 1, finding
            assert finding.place.column >= 1, finding
            assert finding.hint, finding
            assert finding.summary.isprintable(), finding
            assert not promised(raw) or "hunter2" not in str(finding), finding


def fuzzed(examples: int, number: int, folder: Path) -> Tally:
    """Run that many examples; raises what escaped, shrunk to its least."""
    tally, path = Tally(), folder / "m.yaml"

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(raw=MUTANTS)
    def each(raw: bytes) -> None:
        tally.take(path, raw)

    each()
    return tally


def main() -> int:
    """Share the examples among the cores and add up what they tell."""
    flags = argparse.ArgumentParser()
    flags.add_argument("--examples", type=int, default=50_000)
    flags.add_argument("--seed", type=int, default=1)
    flags.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given_flags = flags.parse_args()
    if given_flags.inside:
        return _inside(given_flags.examples, given_flags.seed)
    began, cores = time.monotonic(), os.cpu_count() or 1
    shares = [given_flags.examples // cores] * cores
    shares[0] += given_flags.examples - sum(shares)
    running = [
        _started(share, given_flags.seed + number) for number, share in enumerate(shares) if share
    ]
    told = [process.communicate()[0] for process in running]
    escapes = 0
    rows = []
    for process, text in zip(running, told, strict=True):
        if process.returncode == 0:
            rows.append(json.loads(text.splitlines()[-1]))
        else:
            escapes += 1
            print(f"ESCAPE, exit {process.returncode}:\n{text}")
    _print(rows, time.monotonic() - began)
    examples = sum(row["examples"] for row in rows)
    print(f"{examples} examples, {escapes} escapes")
    return 1 if escapes or examples < given_flags.examples else 0


def _print(rows: list[dict[str, object]], took_s: float) -> None:
    codes: Counter[str] = Counter()
    for row in rows:
        assert isinstance(row["codes"], dict)
        codes.update(row["codes"])
        print(f"slowest {row['slowest_s']:.3f} s, {row['peak_mb']:.0f} MB: {row['slowest']}")
    for code, count in codes.most_common():
        print(f"{count:8} {code}")
    print(f"{took_s:.0f} s")


def _started(examples: int, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.hostile.fuzz", "--inside"]
    command += ["--examples", str(examples), "--seed", str(number)]
    return subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _inside(examples: int, number: int) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    with tempfile.TemporaryDirectory() as folder:
        tally = fuzzed(examples, number, Path(folder))
    row = {
        "examples": tally.examples,
        "slowest_s": tally.slowest_s,
        "slowest": tally.slowest,
        "peak_mb": peak_mb(),
        "codes": tally.codes,
    }
    print(json.dumps(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
