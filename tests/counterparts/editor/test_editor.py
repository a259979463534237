"""What an editor shows in manifests: underlines what is wrong, offers what may stand there."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.counterparts.editor.client import Editor
from tests.counterparts.editor.installing import installed
from tests.manifest.broken import BROKEN
from tests.manifest.test_schema import ANY_TEXT, EXAMPLES, FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.counterpart("yaml-language-server")
LINE = f"# yaml-language-server: $schema={FILE.name}\n"
WRITING = """apiVersion: reconciler/v1
kind: Attachments
metadata: {name: x}
spec:
  scope: shop
  servers:
    web-1:
      volumes: []
      |
    web-2:
      others: |
  volumes:
    scratch:
      servers:
        |
"""
"""A bar is where somebody is about to write; it isn't in the file."""


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """Give an editor with a folder of manifests open."""
    folder: Path = tmp_path_factory.mktemp("manifests")
    shutil.copy(FILE, folder)
    with Editor(installed(), folder) as opened:
        yield opened


def test_nothing_is_underlined_in_the_examples(editor: Editor) -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in EXAMPLES}
    found = editor.open(**texts, any_text=LINE + ANY_TEXT)
    assert {name: told for name, told in found.items() if told} == {}
    assert len(found) > 4


def test_what_is_broken_is_underlined_without_a_wall(editor: Editor) -> None:
    found = editor.open(**{f"b{n}": LINE + broken.text for n, broken in enumerate(BROKEN)})
    for n, broken in enumerate(BROKEN):
        assert 1 <= len(found[f"b{n}"]) <= 2, (broken.why, found[f"b{n}"])


def test_what_may_stand_there_is_offered(editor: Editor) -> None:
    kind = f"{LINE}apiVersion: reconciler/v1\nkind: \n"
    editor.open(writing=LINE + WRITING.replace("|", ""), kind=kind)
    assert {"absent", "others", "protect"} <= editor.complete("writing", 10, 7)
    assert "keep" in editor.complete("writing", 12, 15)
    assert {"tags", "names", "allowEmpty"} <= editor.complete("writing", 16, 9)
    assert {"Scope", "Attachments", "Policy"} <= editor.complete("kind", 3, 7)
