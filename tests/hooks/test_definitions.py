"""The file of hooks: a mapping of words, everything text, a placeholder an id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.hooks.definitions import LONGEST_BYTES, commands, filled
from reconciler.model.finding import Place
from reconciler.model.hook import Hook

if TYPE_CHECKING:
    from pathlib import Path

AT = Place(file="p.yaml", line=9, column=3)
MINE = Hook(name="mine", timeout_s=1.0, place=AT)


def test_words_are_text_and_placeholders_are_filled(tmp_path: Path) -> None:
    path = tmp_path / "hooks.yaml"
    path.write_text(
        "mine: [/bin/ssh, --, 'host', umount, 'x-{volume_id}', 0x1F, no, '{}', '$(id)']\n"
        "other:\n  - true\n",
        encoding="utf-8",
    )
    read = commands(str(path))
    assert read.trouble is None
    assert read.words["other"] == ("true",)
    ids = {"server_id": "s-1", "volume_id": "v-1", "run": "r"}
    assert filled(read.words["mine"], ids) == (
        *("/bin/ssh", "--", "host", "umount", "x-v-1", "0x1F", "no", "{}", "$(id)"),
    )
    assert read.problem(MINE) is None


@pytest.mark.parametrize(
    ("content", "says", "line"),
    [
        ("mine: umount /mnt\n", "`mine` isn't a list of words", 1),
        ("mine: []\n", "`mine` isn't a list of words", 1),
        ("mine: [[a]]\n", "`mine` isn't a list of words", 1),
        ("a: [x]\nmine: [echo, '{volume_name}']\n", "asks for `{volume_name}`", 2),
        ("mine: [echo, '{__class__}']\n", "asks for `{__class__}`", 1),
        ("mine: ['{volume_id}']\n", "must be named, and hold no placeholder", 1),
        ("mine: ['']\n", "must be named, and hold no placeholder", 1),
        ('mine: [a, "b\\0"]\n', "holds a NUL", 1),
        ("mine: [a]\nmine: [b]\n", "`mine` is defined twice", 2),
        ("[mine]: [a]\n", "a hook has no name", 1),
        ("- mine\n", "it isn't a mapping", 1),
        ("", "it isn't a mapping", None),
        ("mine: [a\n", "it isn't YAML", 2),
        ("mine: " + "[" * 10_000, "it isn't YAML", None),
        ("a: [b]\n" * (LONGEST_BYTES // 7 + 1), "is larger than", None),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_no_hook_of_the_file_runs(
    tmp_path: Path, content: str, says: str, line: int | None
) -> None:
    path = tmp_path / "hooks.yaml"
    path.write_text(content, encoding="utf-8")
    problem = commands(str(path)).problem(MINE)
    assert problem is not None
    assert (problem.code, problem.place) == ("hook-undefined", AT)
    assert says in problem.summary
    assert [place.line for place in problem.also] == ([] if line is None else [line])


@pytest.mark.parametrize("name", ["missing.yaml", ".", "latin.yaml", None, ""])
def test_a_file_that_is_none_is_told_of(tmp_path: Path, name: str | None) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"m\xfcne: [a]")
    problem = commands(str(tmp_path / name) if name else name).problem(MINE)
    assert problem is not None
    assert "RECONCILER_HOOKS" in problem.hint or "UTF-8" in problem.summary
