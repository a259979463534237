"""`-f -`: manifests on stdin, read once, and what doesn't go with that."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.running import Lab, Ran

    Piped = Callable[..., Ran]

MOVE = "  servers: {web-1: {volumes: [shared]}, web-2: {volumes: [one, two, shared]}}"
APPROVED = ("apply", "--auto-approve")


@pytest.fixture
def piped(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Piped:
    """Give how a command is run with `lab.yaml`, or other text, on its stdin alone."""

    def ran(*arguments: str, text: str | None = None) -> Ran:
        path = lab.folder / "lab.yaml"
        said = path.read_text(encoding="utf-8") if text is None else text
        stdin = io.TextIOWrapper(io.BytesIO(said.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stdin)
        return lab.run(*arguments, "-f", "-")

    return ran


def test_what_is_piped_is_planned_and_applied(lab: Lab, piped: Piped) -> None:
    lab.declare(MOVE)
    assert piped("validate").out == "Valid. Scopes: 1, entries: 2.\n"
    assert piped("plan").out == lab.plan().out
    assert (piped(*APPROVED).code, ("web-2", "one") in lab.live()) == (0, True)
    assert "No changes." in lab.plan().out
    (run,) = json.loads(lab.run("history", "--json").out)["runs"]
    assert run["commit"] is None
    assert "web-2/one" in piped("explain", "web-2/one").out
    assert piped("drift").code == 0
    assert piped("undo", run["id"], "--apply", "--auto-approve").code == 0
    assert ("web-1", "one") in lab.live()


def test_a_file_beside_it_is_read_too(lab: Lab, piped: Piped) -> None:
    lab.declare(MOVE)
    path = lab.folder / "lab.yaml"
    scope, rest = path.read_text(encoding="utf-8").split("---\n", 1)
    path.write_text(scope, encoding="utf-8")
    assert piped("validate", "-f", "lab.yaml", text=rest).out == "Valid. Scopes: 1, entries: 2.\n"


def test_what_is_wrong_has_its_line(lab: Lab, piped: Piped) -> None:
    lab.declare("  servers: {web-1: {volums: []}}")
    ran = piped("plan")
    assert ran.code == 1
    assert "error[unknown-key]: `volums`" in ran.err
    assert "  --> <stdin>:11:2" in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("apply",), "nobody can be asked there: say `--auto-approve`"),
        (("undo", "abc", "--apply"), "nobody can be asked there: say `--auto-approve`"),
        (("watch", "--once"), "reads its manifests again and again"),
        (("plan", "--out", "x.plan"), "reads the manifests of a saved plan again"),
        (("plan", "--base", "HEAD"), "`--base` compares files of a commit"),
    ],
    ids=["apply", "undo", "watch", "a saved plan", "an older commit"],
)
def test_what_would_read_it_twice_is_refused(
    lab: Lab, piped: Piped, arguments: tuple[str, ...], says: str
) -> None:
    lab.declare(MOVE)
    ran = piped(*arguments)
    assert (ran.code, says in ran.err) == (1, True), ran.err
    assert lab.requests() == []
    assert not (lab.folder / "x.plan").exists()


def test_a_saved_plan_narrows_what_is_piped(lab: Lab, piped: Piped) -> None:
    lab.declare(MOVE)
    assert lab.plan("--out", "x.plan").code == 0
    lab.declare("  servers: {web-1: {volumes: []}, web-2: {volumes: [one, two, shared]}}")
    assert piped("apply", "x.plan").code == 0
    assert ("web-1", "shared") in lab.live(), "nobody approved that it leaves"
    assert ("web-2", "one") in lab.live()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "no-scopes", id="nothing"),
        pytest.param(None, "stdin-cut-short", id="cut within a line"),
    ],
)
def test_what_lost_its_end_is_not_applied(
    lab: Lab, piped: Piped, text: str | None, code: str
) -> None:
    lab.declare("  servers:\n    web-1:\n      volumes:\n      - one\n      - shared\n")
    whole = (lab.folder / "lab.yaml").read_text(encoding="utf-8")
    ran = piped(*APPROVED, text=whole[: whole.index("one") + 3] if text is None else text)
    assert (ran.code, f"error[{code}]" in ran.err) == (1, True), ran.err
    assert lab.changing() == 0
