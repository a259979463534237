"""What a service saw, in the words of `model/watching.py`, for tests of what shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.attachment import AttachmentKey
from reconciler.model.plan import Name
from reconciler.model.watching import (
    Answer,
    Correction,
    Difference,
    Fight,
    Kind,
    Manifests,
    Tick,
    WatchBreaker,
    Watched,
    WatchedScope,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.finding import Finding
    from reconciler.model.outcome import Verdict
    from reconciler.model.plan import Action
    from reconciler.model.watching import Held, SeenAttachment

START_S = 1_780_000_000.0
ANOTHER_S = START_S + 300.0
"""When the ticks of these tests begin."""
RUN = "5d41402abc4b2a76b9719d911017c592"


def key(server: str = "web-1", volume: str = "one", scope: str = "shop") -> AttachmentKey:
    """Give the key of names: an id is a name with a prefix here."""
    return AttachmentKey(scope, f"s-{server}", f"v-{volume}")


def difference(  # noqa: PLR0913 - a row has many columns
    server: str = "web-1",
    volume: str = "one",
    *,
    scope: str = "shop",
    answer: Answer = Answer.DRIFT,
    kind: Kind = Kind.MISSING,
    first_s: float = ANOTHER_S,
    found: str = "",
    run: str | None = None,
    held: Held | None = None,
) -> Difference:
    """Give one row."""
    return Difference(
        answer=answer,
        kind=kind,
        key=key(server, volume, scope),
        name=Name(server=server, volume=volume),
        found_server=found,
        found_server_id=f"s-{found}" if found else "",
        first_s=first_s,
        last_s=ANOTHER_S,
        run=run,
        held=held,
    )


def correction(action: Action, verdict: Verdict, server: str = "web-1") -> Correction:
    """Give what became of one change."""
    return Correction(
        key=key(server),
        name=Name(server=server, volume="one"),
        action=action,
        verdict=verdict,
        run=RUN,
        at_s=ANOTHER_S,
        code="Ecs.0005",
        message="the cloud's own words",
        request_id="req-1",
    )


def fight(server: str = "web-1") -> Fight:
    """Give one attachment that somebody takes back."""
    name = Name(server=server, volume="one")
    return Fight(key=key(server), name=name, corrected=3, until_s=ANOTHER_S + 600)


def tick(  # noqa: PLR0913 - so has a tick
    scope: str = "shop",
    *,
    differences: tuple[Difference, ...] = (),
    corrections: tuple[Correction, ...] = (),
    fights: tuple[Fight, ...] = (),
    findings: tuple[Finding, ...] = (),
    breaker: WatchBreaker | None = None,
    counts: Mapping[str, int] | None = None,
    attachments: tuple[SeenAttachment, ...] = (),
    looked: bool = True,
    took_s: float = 1.0,
    began_s: float = ANOTHER_S,
) -> Tick:
    """Give one tick."""
    return Tick(
        scope=scope,
        began_s=began_s,
        took_s=took_s,
        looked=looked,
        differences=differences,
        corrections=corrections,
        fights=fights,
        findings=findings,
        breaker=breaker or WatchBreaker(),
        counts=counts or {},
        attachments=attachments,
        run=RUN if corrections else None,
        next_s=began_s + 300,
    )


def watched(*scopes: str, ticks: Mapping[str, Tick] | None = None) -> Watched:
    """Give a service with these scopes, sorted."""
    last = ticks or {}
    return Watched(
        version="0.0.0",
        started_s=START_S,
        manifests=Manifests(read_s=START_S),
        scopes=tuple(
            WatchedScope(
                name=name,
                provider="huawei-ecs",
                simulated=False,
                schedule="every 5m",
                corrects=False,
                last=last.get(name),
                looked_s=ANOTHER_S if name in last and last[name].looked else None,
                next_s=ANOTHER_S + 300,
            )
            for name in sorted(scopes)
        ),
    )
