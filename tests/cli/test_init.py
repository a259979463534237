"""`init`: what it writes is planned and applied at once, and nothing is ever overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.starter import KINDS, files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Lab

SHOP = "manifests/shop.yaml"


def test_the_starter_plans_applies_and_has_nothing_to_do(lab: Lab) -> None:
    made = lab.run("init")
    assert made.code == 0, made.err
    assert made.out.splitlines() == [
        *(
            f"Written: {path}"
            for path in sorted([*files("none"), "manifests/reconciler.schema.json"])
        )
    ]
    world = lab.folder / "manifests" / "shop.world.yaml"
    text = world.read_text(encoding="utf-8").replace("jobSeconds: 1.0", "jobSeconds: 0.05")
    world.write_text(text, encoding="utf-8")
    assert lab.run("validate").out.startswith("Valid. Scopes: 1, entries: 3.")
    planned = lab.run("plan", "--detailed-exitcode")
    assert planned.code == 2, planned.err
    assert "1 to attach, 0 to detach, 1 to move" in planned.out
    assert lab.run("apply", "--auto-approve").code == 0
    assert lab.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_gets_every_file_or_none(lab: Lab, kind: str) -> None:
    assert lab.run("init", "new/place", "--ci", kind).code == 0
    written = {
        path.relative_to(lab.folder / "new/place").as_posix()
        for path in (lab.folder / "new/place").rglob("*")
        if path.is_file()
    }
    assert written == {*files(kind), "manifests/reconciler.schema.json"}


def _file(folder: Path) -> None:
    (folder / "manifests").mkdir()
    (folder / SHOP).write_text("mine", encoding="utf-8")


def _dangling(folder: Path) -> None:
    (folder / "README.md").symlink_to("nowhere")


def _elsewhere(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    (folder / "manifests").symlink_to(folder.parent / "elsewhere")


def _no_folder(folder: Path) -> None:
    (folder / "manifests").write_text("mine", encoding="utf-8")


@pytest.mark.parametrize(
    ("there", "code"),
    [
        (_file, "file-exists"),
        (_dangling, "file-exists"),
        (_elsewhere, "file-exists"),
        (_no_folder, "init-file"),
    ],
)
def test_what_is_there_stays_as_it_is(lab: Lab, there: object, code: str) -> None:
    folder = lab.folder / "mine"
    folder.mkdir()
    assert callable(there)
    there(folder)
    before = sorted(folder.rglob("*"))
    ran = lab.run("init", "mine")
    assert ran.code == 1
    assert f"error[{code}]" in ran.err
    if code == "file-exists":
        assert sorted(folder.rglob("*")) == before
    assert not (folder.parent / "elsewhere" / "shop.yaml").exists()
