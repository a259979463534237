"""Which files are read when files and folders are given."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.manifest import load
from reconciler.model.finding import Severity
from tests.manifest.writing import SCOPE, codes, only

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.manifest import Loaded
    from reconciler.model.finding import Finding


def scope(name: str) -> str:
    return SCOPE.replace("name: shop", f"name: {name}").replace("southeast-3", name)


def written(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        stem = path.name.split(".")[0] or "hidden"
        path.write_text(scope(stem), encoding="utf-8")


def scopes(loaded: Loaded) -> list[str]:
    assert loaded.declared is not None, [str(finding) for finding in loaded.findings]
    return list(loaded.declared.scopes)


def told(finding: Finding) -> tuple[str, str, str]:
    assert finding.place is not None
    assert (finding.place.line, finding.place.column) == (1, 1)
    return (finding.code, finding.summary, finding.hint)


def test_a_folder_means_the_manifests_directly_in_it_sorted(tmp_path: Path) -> None:
    written(tmp_path, "b.yaml", "a.yml", "c.json", "w.world.yaml", "w.world.yml", ".h.yaml")
    written(tmp_path, "deeper/d.yaml", ".git/e.yaml")
    assert scopes(load([tmp_path])) == ["a", "b"]
    assert scopes(load([tmp_path], recursive=True)) == ["a", "b", "d"]


def test_a_file_that_is_reached_twice_counts_once(tmp_path: Path) -> None:
    written(tmp_path, "a.yaml")
    (tmp_path / "again.yaml").symlink_to("a.yaml")
    paths: list[str | Path] = [tmp_path / "a.yaml", tmp_path, str(tmp_path / "a.yaml")]
    loaded = load(paths)
    assert scopes(loaded) == ["a"]
    assert loaded.declared is not None
    assert loaded.declared.sources == tuple(str(path) for path in paths)


def test_a_mounted_volume_of_links_is_read(tmp_path: Path) -> None:
    written(tmp_path, "..2026/a.yaml")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    assert scopes(load([tmp_path])) == ["a"]


@pytest.mark.parametrize("recursive", [False, True])
def test_a_link_that_leaves_the_folder_is_refused(tmp_path: Path, *, recursive: bool) -> None:
    inside = tmp_path / "inside"
    written(inside, "a.yaml")
    written(tmp_path, "outside/b.yaml")
    (inside / "b.yaml").symlink_to("../outside/b.yaml")
    (inside / "more").symlink_to("../outside")
    found = load([inside], recursive=recursive).findings
    names = ["b.yaml", "more"] if recursive else ["b.yaml"]
    assert [told(finding) for finding in found] == [
        (
            "link-outside",
            f"`{inside / name}` leads out of `{inside}`",
            "copy the file into the folder, or give its path as well",
        )
        for name in names
    ]


def test_a_link_that_was_given_outright_is_followed(tmp_path: Path) -> None:
    written(tmp_path, "outside/b.yaml")
    (tmp_path / "link").symlink_to("outside")
    assert scopes(load([tmp_path / "link"])) == ["b"]
    assert scopes(load([tmp_path / "link" / "b.yaml"])) == ["b"]


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("gone.yaml")
    assert told(only(load([tmp_path]).findings)) == (
        "file-not-found",
        f"`{tmp_path / 'a.yaml'}` is a link to nothing",
        "repair or delete the link",
    )


def test_a_path_that_is_not_there_names_its_nearest_neighbour(tmp_path: Path) -> None:
    written(tmp_path, "shop.yaml")
    assert told(only(load([tmp_path / "shpo.yaml"]).findings)) == (
        "file-not-found",
        f"`{tmp_path / 'shpo.yaml'}` doesn't exist",
        f"give `{tmp_path / 'shop.yaml'}`",
    )
    far = load([tmp_path / "nowhere" / "x.yaml"])
    assert only(far.findings).hint == "give a file or a folder that exists"


def test_a_folder_without_manifests_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "deeper/a.yaml", "w.world.yaml")
    assert told(only(load([tmp_path]).findings)) == (
        "no-manifests",
        f"`{tmp_path}` holds no manifest (`*.yaml` or `*.yml`)",
        "give another folder, or add `-R`",
    )
    assert scopes(load([tmp_path], recursive=True)) == ["a"]


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.yaml")
    expected = (
        "not-a-file",
        f"`{tmp_path / 'm.yaml'}` is neither a file nor a folder",
        "give a file or a folder of manifests",
    )
    assert told(only(load([tmp_path / "m.yaml"]).findings)) == expected
    assert told(only(load([tmp_path]).findings)) == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "a.yaml")
    (tmp_path / "a.yaml").chmod(0)
    assert codes(load([tmp_path])) == ["unreadable-file"]


def test_a_path_that_is_no_path_is_refused() -> None:
    finding = only(load(["a\0b"]).findings)
    assert finding.code in {"file-not-found", "unreadable-file"}
    assert "\0" not in finding.summary


def test_a_world_that_was_given_outright_is_skipped_in_words(tmp_path: Path) -> None:
    written(tmp_path, "w.world.yaml")
    finding = only(load([tmp_path / "w.world.yaml"]).findings)
    assert finding.severity is Severity.NOTE
    assert told(finding) == (
        "world-skipped",
        f"`{tmp_path / 'w.world.yaml'}` is a world of the simulator and was not read",
        "name it under `world:` of a Scope",
    )


def test_what_could_not_be_read_makes_no_scope_unknown(tmp_path: Path) -> None:
    (tmp_path / "rows.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Attachments\nmetadata: {name: a}\nspec: {scope: shop}\n",
        encoding="utf-8",
    )
    (tmp_path / "scope.yaml").write_text("spec: [\n", encoding="utf-8")
    assert codes(load([tmp_path])) == ["yaml-syntax"]


def test_a_name_that_is_not_text_is_shown_escaped(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff\x1b.yaml"
    with open(raw, "wb") as stream:  # noqa: PTH123 - a path of bytes
        stream.write(b"- a\n")
    place = only(load([tmp_path]).findings).place
    assert place is not None
    assert place.file == f"{tmp_path}/\\xff\\x1b.yaml"
