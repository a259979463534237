"""Every diagnostic code that the package may tell, read from its text.

A code is a text in the place of a parameter, field or attribute that is called `code`, the first of
a triple of code, summary and hint, or the value of a diagnosis.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from tests.architecture.reading import PACKAGE, sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
ENUMS = {"Ailment"}
"""Enumerations whose values are codes."""
BUILT = {"-not-found": ("server-not-found", "volume-not-found")}
"""The end of a code that is put together, and what it may become."""
TRIPLE = 3
GUARDING = (
    *("planning/guards/", "planning/resolve.py", "planning/names.py"),
    *("planning/approval.py", "planning/accepting"),
)
"""Where the codes of guards are told."""
ONLY_TOLD = {
    "accept-expired",
    "accept-expires",
    "accept-unmatched",
    "left-to-controller",
    "policy-loosened",
}
"""Warnings and notes: they refuse nothing."""


def codes(root: Path = PACKAGE) -> Mapping[str, frozenset[str]]:
    """Give each code with the files that tell it; the simulator's belong to the clouds."""
    told: dict[str, set[str]] = defaultdict(set)
    trees = [(p, t) for p, t in sources(root) if p.relative_to(root).parts[0] != "sim"]
    everywhere: dict[str, int] = {}
    for _, tree in trees:
        everywhere |= _places(tree)
    for path, tree in trees:
        places = {**everywhere, **_places(tree)}
        for code in _codes(tree, places):
            told[code].add(path.relative_to(root).as_posix())
    return {code: frozenset(files) for code, files in told.items()}


def guards(root: Path = PACKAGE) -> frozenset[str]:
    """Give the codes by which something is refused that would else be made."""
    found = codes(root).items()
    told = {code for code, files in found if any(file.startswith(GUARDING) for file in files)}
    return frozenset(told - ONLY_TOLD)


def words(root: Path = PACKAGE) -> frozenset[str]:
    """Give every text of the package that may be a code."""
    found = (node for _, tree in sources(root) for node in ast.walk(tree))
    return frozenset(text for node in found for text in _texts(node))


def _places(tree: ast.Module) -> dict[str, int]:
    """Give where functions and classes of a module take a `code` by its position."""
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = [
                part.target.id
                for part in node.body
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            ]
            made = [f for f in node.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"]
            names = [argument.arg for argument in made[0].args.args[1:]] if made else fields
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
            names = names[1:] if names[:1] == ["self"] else names
        else:
            continue
        if "code" in names:
            found[node.name] = names.index("code")
    return found


def _codes(tree: ast.Module, places: Mapping[str, int]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for argument in _arguments(node, places):
                yield from (text for part in _ends(argument) for text in _texts(part))
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
            yield from (text for part in _ends(node.value) for text in _texts(part))
        elif isinstance(node, ast.Tuple) and len(node.elts) == TRIPLE:
            spoken = all(isinstance(part, ast.Constant | ast.JoinedStr) for part in node.elts)
            first = _texts(node.elts[0]) if spoken else ()
            yield from (text for text in first if "-" in text)
        elif isinstance(node, ast.ClassDef) and node.name in ENUMS:
            values = (part.value for part in node.body if isinstance(part, ast.Assign))
            yield from (text for value in values for text in _texts(value))


def _arguments(call: ast.Call, places: Mapping[str, int]) -> Iterator[ast.expr]:
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "code")
    name = getattr(call.func, "id", "") or getattr(call.func, "attr", "")
    if name in places and len(call.args) > places[name]:
        yield call.args[places[name]]


def _ends(argument: ast.expr) -> Iterator[ast.expr]:
    """Give what an argument may turn out to be: both ends of `a if b else c`, and of `a or b`."""
    if isinstance(argument, ast.IfExp):
        yield from (*_ends(argument.body), *_ends(argument.orelse))
    elif isinstance(argument, ast.BoolOp):
        yield from (end for value in argument.values for end in _ends(value))
    elif isinstance(argument, ast.JoinedStr):
        yield argument.values[-1]
    else:
        yield argument


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if node.value in BUILT:
            yield from BUILT[node.value]
        elif CODE.fullmatch(node.value):
            yield node.value
