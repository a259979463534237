"""`--force-detach` at a prompt, in a script, and beside a saved plan."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.report.text import FORCED

if TYPE_CHECKING:
    from tests.cli.running import Lab

ROWS = "  servers: {web-1: {volumes: [shared]}}"
ASK = "maxDetachShare: 1.0, forceDetach: ask"
FORCE = "--force-detach=web-1/one"


def forced(lab: Lab) -> list[object]:
    """Give the queries of the changing calls that were sent."""
    return [row["query"] for row in lab.requests() if row["changing"]]


@pytest.mark.parametrize(
    ("typed", "code", "sent"),
    [
        (("one", "yes"), 0, ["delete_flag=1"]),
        (("one", "no"), 3, []),
        (("yes", "yes"), 3, []),
        (("", "yes"), 3, []),
    ],
)
def test_only_the_volumes_name_lets_it_be_forced(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, typed: tuple[str, ...], code: int, sent: list[object]
) -> None:
    lab.declare(ROWS, ASK)
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
    ran = lab.run("apply", "-f", "lab.yaml", FORCE)
    assert "`one` leaves `web-1` by force" in ran.err
    assert FORCED in ran.out
    assert (ran.code, forced(lab)) == (code, sent)


def test_a_script_forces_what_its_flag_names_and_nothing_else(lab: Lab) -> None:
    lab.declare(ROWS, ASK)
    for wrong in ("web-1/*", "web-2/one", "web-2/two", "web-1"):
        ran = lab.apply(f"--force-detach={wrong}")
        assert (ran.code, forced(lab)) == (1, []), wrong
        assert "force-unmatched" in ran.err
    assert lab.apply(FORCE).code == 0
    assert forced(lab) == ["delete_flag=1"]


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_who_reviews_a_plan_sees_what_is_forced(lab: Lab, form: str) -> None:
    lab.declare(ROWS, ASK)
    said = "what it hasn" if form == "html" else FORCED  # HTML spells the apostrophe otherwise.
    assert said in lab.plan(FORCE, f"--format={form}").out
    assert said not in lab.plan(f"--format={form}").out


def test_without_a_policy_it_is_refused_in_words(lab: Lab) -> None:
    lab.declare(ROWS)
    ran = lab.apply(FORCE)
    assert (ran.code, forced(lab)) == (3, [])
    assert "force-not-allowed" in ran.out
    assert "forceDetach: ask" in ran.out


def test_a_saved_plan_keeps_its_force_and_gets_none(lab: Lab) -> None:
    lab.declare(ROWS, ASK)
    assert lab.plan("--out=plain").code == 0
    assert lab.plan("--out=by-force", FORCE).code == 0
    ran = lab.run("apply", "plain", FORCE)
    assert (ran.code, forced(lab)) == (1, [])
    assert "adds nothing to a saved plan" in ran.err
    assert lab.run("apply", "by-force").code == 0
    assert forced(lab) == ["delete_flag=1"]
    assert lab.run("apply", "by-force").code == 0, "what is so already is done"
