"""What a run tells on a terminal: lines as everywhere, and below them what is under way.

Each call has a row: what, since when, and how long it usually takes; the last row is the whole run.
Lines stay, rows are drawn over. Loaded only where there is a terminal.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from reconciler.cli.outcome import say
from reconciler.cli.progress import PlainEvents
from reconciler.cli.terminal import look
from reconciler.report.run import DOING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import TextIO

    from rich.console import RenderableType

    from reconciler.cli.interrupt import Interruptions
    from reconciler.model.call import Call
    from reconciler.model.finding import Finding
    from reconciler.model.outcome import Outcome, Outcomes
    from reconciler.model.record import OpenIntent
    from reconciler.report.document import Document

PER_SECOND = 8
BESIDE = 4
"""Lines of a terminal that rows leave alone."""
BAR = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnderWay:
    """One call that was begun."""

    text: str
    began_s: float
    usual_s: float | None

    def __str__(self) -> str:
        """Give how long it has been and how long it usually takes."""
        passed_s = time.monotonic() - self.began_s
        return f"{passed_s:.0f} s{left(passed_s, self.usual_s)}"


def left(passed_s: float, usual_s: float | None) -> str:
    """Give how much of a usual duration is left; nothing where nobody knows one."""
    if usual_s is None:
        return ""
    rest_s = usual_s - passed_s
    return f", about {rest_s:.0f} s left" if rest_s >= 1 else f", usually {usual_s:.0f} s"


class _Steadfast:
    """A terminal that may go away: then nothing is drawn, and the run goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        """Write, or don't."""
        say(text, stream=self._stream)
        return len(text)

    def flush(self) -> None:
        """Everything is out already."""

    def isatty(self) -> bool:
        """Tell that it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Give its number."""
        return self._stream.fileno()


class _Drawing:
    """The rows: what is under way, and the whole run."""

    def __init__(self, *, ascii_only: bool) -> None:
        self._spinner = Spinner("line" if ascii_only else "dots")
        self._under_way: dict[tuple[str, str], _UnderWay] = {}
        self._began_s: float | None = None
        self._ended = 0
        self.whole_s = 0.0
        """How long the run is expected to take."""
        self.total = 0
        """The calls of the run."""

    def begin(self, named: tuple[str, str], row: _UnderWay) -> None:
        """Add a row."""
        self._began_s = row.began_s if self._began_s is None else self._began_s
        self._under_way[named] = row

    def end(self, named: tuple[str, str]) -> None:
        """Take a row away."""
        self._under_way.pop(named, None)
        self._ended += 1

    def rows(self) -> list[_UnderWay]:
        """Give what is under way; the drawing thread looks while the run goes on."""
        return list(self._under_way.values())

    def picture(self, height: int) -> RenderableType:
        """Give the rows, and a count of those that a terminal of this height has no room for."""
        rows, room = self.rows(), max(1, height - BESIDE)
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column(no_wrap=True, justify="right")
        for row in rows[:room]:
            table.add_row(self._spinner, Text(row.text), Text(str(row), style="dim"))
        more = [Text(f"  and {len(rows) - room} more under way")] if len(rows) > room else []
        return Group(table, *more, self._whole())

    def _whole(self) -> RenderableType:
        line = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=max(1, self.total), completed=self._ended, width=BAR)
        rest_s = self._rest_s()
        told = f"about {rest_s:.0f} s left" if rest_s >= 1 else ""
        line.add_row(Text(f"  {self._ended} of {self.total} calls"), bar, Text(told))
        return line

    def _rest_s(self) -> float:
        """Give what the forecast leaves, by the share of open calls; no less than a row says."""
        now_s = time.monotonic()
        passed_s = now_s - self._began_s if self._began_s is not None else 0.0
        share = (self.total - self._ended) / max(1, self.total)
        rows = (row.began_s + row.usual_s - now_s for row in self.rows() if row.usual_s)
        return max(min(self.whole_s - passed_s, self.whole_s * share), 0.0, *rows)


class LiveEvents:
    """Events on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = PlainEvents(starts=False)
        self._usual_s: dict[tuple[str, str], float] = {}
        self._drawing = _Drawing(ascii_only=not stream.encoding.lower().startswith("utf"))
        console = Console(
            file=cast("TextIO", _Steadfast(stream)),
            force_terminal=True,
            color_system="auto" if look(stream).colour else None,
            markup=False,
            highlight=False,
            emoji=False,
        )
        self._live = Live(
            console=console,
            get_renderable=lambda: self._drawing.picture(console.size.height),
            refresh_per_second=PER_SECOND,
            transient=True,
            redirect_stdout=False,
        )

    @property
    def interruptions(self) -> Interruptions | None:
        """Who hears that something may be in flight."""
        return self._lines.interruptions

    @interruptions.setter
    def interruptions(self, value: Interruptions | None) -> None:
        self._lines.interruptions = value

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def plan(self, document: Document, *, asking: bool = False) -> None:
        """Print a plan, and learn from it how long everything usually takes."""
        self._lines.plan(document, asking=asking)
        ours = cast("Mapping[str, Sequence[Mapping[str, object]]]", document["reconciler"])
        self._drawing.whole_s = cast("Mapping[str, float]", ours["forecast"])["seconds"]
        self._drawing.total = len(ours["calls"])
        for call in ours["calls"]:
            if call["seconds"] is not None:
                named = (str(call["scope"]), str(call["step"]))
                self._usual_s[named] = cast("float", call["seconds"])

    def end(self, document: Document, findings: Sequence[Finding]) -> None:
        """Print what became of the run."""
        self._lines.end(document, findings)

    def step_started(self, step_id: str, call: Call) -> None:
        """Draw a row for the call."""
        first, others = call.keys[0], len(call.keys) - 1
        more = f" and {others} more" if others else ""
        self._lines.step_started(step_id, call)
        named = (first.scope, step_id)
        row = _UnderWay(
            text=f"{self._lines.told(first)}{more}: {DOING[call.verb.value]}",
            began_s=time.monotonic(),
            usual_s=self._usual_s.get(named),
        )
        self._drawing.begin(named, row)
        if not self._live.is_started:
            self._live.start()

    def step_ended(self, step_id: str, call: Call, outcomes: Outcomes) -> None:
        """Turn the row of a call into lines that stay."""
        self._drawing.end((call.keys[0].scope, step_id))
        self._lines.step_ended(step_id, call, outcomes)

    def adopted(self, intent: OpenIntent, outcome: Outcome) -> None:
        """Print what became of a call of an earlier run."""
        self._lines.adopted(intent, outcome)
