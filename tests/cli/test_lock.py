"""`lock list`, `lock release` and `--lock-timeout`: who may change a cloud, told and ended."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.journal.journal import Pages, open_book
from reconciler.model.record import Identity
from tests.cli import stuck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.running import Lab

MOVE = "  servers: {web-1: {volumes: [shared]}, web-2: {volumes: [one, shared, two]}}"
LAB = Identity(
    provider="huawei-ecs",
    endpoint="simulator/lab",
    project="0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    region="ap-southeast-3",
)


@contextmanager
def held(lab: Lab) -> Iterator[Pages]:
    """Let another run have the lease of the lab."""
    book = open_book(lab.folder / ".reconciler" / "journal.db")
    pages = book.pages(LAB, "lab")
    assert pages.lease.attempt("0123456789abcdef", "apply") is None
    try:
        yield pages
    finally:
        pages.lease.release()
        book.close()


def leases(lab: Lab) -> list[dict[str, Any]]:
    """Give what is told of the leases."""
    ran = lab.run("lock", "list", "--json")
    assert (ran.code, ran.err) == (0, "")
    found: list[dict[str, Any]] = json.loads(ran.out)["leases"]
    return found


def say(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Type something."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_nobody_holds_anything(lab: Lab) -> None:
    ran = lab.run("lock", "list")
    assert (ran.code, ran.out, ran.err) == (0, "No lease is held.\n", "")
    assert not (lab.folder / ".reconciler").exists()
    lab.declare(MOVE)
    lab.apply()
    assert lab.run("lock", "list").out == "No lease is held.\n"


def test_a_lease_is_a_line_and_a_local_one_is_called_so(lab: Lab) -> None:
    with held(lab):
        head, line = lab.run("lock", "list").out.splitlines()
        (row,) = leases(lab)
    assert head.split() == ["ID", "SCOPE", "OWNER", "OPERATION", "RUN", "SINCE", "EXPIRES", "REACH"]
    assert line.split() == [
        *(row["id"], "lab", *row["owner"].split(), "apply", "01234567"),
        *(row["since"], row["expires"], "local"),
    ]
    assert row["local"] is True
    assert row["identity"] == str(LAB)


def test_an_apply_is_refused_and_says_by_whom(lab: Lab) -> None:
    lab.declare(MOVE)
    with held(lab):
        (row,) = leases(lab)
        ran = lab.apply("--lock-timeout", "0")
    assert (ran.code, ran.out) == (3, "Apply refused. Nothing was sent.\n")
    assert "error[locked]: another run has the local lease of scope `lab`: " in ran.err
    for part in (row["owner"], "for `apply` since", "lock list", f"`{row['id']}`"):
        assert part in ran.err
    assert lab.changing() == 0
    assert lab.apply("--lock-timeout", "0").code == 0


def test_whoever_waits_is_told_for_whom(lab: Lab) -> None:
    lab.declare(MOVE)
    with held(lab):
        ran = lab.apply("--lock-timeout", "1s")
    assert ran.code == 3
    assert "waiting for the local lease of scope `lab`: " in ran.err


def test_who_only_looks_asks_for_nothing(lab: Lab) -> None:
    lab.declare(MOVE)
    with held(lab):
        assert lab.plan().code == 0
        assert lab.run("live", "-f", "lab.yaml").code == 0
        assert lab.run("doctor", "-f", "lab.yaml").code == 0
    assert lab.plan("--lock-timeout", "1s").code == 1
    assert "No such option" in lab.plan("--lock-timeout", "1s").err


@pytest.mark.parametrize("text", ["30", "soon", "-1s", "1w", "", "9999999999s"])
def test_a_timeout_has_a_unit(lab: Lab, text: str) -> None:
    ran = lab.apply("--lock-timeout", text)
    assert ran.code == 1
    assert "write a number with its unit" in ran.err


def test_a_repair_is_refused_as_well(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.operations.repair.APART_S", 0.0)
    stuck.declare(lab)
    mend = ("repair", "-f", "lab.yaml", "web-1/stale", "--confirm", "stale", "--lock-timeout", "0")
    with held(lab):
        ran = lab.run(*mend)
        assert (ran.code, lab.changing()) == (3, 0)
        assert "error[locked]" in ran.err
    assert lab.run(*mend).code == 0
    assert leases(lab) == []
    (run,) = json.loads(lab.run("history", "--json").out)["runs"]
    assert (run["verb"], run["ending"], run["counts"]) == ("repair", "confirmed", {"reset": 1})


def test_a_person_ends_a_lease_after_being_asked(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    with held(lab) as pages:
        (row,) = leases(lab)
        for typed in ("no\n", "", "y\n"):
            say(monkeypatch, typed)
            ran = lab.run("lock", "release", row["id"])
            assert ran.code == 3
            assert "not-approved" in ran.err
        assert len(leases(lab)) == 1
        say(monkeypatch, "yes\n")
        ran = lab.run("lock", "release", row["id"][:4])
        assert (ran.code, ran.out) == (0, f"Lease {row['id']} is ended.\n")
        assert row["owner"] in ran.err, "the question shows whose it is"
        assert leases(lab) == []
        assert not pages.lease.beat()


def test_a_lease_that_ends_while_somebody_thinks_is_not_the_next_one(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held(lab) as pages:
        (row,) = leases(lab)

        def think(_: str) -> str:
            pages.lease.release()
            pages.lease.attempt("fedcba9876543210", "apply")
            return "yes"

        monkeypatch.setattr("reconciler.cli.lock.answer", think)
        ran = lab.run("lock", "release", row["id"])
        assert (ran.code, ran.out) == (0, f"Lease {row['id']} had ended by itself.\n")
        assert [one["run"] for one in leases(lab)] == ["fedcba9876543210"]


def test_nobody_is_asked_where_nobody_may_be(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_INPUT", "0")
    say(monkeypatch, "yes\n")
    with held(lab):
        (row,) = leases(lab)
        assert lab.run("lock", "release", row["id"]).code == 3
        assert len(leases(lab)) == 1


@pytest.mark.parametrize("named", ["ffffffff", ""])
def test_a_lease_that_nobody_holds_is_an_error(lab: Lab, named: str) -> None:
    with held(lab):
        ran = lab.run("lock", "release", named)
    assert ran.code == 1
    assert "error[unknown-lease]" in ran.err
