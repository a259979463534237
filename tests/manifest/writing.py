"""What these tests share: documents as text, and a folder to load them from."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.manifest import load

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reconciler.manifest import Loaded
    from reconciler.model.declared import Declared
    from reconciler.model.finding import Finding

SCOPE = """\
apiVersion: reconciler/v1
kind: Scope
metadata: {name: shop}
spec: {provider: huawei-ecs, region: ap-southeast-3}
"""
PROVIDERS = ("huawei-ecs", "huawei-modelarts", "huawei-workspace", "samsung-virtualserver")
HEAD = {
    kind: f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n"
    for kind, name in (
        ("Scope", "shop"),
        ("Attachments", "rows"),
        ("Policy", "default"),
        ("Schedule", "nightly"),
    )
}


@dataclass(frozen=True)
class Case:
    """A manifest and the one finding it must bring; `line` and `column` count from 1."""

    why: str
    text: str
    code: str
    line: int
    column: int
    summary: str
    hint: str
    also: tuple[int, ...] = ()
    """Lines of the further places."""
    shown: bool = True
    """False when the source line may hold a secret and must not appear."""


def spec(kind: str, body: str) -> str:
    """Write a document of the kind with this spec; the first line of the body is line 5."""
    return HEAD[kind] + textwrap.indent(textwrap.dedent(body).strip("\n"), "  ") + "\n"


def scope_of(body: str) -> str:
    """Write a whole Scope; the first line of the body is line 7."""
    return spec("Scope", "provider: huawei-ecs\nregion: ap-southeast-3\n" + textwrap.dedent(body))


def rows(body: str, *, before: str = SCOPE) -> str:
    """Write a scope and its Attachments; the first line of the body is line 11."""
    return before + "---\n" + spec("Attachments", "scope: shop\n" + textwrap.dedent(body))


def policy(body: str) -> str:
    """Write a scope and a policy; the first line of the body is line 10."""
    return SCOPE + "---\n" + spec("Policy", body)


def load_text(folder: Path, text: str | bytes, name: str = "m.yaml") -> Loaded:
    """Load one file with this text."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load([path], providers=PROVIDERS)


def declared(folder: Path, text: str) -> Declared:
    """Give what a text declares that must be right."""
    loaded = load_text(folder, text)
    assert loaded.findings == ()
    assert loaded.declared is not None
    return loaded.declared


def codes(loaded: Loaded) -> list[str]:
    """Give the codes of the findings in their order."""
    return [finding.code for finding in loaded.findings]


def check(folder: Path, case: Case) -> None:
    """Load the case and hold its one finding against everything that was promised."""
    loaded = load_text(folder, case.text)
    assert loaded.declared is None
    found = only(loaded.findings)
    assert (found.code, found.summary, found.hint) == (case.code, case.summary, case.hint)
    place = found.place
    assert place is not None
    assert place.file == str(folder / "m.yaml")
    assert (place.line, place.column) == (case.line, case.column)
    line = case.text.splitlines()[case.line - 1] if case.shown else ""
    assert place.text == (line if len(line) <= 200 else line[:199] + "…")
    assert tuple(also.line for also in found.also) == case.also


def only(findings: Iterable[Finding]) -> Finding:
    """Give the finding when there is exactly one."""
    found = tuple(findings)
    assert len(found) == 1, [str(finding) for finding in found]
    return found[0]
