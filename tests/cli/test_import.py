"""`import`: manifests from what is live; planned right after, they change nothing."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from tests.cli.running import REPOSITORY, SCOPE, WORLD

if TYPE_CHECKING:
    from tests.cli.running import Lab


def test_scopes_of_every_cloud_are_imported_and_then_in_line(lab: Lab) -> None:
    shutil.copytree(REPOSITORY / "manifests", lab.folder / "m")
    for path in (lab.folder / "m").glob("*.yaml"):
        if not path.name.endswith(".world.yaml"):
            path.write_text(path.read_text(encoding="utf-8").split("---\n")[0], encoding="utf-8")
    ran = lab.run("import", "-f", "m", "--out", "m")
    assert ran.code == 0, ran.err
    assert sorted(re.findall(r"Written: m/(\w+)\.attachments\.yaml", ran.out)) == [
        *("desks", "quickstart", "samsung", "training"),
    ]
    assert "left out, on servers whose attachments this cloud never changes: `desk-3/" in ran.err
    planned = lab.run("plan", "-f", "m", "--detailed-exitcode")
    assert planned.code == 0, planned.out
    assert "No changes. Your attachments match the manifests.\n" in planned.out
    again = lab.run("import", "-f", "m")
    assert again.out == "", "everything is owned now"
    assert again.err.count("nothing-to-import") == 4


def test_what_is_printed_reads_as_it_was_meant(lab: Lab) -> None:
    lab.declare("  servers: {web-2: {volumes: [two, shared]}}")
    ran = lab.run("import", "-f", "lab.yaml")
    assert ran.out == (
        "# What was attached in scope lab when this was written. An entry owns its row.\n"
        "apiVersion: reconciler/v1\n"
        "kind: Attachments\n"
        "metadata: {name: lab-imported}\n"
        "spec:\n"
        "  scope: lab\n"
        "  servers:\n"
        "    web-1:                                # s-1\n"
        "      volumes:\n"
        "        - one                             # v-1, /dev/vdb\n"
        "        - shared                          # v-4, /dev/vdc\n"
        "  volumes:\n"
        "    shared:                               # v-4\n"
        "      servers:\n"
        "        - web-1                           # s-1\n"
        "        - web-2                           # s-2\n"
    )
    assert "Scope lab is simulated." in ran.err
    assert lab.changing() == 0


def test_nothing_is_ever_overwritten(lab: Lab) -> None:
    (lab.folder / "lab.yaml").write_text(SCOPE, encoding="utf-8")
    assert lab.run("import", "-f", "lab.yaml", "--out", "made/here").code == 0
    path = lab.folder / "made" / "here" / "lab.attachments.yaml"
    path.write_text("mine", encoding="utf-8")
    ran = lab.run("import", "-f", "lab.yaml", "--out", "made/here")
    assert ran.code == 1
    assert "error[file-exists]: `made/here/lab.attachments.yaml` is there" in ran.err
    assert path.read_text(encoding="utf-8") == "mine"
    (lab.folder / "file").touch()
    for out, code in (("file", "file-exists"), ("x" * 300, "import-file")):
        ran = lab.run("import", "-f", "lab.yaml", "--out", out)
        assert (ran.code, f"error[{code}]" in ran.err) == (1, True), ran.err


def test_hostile_names_reach_neither_terminal_nor_yaml_raw(lab: Lab) -> None:
    named = WORLD.replace("name: one", 'name: "a\\e[2J\\n  b: c # d\\u202e"')
    world = named.replace("volume: one", "volume: v-1")
    (lab.folder / "lab.world.yaml").write_text(world, encoding="utf-8")
    (lab.folder / "lab.yaml").write_text(SCOPE, encoding="utf-8")
    ran = lab.run("import", "-f", "lab.yaml")
    assert (
        "        - v-1                             # a\\x1b[2J\\n  b: c # d\\u202e, /dev/vdb\n"
        in ran.out
    )
    (lab.folder / "in.yaml").write_text(ran.out, encoding="utf-8")
    planned = lab.run("plan", "-f", "lab.yaml", "-f", "in.yaml")
    assert "No changes." in planned.out, planned.out


def test_a_listing_that_cant_be_trusted_gives_no_manifest(lab: Lab) -> None:
    rule = '{match: "GET */cloudvolumes/*", always: true, listing: lying-count}'
    text = f"{WORLD}faults:\n  rules:\n    - {rule}\n"
    (lab.folder / "lab.world.yaml").write_text(text, encoding="utf-8")
    (lab.folder / "lab.yaml").write_text(SCOPE, encoding="utf-8")
    ran = lab.run("import", "-f", "lab.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert "incomplete-listing" in ran.err
