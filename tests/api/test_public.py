"""The public API, name by name and parameter by parameter; a change here is a new version."""

from __future__ import annotations

import inspect
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import reconciler
from reconciler.model.outcome import Verdict
from reconciler.operations.applied import Ending
from tests.cli.running import REPOSITORY
from tests.cli.test_quickstart import quick

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Lab

PINNED = {
    "load_manifest": "(*files, recursive=, around=)",
    "read_live": "(manifest)",
    "plan": "(manifest, *, compare_with=, first_apply=)",
    "schedule": "(planned)",
    "execute": "(manifest, planned)",
    "check_drift": "(manifest)",
    "recover": "(manifest)",
    "render": "(planned, form=)",
}
VALUES = {"FindingsError", "JournalError", "Manifest", "ReconcilerError", "__version__"}
ROWS = "  servers: {web-1: {volumes: [two]}, web-2: {volumes: []}, web-3: {volumes: [three]}}"


def shape(function: object) -> str:
    """Give the parameters of a function, without their types; `=` where one has a default."""
    assert callable(function)
    said, starred = [], False
    for one in inspect.signature(function).parameters.values():
        only = one.kind is one.KEYWORD_ONLY
        if only and not starred:
            said.append("*")
        starred = starred or only or one.kind is one.VAR_POSITIONAL
        star = "*" if one.kind is one.VAR_POSITIONAL else ""
        said.append(f"{star}{one.name}{'' if one.default is one.empty else '='}")
    return f"({', '.join(said)})"


def test_the_names_and_their_parameters_are_these() -> None:
    assert set(reconciler.__all__) == set(dir(reconciler)) == {*PINNED, *VALUES}
    assert {name: shape(getattr(reconciler, name)) for name in PINNED} == PINNED


def test_importing_it_loads_nothing_of_ours() -> None:
    code = "import sys, reconciler; print([m for m in sys.modules if m.startswith('reconciler.')])"
    ran = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert ran.stdout == "[]\n"


def test_the_program_of_the_readme_is_the_example_and_does_what_it_says(tmp_path: Path) -> None:
    text = (REPOSITORY / "tests" / "api" / "example.py").read_text(encoding="utf-8")
    _, _, program = text.partition('"""\n\n')
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert f"```python\n{program}```" in readme
    quick(tmp_path)
    ran = subprocess.run(  # noqa: S603 - ours
        (sys.executable, "-c", text), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "Calls: 5 (1 batch)." in ran.stdout
    assert ran.stdout.count("\ndone ") == 6
    assert ran.stdout.endswith("quickstart is in line\n")


def test_what_changed_since_the_plan_is_left_alone(lab: Lab) -> None:
    lab.declare(ROWS)
    manifest = reconciler.load_manifest("lab.yaml")
    planned = reconciler.plan(manifest, first_apply=True)
    calls = [step.call for step in reconciler.schedule(planned)["lab"].steps]
    assert calls
    lab.declare(ROWS.replace("web-3: {volumes: [three]}", "web-3: {volumes: []}"))
    applied = reconciler.execute(reconciler.load_manifest("lab.yaml"), planned)
    assert applied.ending is not Ending.CONFIRMED
    made = {(r.change.name.server, r.change.name.volume) for r in applied.results}
    assert ("web-3", "three") not in made
    assert {result.verdict for result in applied.results} == {Verdict.DONE}
    (live,) = reconciler.read_live(manifest).scopes
    assert live.scope == "lab"
    assert ("web-1", "two") in lab.live()
    assert ("web-3", "three") not in lab.live()


def test_nothing_is_left_to_recover_and_nothing_is_sent(lab: Lab) -> None:
    lab.declare(ROWS)
    assert reconciler.recover(reconciler.load_manifest("lab.yaml")) == ()
    assert lab.changing() == 0


def test_what_a_killed_run_left_is_recovered_and_never_sent_again(lab: Lab) -> None:
    lab.declare(ROWS)
    assert lab.apply().code == 0
    sent = lab.changing()
    with closing(sqlite3.connect(lab.folder / ".reconciler" / "journal.db")) as journal:
        journal.execute("DELETE FROM verdicts")  # As if it had died before it wrote any.
        journal.commit()
    manifest = reconciler.load_manifest("lab.yaml")
    found = {
        (intent.call.verb.value, key.volume_id): outcome.verdict
        for intent, outcome in reconciler.recover(manifest)
        for key in intent.call.keys
    }
    assert {("attach", "v-2"), ("attach", "v-3")} < found.keys()
    assert set(found.values()) == {Verdict.DONE}
    assert (reconciler.recover(manifest), lab.changing()) == ((), sent)


def test_wrong_words_are_refused_in_words(lab: Lab) -> None:
    with pytest.raises(reconciler.FindingsError):
        reconciler.load_manifest("nowhere.yaml")
    lab.declare(ROWS)
    planned = reconciler.plan(reconciler.load_manifest("lab.yaml"))
    with pytest.raises(ValueError, match="is no format"):
        reconciler.render(planned, "docx")
