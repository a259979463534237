"""Known drift is left as it is, counted, and loud again when its day is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.model.attachment import AttachmentKey, Observed, Phase, Sighting
from reconciler.model.finding import Place, Severity
from reconciler.model.live import Live, Server, Volume
from reconciler.model.plan import Circumstances
from reconciler.model.policy import Acceptance
from tests.planning.building import GENEROUS, STORAGE, codes, lines, of_server, on, planned, world

if TYPE_CHECKING:
    from reconciler.model.declared import Entry
    from reconciler.model.plan import Plan

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
LIVE = world(["a", "b"], ["u", "v"], ["a/u", "a/v"])
FOREIGN = world(["a"], ["u"], [on("far/u", STORAGE)])


def accepting(
    *entries: Entry,
    pair: str,
    until: str = "2026-12-31",
    scope: str = "shop",
    live: Live | None = None,
    **said: object,
) -> Plan:
    """Plan with one acceptance."""
    server, _, volume = pair.partition("/")
    known = Acceptance(
        scope=scope,
        server=server,
        volume=volume,
        until=date.fromisoformat(until),
        reason="INC-1",
        place=Place(file="p.yaml", line=9, column=5),
    )
    policy = replace(GENEROUS, accept=(known,), **said)  # type: ignore[arg-type]  # limits
    return planned(live or LIVE, *entries, policy=policy, circumstances=Circumstances(now=NOW))


def shown(made: Plan) -> list[str]:
    """Give what is accepted."""
    return [f"{one.change.action.value} {one.change.name.volume}" for one in made.accepted]


@pytest.mark.parametrize("pair", ["a/v", "id-a/v", "a/id-v", "id-a/id-v"])
def test_a_stray_that_is_accepted_stays(pair: str) -> None:
    made = accepting(of_server("a", "u"), pair=pair)
    assert (lines(made), shown(made), codes(made)) == ([], ["detach v"], [])
    assert made.in_line


def test_an_id_is_one_in_either_case() -> None:
    ids = "5E000000-0000-4000-8000-00000000000A", "d1000000-0000-4000-8000-00000000000b"
    there = Live(
        scope="shop",
        views=LIVE.views,
        servers={ids[0].lower(): Server(server_id=ids[0].lower(), name="a")},
        volumes={ids[1]: Volume(volume_id=ids[1], name="v")},
        observed={
            (key := AttachmentKey("shop", ids[0].lower(), ids[1])): Observed(
                key=key, sightings=dict.fromkeys(LIVE.views, Sighting(phase=Phase.ATTACHED))
            )
        },
    )
    made = accepting(of_server("a"), pair=f"{ids[0]}/{ids[1].upper()}", live=there)
    assert (lines(made), shown(made), codes(made)) == ([], ["detach v"], [])


def test_a_missing_one_that_is_accepted_is_not_attached_and_not_owned() -> None:
    made = accepting(of_server("b", "w"), of_server("a", "u", "v"), pair="b/w")
    assert codes(made) == ["accept-unmatched", "volume-not-found"], "an acceptance makes no volume"
    free = world(["a", "b"], ["u", "v", "w"], ["a/u", "a/v"])
    policy = replace(
        GENEROUS, accept=tuple(replace(one, server="b", volume="w") for one in ACCEPTED)
    )
    made = planned(free, of_server("b", "w"), policy=policy, circumstances=Circumstances(now=NOW))
    assert (lines(made), shown(made)) == ([], ["attach w"])
    assert made.owned == ()


ACCEPTED = (
    Acceptance(
        scope="shop",
        server="a",
        volume="v",
        until=date(2026, 12, 31),
        reason="INC-1",
        place=Place(file="p.yaml", line=9, column=5),
    ),
)


@pytest.mark.parametrize("pair", ["a/v", "b/v"])
def test_a_wanted_move_against_an_acceptance_is_an_error(pair: str) -> None:
    made = accepting(of_server("a", "u"), of_server("b", "v"), pair=pair)
    assert lines(made) == ["move b/v from a refused: accept-against-move"]
    assert made.findings[0].also[0].file == "p.yaml"


@pytest.mark.parametrize(
    ("until", "code", "held"),
    [
        ("2026-11-20", ["accept-expired"], False),
        ("2026-11-21", ["accept-expires"], True),
        ("2026-11-27", ["accept-expires"], True),
        ("2026-11-28", [], True),
    ],
)
def test_an_acceptance_ends_with_its_day_and_says_so_a_week_ahead(
    until: str, code: list[str], *, held: bool
) -> None:
    made = accepting(of_server("a", "u"), pair="a/v", until=until)
    assert codes(made) == code
    assert lines(made) == ([] if held else ["detach a/v"])
    assert {finding.severity for finding in made.findings} <= {Severity.WARNING}


def test_an_acceptance_of_another_scope_holds_nothing_here() -> None:
    made = accepting(of_server("a", "u"), pair="a/v", scope="other", until="2020-01-01")
    assert (lines(made), codes(made)) == (["detach a/v"], [])


@pytest.mark.parametrize(
    ("pair", "gone"),
    [
        ("b/v", ""),
        ("id-b/id-u", ""),
        ("elsewhere/u", ""),
        ("bb/v", "there is no server `bb`"),
        ("a/id-vv", "there is no volume `id-vv`"),
        ("x/y", "there is no server `x` and no volume `y`"),
    ],
)
def test_an_acceptance_of_what_is_not_there_is_told(pair: str, gone: str) -> None:
    live = replace(LIVE, observed={**LIVE.observed, **FOREIGN.observed})
    made = accepting(of_server("a", "u", "v"), pair=pair.replace("elsewhere", "id-far"), live=live)
    told = [one.summary for one in made.findings if one.code == "accept-unmatched"]
    assert [one.rpartition("holds nothing: ")[2] for one in told] == ([gone] if gone else [])
    assert {one.severity for one in made.findings} <= {Severity.WARNING, Severity.NOTE}


@pytest.mark.parametrize(
    "live", [replace(LIVE, complete=False), replace(LIVE, shows_free=False)], ids=["rows", "free"]
)
def test_what_may_only_not_be_shown_is_not_said_to_be_gone(live: Live) -> None:
    assert "accept-unmatched" not in codes(accepting(of_server("a"), pair="a/free", live=live))


def test_an_expired_acceptance_of_what_is_gone_is_told_once() -> None:
    made = accepting(of_server("a", "u", "v"), pair="x/y", until="2026-01-01")
    assert codes(made) == ["accept-expired"]


def test_what_is_accepted_counts_in_no_limit() -> None:
    made = accepting(of_server("a"), pair="a/v", max_detach=1)
    assert (lines(made), made.refusals) == (["detach a/u"], ())
