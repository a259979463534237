"""The JSON Schema: it takes what we take, and says which property is wrong where it doesn't."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.manifest.json_schema import json_schema
from tests.cli.running import REPOSITORY
from tests.manifest.broken import BROKEN
from tests.manifest.writing import SCOPE, load_text

if TYPE_CHECKING:
    from pathlib import Path

FILE = REPOSITORY / "manifests" / "reconciler.schema.json"
EXAMPLES = sorted(
    path for path in FILE.parent.glob("*.yaml") if not path.name.endswith(".world.yaml")
)
ANY_TEXT = """\
apiVersion: reconciler/v1
kind: Attachments
metadata: {name: any-text, labels: {a: 1, b: true}}
spec:
  scope: 123
  servers:
    NO: {volumes: [0x1F, 1_000, 12:30:45, 2026-01-01, 12345678e123, true]}
    42: {absent: [1.5], others: keep}
  volumes:
    "a: b # c": {servers: {tags: {role: 1}, names: "*", allowEmpty: true}}
"""
"""Names that other readers take for numbers, booleans and dates."""


def judged(folder: Path, texts: list[str]) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    """Hold each text, one document, against the schema; give what is wrong by its number."""
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text, encoding="utf-8")
    paths = [str(folder / f"{number}.yaml") for number in range(len(texts))]
    done = subprocess.run(  # noqa: S603 - ours
        [
            *(sys.executable, "-m", "check_jsonschema", "--output-format", "JSON"),
            *("--schemafile", str(FILE), *paths),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    assert report.get("parse_errors", []) == [], report
    found: dict[str, list[tuple[str, str]]] = {}
    for error in report.get("errors", []):
        name = error["filename"].rpartition("/")[2].removesuffix(".yaml")
        found.setdefault(name, []).append((error["path"], error["message"]))
    return done.returncode, found


def test_the_file_beside_the_examples_is_what_the_verb_prints() -> None:
    made = json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"
    assert FILE.read_text(encoding="utf-8") == made, (
        "reconciler schema > manifests/reconciler.schema.json"
    )


def test_every_example_names_it() -> None:
    line = f"# yaml-language-server: $schema={FILE.name}\n"
    assert [p.name for p in EXAMPLES if not p.read_text(encoding="utf-8").startswith(line)] == []


@pytest.mark.counterpart("check_jsonschema")
def test_check_jsonschema_takes_every_document_that_we_take(tmp_path: Path) -> None:
    reference = (REPOSITORY / "docs/reference/manifest.md").read_text(encoding="utf-8")
    blocks = [ANY_TEXT, *re.findall(r"(?s)```yaml\n(.*?)```", reference)]
    texts = [*(path.read_text(encoding="utf-8") for path in EXAMPLES), *blocks]
    documents = [one for text in texts for one in text.split("\n---\n") if "\nkind:" in one]
    assert len(documents) > 15
    assert judged(tmp_path, documents) == (0, {})


@pytest.mark.counterpart("check_jsonschema")
def test_check_jsonschema_refuses_every_broken_one_and_names_the_property(tmp_path: Path) -> None:
    code, found = judged(tmp_path, [broken.text for broken in BROKEN])
    assert code == 1
    for number, broken in enumerate(BROKEN):
        told = found.get(str(number), [])
        named = [message for path, message in told if path == broken.path]
        assert any(broken.word in message for message in named), (broken.why, told)
        assert len(told) <= 2, (broken.why, "a wall of alternatives", told)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.why)
def test_what_the_schema_refuses_we_refuse(tmp_path: Path, broken: object) -> None:
    text = getattr(broken, "text", "")
    loaded = load_text(tmp_path, text if "kind: Scope" in text else f"{SCOPE}---\n{text}")
    assert loaded.declared is None
