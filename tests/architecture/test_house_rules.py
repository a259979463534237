"""Names, sizes and budgets: the habits that a machine can hold."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.architecture.reading import PACKAGE, REPOSITORY, body_lines, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

FORBIDDEN = {
    *("manager", "helper", "util", "utils", "common", "misc", "core", "base", "abstract", "impl"),
    *("service", "data", "info", "wrapper", "resource", "resources", "item", "items", "object"),
    *("task", "tasks", "sync", "helpers", "managers", "wrappers", "objects", "services"),
}
STATE_EXEMPT = {"JobState"}
"""`state` is a noun for everything, but a job's state is what the clouds call it."""
LONGEST_FILE = 400
LONGEST_BODY = 40
LONGEST_CLASS = 12
"""Methods."""
PORT_METHODS = 5
NAMED_ELSEWHERE = {"_resource_change", "detach_keeps_data", "data_received"}
"""Terraform's word in the document that must have its shape; a word of the architecture; what
asyncio calls on a protocol."""

BUDGETS = {
    r"# noqa": 22,
    r"# type: ignore": 3,
    r"pragma: no cover": 0,
    r"\bprint\(": 0,
    r"except Exception\b": 0,
    r"\bTODO\b|\bFIXME\b": 0,
}
"""What may stand in the package at most; raising a number is a decision with a reason."""


def words(name: str) -> list[str]:
    """Split a name at underscores and capitals, in lower case."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return [word.lower() for word in spaced.split("_") if word]


def defined_names(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """Give each name that a module defines: its line, its kind, itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.lineno, "class", node.name
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, "function", node.name
            every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            yield from ((node.lineno, "parameter", argument.arg) for argument in every)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, "variable", node.id


def bad_names(path_name: str, tree: ast.Module) -> Iterator[str]:
    """Give what a module calls by a word that says nothing."""
    found = [(1, "module", path_name.removesuffix(".py")), *defined_names(tree)]
    for line, kind, name in found:
        bad = FORBIDDEN & set(words(name))
        if "state" in words(name) and kind in {"module", "class", "function"}:
            bad |= {"state"} if name not in STATE_EXEMPT else set()
        if bad and name not in NAMED_ELSEWHERE:
            yield f"{path_name}:{line}: {kind} `{name}`"


def test_no_name_says_nothing() -> None:
    # `wire.py` speaks the clouds' words, and frameworks' own names are theirs.
    found = [
        f"{path.relative_to(PACKAGE).parent}/{bad}"
        for path, tree in sources()
        if path.name != "wire.py"
        for bad in bad_names(path.name, tree)
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "class PlanManager: ...",
        "def get_data(): ...",
        "def f(item): ...",
        "base_url = 1",
        "class ServerState: ...",
    ],
)
def test_a_planted_name_is_found(code: str) -> None:
    assert list(bad_names("x.py", ast.parse(code)))


def test_a_planted_module_name_is_found() -> None:
    assert list(bad_names("helpers.py", ast.parse("")))


def test_files_and_bodies_and_classes_stay_small() -> None:
    assert list(too_large()) == []


def too_large() -> Iterator[str]:
    """Give every file, body and class above its size."""
    every = [*sources(), *sources(REPOSITORY / "tests")]
    for path, tree in every:
        where = path.relative_to(REPOSITORY)
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST_FILE:
            yield f"{where}: {lines} lines"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if body_lines(node) > LONGEST_BODY:
                    yield f"{where}:{node.lineno}: `{node.name}` has {body_lines(node)} lines"
            elif isinstance(node, ast.ClassDef) and PACKAGE in path.parents:
                methods = sum(
                    isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in node.body
                )
                if methods > LONGEST_CLASS:
                    yield f"{where}:{node.lineno}: `{node.name}` has {methods} methods"


def test_ports_are_small_protocols() -> None:
    tree = ast.parse((PACKAGE / "ports.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = [
                part.name
                for part in node.body
                if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
            assert 0 < len(methods) <= PORT_METHODS, node.name
            assert [ast.unparse(parent) for parent in node.bases] == ["Protocol"], node.name


@pytest.mark.parametrize("pattern", BUDGETS)
def test_budgets_hold(pattern: str) -> None:
    lines = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path, _ in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert len(lines) <= BUDGETS[pattern], "\n".join(lines)


def test_every_lint_exception_has_its_reason() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    rules = re.findall(r'^  "([A-Z]+\d*)",(.*)$', text, flags=re.MULTILINE)
    assert len(rules) > 5
    assert [rule for rule, reason in rules if "#" not in reason] == []


def test_every_provider_has_the_same_files() -> None:
    for folder in (PACKAGE / "providers").iterdir():
        if (folder / "__init__.py").exists() and folder.is_dir():
            files = {path.name for path in folder.iterdir()}
            assert {"wire.py", "conversations.py", "errors.py", "auth.py", "README.md"} <= files
