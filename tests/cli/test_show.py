"""`show`, and `--format` of `plan`: the same document in every format; runs from the journal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.operations.planfile import seal
from reconciler.report.formats import FORMATS

if TYPE_CHECKING:
    from tests.cli.running import Lab

MOVE = "  servers: {web-1: {volumes: [shared]}, web-2: {volumes: [one, two, shared]}}"
CHANGED = [
    *(("changes", 7), ("scopes", [{}]), ("counts", {}), ("findings", [[]]), ("forecast", None)),
]
"""Members of the document and what somebody wrote there."""
HELD = "  servers: {web-9: {volumes: []}}"


def test_a_saved_plan_is_shown_as_it_was_planned_in_every_format(lab: Lab) -> None:
    lab.declare(MOVE)
    assert lab.plan("--out", "p.plan").code == 0
    for form in FORMATS:
        shown = lab.run("show", "p.plan", "--format", form)
        assert (shown.code, shown.err) == (0, "")
        assert shown.out
        if form in {"text", "json", "html"}:
            # The other formats are functions of the same document: golden files hold them.
            assert shown.out == lab.plan("--format", form).out
    assert lab.run("show", "p.plan", "--json").out == lab.plan("--json").out


def test_showing_a_plan_asks_nobody(lab: Lab) -> None:
    lab.declare(MOVE)
    lab.plan("--out", "p.plan")
    asked = lab.requests()
    for name in ("lab.yaml", "lab.world.yaml"):
        (lab.folder / name).unlink()
    assert "-/+ move   web-1 -> web-2/one" in lab.run("show", "p.plan").out
    assert lab.requests() == asked


def test_a_plan_that_approves_nothing_can_be_shown(lab: Lab) -> None:
    lab.declare(MOVE, "maxDetach: 0")
    lab.plan("--out", "p.plan")
    assert "limit-detach" in lab.run("show", "p.plan").out
    assert lab.run("apply", "p.plan").code == 1


@pytest.mark.parametrize("form", ["text", "html"])
def test_a_file_that_somebody_changed_is_no_traceback(lab: Lab, form: str) -> None:
    lab.declare(MOVE)
    lab.plan("--out", "p.plan")
    path = lab.folder / "p.plan"
    whole = path.read_text("utf-8")
    for member, value in CHANGED:
        saved = json.loads(whole)
        saved["plan"]["reconciler"][member] = value
        saved["seal"] = seal({key: told for key, told in saved.items() if key != "seal"})
        path.write_text(json.dumps(saved), "utf-8")
        for arguments in (("show", "p.plan", "--format", form), ("apply", "p.plan")):
            if arguments[0] == "apply" and member != "changes":
                continue
            ran = lab.run(*arguments)
            assert (ran.code, ran.out) == (1, ""), member
            assert ran.err.startswith("error[plan-file]: the plan file `p.plan` isn't a plan ")


def test_a_run_is_shown_as_text_and_json_and_as_nothing_else(lab: Lab) -> None:
    lab.declare(MOVE)
    lab.apply()
    (run,) = json.loads(lab.run("history", "--json").out)["runs"]
    one = run["id"][:8]
    assert lab.run("show", one).out == lab.run("history", one).out
    assert json.loads(lab.run("show", one, "--json").out) == json.loads(
        lab.run("history", one, "--json").out
    )
    for form in sorted(FORMATS.keys() - {"text", "json"}):
        ran = lab.run("show", one, "--format", form)
        assert (ran.code, ran.out) == (1, "")
        assert f"`--format {form}` is for a PLANFILE, and there is no file `{one}`" in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "nothing"), "error[unknown-run]: no run `nothing`"),
        (("show", "no/such.plan"), "error[plan-file]: the plan file `no/such.plan` can't be read"),
        (("show", "."), "error[plan-file]: the plan file `.` isn't a file"),
        (("show", "p.plan", "--json", "--format", "html"), "`--json` is `--format json`"),
        (("show", "p.plan", "--format", "pdf"), "'pdf' is not one of"),
        (("plan", "--json", "--format", "html"), "`--json` is `--format json`"),
    ],
)
def test_what_means_nothing_is_an_error(lab: Lab, arguments: tuple[str, ...], says: str) -> None:
    lab.declare(MOVE)
    ran = lab.run(*arguments)
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err


def test_where_a_plan_was_saved_is_no_part_of_a_format(lab: Lab) -> None:
    lab.declare(MOVE)
    ran = lab.plan("--out", "p.plan", "--format", "gitlab")
    assert json.loads(ran.out) == {"create": 1, "update": 0, "delete": 1}
    assert "Saved to p.plan" in ran.err


def test_github_gets_findings_beside_their_lines(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.declare(HELD)
    assert "::error" not in lab.plan().err
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    (line,) = [line for line in lab.plan().err.splitlines() if line.startswith("::")]
    place, _, words = line.removeprefix("::error ").partition("::")
    assert place == "file=lab.yaml,line=11,col=13,title=server-not-found"
    assert words.startswith("no server has the name or id `web-9`")
    lab.declare("  servers: {web-1: {volums: []}}")
    for verb in ("plan", "apply", "validate"):
        lines = [row for row in lab.run(verb, "-f", "lab.yaml").err.splitlines() if "::" in row]
        assert len(lines) == 2, verb
        assert all(line.startswith("::error file=lab.yaml,line=11,col=") for line in lines)


def test_what_is_published_tells_why_there_is_no_plan(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volums: []}}")
    for form in FORMATS:
        ran = lab.plan("--format", form)
        assert ran.code == 1
        assert "error[unknown-key]: `volums` is not known" in ran.err
        published = form in {"markdown", "html", "junit", "sarif"}
        assert ("is not known" in ran.out) is published
        assert "0 to attach" not in ran.out
        assert published or not ran.out
