"""Four scopes as a night may leave them, and a run with its calls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding
from reconciler.model.history import PastCall, PastRun, PastVerdict
from reconciler.model.outcome import Verdict
from reconciler.model.plan import Action, Name
from reconciler.model.watching import (
    Answer,
    BreakerStanding,
    Held,
    Judged,
    Kind,
    SeenAttachment,
    WatchBreaker,
    Why,
)
from tests.rig.watched import ANOTHER_S, RUN, correction, difference, fight, key, tick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.watching import Tick


def seen(
    server: str,
    volume: str,
    judged: Judged = Judged.IN_LINE,
    *,
    scope: str = "shop",
    live: bool = True,
) -> SeenAttachment:
    """Give one line of a picture."""
    return SeenAttachment(
        key=key(server, volume, scope),
        name=Name(server=server, volume=volume),
        judged=judged,
        live=live,
    )


SHOP_ROWS = (
    difference(
        "web-2",
        "cache-1",
        kind=Kind.MOVED,
        found="web-1",
        first_s=ANOTHER_S - 7500,
        held=Held(why=Why.REFUSED, words="12 detaches are more than maxDetach 10"),
    ),
    difference("db-1", "db-1-log", first_s=ANOTHER_S - 300, run=RUN),
    difference(
        "web-3", "scratch", kind=Kind.ADDED, first_s=ANOTHER_S - 90000, held=Held(why=Why.OFF)
    ),
    difference(
        "db-2",
        "shared-db",
        answer=Answer.CONFLICT,
        kind=Kind.MOVED,
        found="db-3",
        held=Held(why=Why.CONFLICT),
    ),
    difference(
        "web-4", "new-data", answer=Answer.PENDING, kind=Kind.ATTACH, held=Held(why=Why.WAITS)
    ),
)
SHOP_SEEN = (
    *(seen(f"web-{n}", f"web-{n}-data") for n in range(1, 9)),
    *(seen(f"db-{n}", "shared-db") for n in (1, 3)),
    seen("web-2", "cache-1", Judged.DRIFT, live=False),
    seen("web-1", "cache-1", Judged.DRIFT),
    seen("db-1", "db-1-log", Judged.DRIFT, live=False),
    seen("web-3", "scratch", Judged.DRIFT),
    seen("db-2", "shared-db", Judged.CONFLICT, live=False),
    seen("web-4", "new-data", Judged.PENDING, live=False),
    seen("node-7", "pvc-3f50", Judged.UNMANAGED),
    seen("web-5", "tmp-restore", Judged.ACCEPTED),
)


def shop() -> Tick:
    """Give a scope with a bit of everything."""
    return tick(
        "shop",
        differences=SHOP_ROWS,
        corrections=(correction(Action.ATTACH, Verdict.DONE, "db-1"),),
        counts={judged.value: sum(s.judged is judged for s in SHOP_SEEN) for judged in Judged},
        attachments=SHOP_SEEN,
        took_s=2.4,
    )


def lab() -> Tick:
    """Give one in which all is well."""
    disks = tuple(seen(f"lab-{n}", f"disk-{n}", scope="lab") for n in range(40))
    return tick("lab", counts={"in line": 40}, attachments=disks)


def vdi() -> Tick:
    """Give one that can't be looked at."""
    unreadable = Finding(
        code="scope-unreadable",
        summary="GET /v1/0a1b/cloudservers/detail: HTTP 401 APIGW.0301",
        hint="check the credentials, their rights, region and projectId; nothing was changed",
    )
    return tick("vdi", looked=False, findings=(unreadable,))


def edge() -> Tick:
    """Give one in which somebody fights back, and runs fail."""
    held = Held(why=Why.FIGHT, until_s=ANOTHER_S + 1800)
    return tick(
        "edge",
        counts={"in line": 11, "drift": 1},
        differences=(difference("edge-1", scope="edge", first_s=ANOTHER_S - 4000, held=held),),
        attachments=(seen("edge-1", "one", Judged.DRIFT, live=False, scope="edge"),),
        fights=(replace(fight("edge-1"), key=key("edge-1", scope="edge")),),
        breaker=WatchBreaker(
            standing=BreakerStanding.OPEN, failures=3, since_s=ANOTHER_S, until_s=ANOTHER_S + 3600
        ),
    )


DRIFTED = {70, 71, 72, 88, 89, 90}


def nights() -> Iterator[Tick]:
    """Give eight hours of looks at `shop`, newest first: twice drift, once unreadable."""
    for back in range(96):
        number = 95 - back
        counts = {"in line": 20, "drift": 2 if number in DRIFTED else 0}
        yield tick("shop", counts=counts, looked=number != 40, began_s=ANOTHER_S - 300 * back)


def a_run(**changes: object) -> PastRun:
    made = PastRun(
        id=RUN,
        identity="huawei-ecs|x",
        scope="shop",
        verb="watch",
        began_s=ANOTHER_S,
        ended_s=ANOTHER_S + 31,
        ending="incomplete",
        counts={"attached": 2, "failed": 1},
        requests=31,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # any field of it


CALLS = (
    ("detach", "web-1", "cache-1", 0.4, 6.2, "done", ""),
    ("attach", "web-2", "cache-1", 6.5, 17.0, "done", ""),
    ("attach", "db-1", "db-1-log", 0.6, 29.0, "failed", "the server has no free slot"),
    ("detach", "web-3", "scratch", 1.0, 30.5, "unknown", "no answer: ReadTimeout"),
)
"""Verb, server, volume, when it left and ended, verdict and message."""


def calls() -> tuple[PastCall, ...]:
    """Give the calls of that run."""
    return tuple(_call(number, row) for number, row in enumerate(CALLS))


def _call(number: int, row: tuple[str, str, str, float, float, str, str]) -> PastCall:
    verb, server, volume, began_s, ended_s, verdict, message = row
    said = PastVerdict(
        server_id=f"s-{server}",
        volume_id=f"v-{volume}",
        verdict=verdict,
        code="Ecs.0319" if verdict == "failed" else "",
        message=message,
        request_id=f"req-{number}f3a9",
        took_s=ended_s - began_s,
        at_s=ANOTHER_S + ended_s,
        run=None,
    )
    return PastCall(
        intent_id=number,
        run=RUN,
        step_id=f"{verb}-{number}",
        verb=verb,
        label=f"{verb} {server}/{volume}",
        attachments=((f"s-{server}", f"v-{volume}"),),
        at_s=ANOTHER_S + began_s,
        had={},
        handle=f"ff8080824c273{number}",
        verdicts=(said,),
    )
