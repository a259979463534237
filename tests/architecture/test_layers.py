"""The house as one table; every import of the package is held against it."""

from __future__ import annotations

import ast
import sys
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

import pytest

from tests.architecture.reading import PACKAGE, imports, sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A room may import itself, what stands on its right-hand side, and the leaves. Nothing else.
# Rooms that aren't built yet are in the table already, so that they find their place.
MAY_IMPORT: dict[str, set[str]] = {
    "model": set(),
    "signing": set(),
    "codes": set(),
    "starter": set(),
    "ports": {"model"},
    "planning": {"model"},
    "execution": {"planning", "ports", "model"},
    "providers": {"ports", "model", "signing"},
    "manifest": {"model"},
    "journal": {"ports", "model"},
    "report": {"planning", "model"},
    "repository": {"ports", "model"},
    "hooks": {"ports", "model"},
    "notify": {"ports", "model"},
    "metrics": {"ports", "model"},
    "operations": {
        *("execution", "providers", "manifest", "journal", "repository", "hooks", "notify"),
        *("metrics", "planning", "report", "ports", "model"),
    },
    "fleet": {"operations", "ports", "model"},
    "daemon": {"operations", "ports", "model"},
    "web": {"operations", "report", "ports", "model"},
    "cli": {
        *("fleet", "web", "daemon", "operations", "report", "planning", "ports", "model", "sim"),
        *("codes", "starter"),
    },
    "sim": set(),
    "public": {"cli", "operations", "report", "planning", "ports", "model"},
    "": {"public", "model"},
    "__main__": {"cli"},
}
LEAVES = {"errors", "version"}
"""May be imported by all but the simulator, and import nothing of ours."""

THIRD_PARTY: dict[str, set[str]] = {
    "aiohttp": {"providers"},
    "click": {"cli"},
    "cronsim": {"daemon", "fleet", "manifest", "planning"},
    "cryptography": {"operations"},
    "deepdiff": {"planning"},
    "httpx": {"notify", "providers"},
    "jinja2": {"report", "web"},
    "markupsafe": {"web"},
    "msgspec": {"model", "operations", "planning", "providers", "sim"},
    "prometheus_client": {"metrics"},
    "procrastinate": {"fleet"},
    "psycopg": {"fleet"},
    "psycopg_pool": {"fleet"},
    "pydantic": {"manifest", "providers"},
    "pydantic_core": {"manifest"},
    "rich": {"cli"},
    "sqlalchemy": {"journal"},
    "starlette": {"sim", "web"},
    "uvicorn": {"sim", "web"},
    "wcwidth": {"report"},
    "yaml": {"hooks", "manifest", "sim"},
    "yarl": {"providers"},
}
ONLY_IN = {
    "aiohttp": ("providers/swift.py",),
    "deepdiff": ("planning/fields.py",),
    "httpx.AsyncClient": ("notify/webhook.py",),
    "httpx.AsyncHTTPTransport": ("providers/clients.py",),
    "httpx.Client": (),
}
"""Names with a home: what goes to clouds leaves through one file, what people are told through
another."""

IMPURE = {
    *("asyncio", "contextvars", "http", "io", "logging", "os", "pathlib", "random"),
    *("secrets", "select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess"),
    *("tempfile", "threading", "time", "urllib.request", "uuid"),
}
PURE_ROOMS = {"model", "planning", "signing", "report"}
PURE_FILES = {"conversations.py", "errors.py"}
"""In every provider: what is said and what answers mean has no clock, no chance, no socket."""


def room(parts: tuple[str, ...]) -> str:
    """Give the room of a module path that begins with the package."""
    return parts[1].removesuffix(".py") if len(parts) > 1 and parts[1] != "__init__.py" else ""


def violations(root: Path = PACKAGE) -> Iterator[str]:
    """Give every import that the tables forbid."""
    for path, tree in sources(root):
        parts = path.relative_to(root.parent).parts
        for line, name in imports(tree):
            where = f"{'/'.join(parts[1:])}:{line}"
            if name.startswith("."):
                yield f"{where}: relative import"
            elif name.partition(".")[0] == "reconciler":
                yield from (f"{where}: {why}" for why in _ours(parts, name, root))
            else:
                yield from (f"{where}: {why}" for why in _theirs(parts, name))


def _ours(parts: tuple[str, ...], name: str, root: Path) -> Iterator[str]:
    here = room(parts)
    rest = name.split(".")[1:]
    there = rest[0] if rest else ""
    if here == there:
        others = {folder.name for folder in (root / "providers").iterdir() if folder.is_dir()}
        inside = here == "providers" and len(parts) > 3 and len(rest) > 1
        if inside and rest[1] in others - {parts[2]}:
            yield f"provider {parts[2]} knows provider {rest[1]}"
        return
    if there in LEAVES and here not in {"sim", *LEAVES}:
        return
    if there in MAY_IMPORT and there not in {"", *MAY_IMPORT.get(here, set())}:
        yield f"{here or 'reconciler'} may not import {there}"
    if here == "sim" or here in LEAVES:
        yield f"{here} imports nothing of ours"


def _theirs(parts: tuple[str, ...], name: str) -> Iterator[str]:
    here, top = room(parts), name.partition(".")[0]
    if top in THIRD_PARTY:
        if here not in THIRD_PARTY[top]:
            yield f"{here or 'reconciler'} may not import {top}"
    elif top not in sys.stdlib_module_names:
        yield f"undeclared dependency {top}"
    home = ONLY_IN.get(name, ONLY_IN.get(top))
    if home is not None and "/".join(parts[1:]) not in home:
        yield f"{name} belongs into {' and '.join(home) or 'no file'} alone"
    pure = here in PURE_ROOMS or (here == "providers" and parts[-1] in PURE_FILES)
    if pure and (top in IMPURE or name in IMPURE):
        yield f"pure code imports {name}"


def test_every_import_goes_down() -> None:
    assert sorted(set(violations())) == []


def clock_reads(path_name: str, tree: ast.AST) -> Iterator[str]:
    """Give every question for the time of day: pure code is told it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            named = isinstance(owner, ast.Name) and owner.id in {"date", "datetime"}
            if named and node.func.attr in {"now", "utcnow", "today", "fromtimestamp"}:
                yield f"{path_name}:{node.lineno}: asks for the time of day"


def test_pure_code_is_told_the_time() -> None:
    found = [
        bad
        for path, tree in sources()
        if room(path.relative_to(PACKAGE.parent).parts) in PURE_ROOMS or path.name in PURE_FILES
        for bad in clock_reads(str(path.relative_to(PACKAGE)), tree)
    ]
    assert found == []


@pytest.mark.parametrize("code", ["datetime.now(UTC)", "date.today()", "datetime.utcnow()"])
def test_a_planted_question_for_the_time_is_found(code: str) -> None:
    assert list(clock_reads("x.py", ast.parse(code)))


def test_the_table_has_no_cycle() -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for below in sorted(MAY_IMPORT[name]):
                visit(below, (*path, name))
            done.add(name)

    for name in MAY_IMPORT:
        visit(name, ())


def test_no_module_imports_itself_by_a_detour() -> None:
    # Inside a room too, and for type checkers too: a knot is one module in several files.
    names = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path, _ in sources()
    }
    graph: dict[str, set[str]] = {}
    for path, tree in sources():
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        here = module.removesuffix(".__init__")
        found = {name for _, name in imports(tree) if name in names and name != here}
        # `from package import module` names the package on its way to the module.
        graph[here] = {name for name in found if not any(o.startswith(f"{name}.") for o in found)}
    TopologicalSorter(graph).prepare()


def test_rooms_of_one_floor_do_not_know_each_other() -> None:
    floor = {"execution", "providers", "manifest", "journal", "report", "repository", "hooks"}
    floor |= {"notify", "metrics"}
    for name in floor:
        assert not MAY_IMPORT[name] & floor, name


def test_every_room_on_disk_is_in_the_table() -> None:
    on_disk = {
        path.name.removesuffix(".py")
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }
    assert on_disk - {"__init__"} <= MAY_IMPORT.keys() | LEAVES


PLANTED = [
    ("upward", "model/x.py", "from reconciler.planning import planner"),
    ("upward", "planning/x.py", "from reconciler import ports"),
    ("upward", "providers/alpha/x.py", "from reconciler.execution import executor"),
    ("upward", "report/x.py", "from reconciler.operations.plans import Planned"),
    ("sideways", "execution/x.py", "from reconciler.providers import discover"),
    ("sideways", "manifest/x.py", "import reconciler.journal.journal"),
    ("sideways", "report/x.py", "from reconciler.journal import journal"),
    ("sideways", "providers/alpha/x.py", "from reconciler.providers.beta import wire"),
    ("sideways", "providers/alpha/x.py", "import reconciler.providers.beta.wire"),
    ("lazy", "planning/x.py", "def f():\n    import httpx"),
    ("lazy", "execution/x.py", "def f():\n    from reconciler.journal import journal"),
    ("type checking", "daemon/x.py", "if TYPE_CHECKING:\n    from reconciler.cli import main"),
    ("type checking", "model/x.py", "if TYPE_CHECKING:\n    from reconciler import ports"),
    ("impure", "model/x.py", "import time"),
    ("impure", "planning/x.py", "import asyncio"),
    ("impure", "planning/guards/x.py", "from os import environ"),
    ("impure", "signing/x.py", "from time import time"),
    ("impure", "report/x.py", "from pathlib import Path"),
    ("impure", "providers/alpha/conversations.py", "import random"),
    ("witness", "sim/x.py", "from reconciler.model.attachment import Phase"),
    ("witness", "sim/apis/x.py", "from reconciler.errors import ReconcilerError"),
    ("witness", "sim/apis/x.py", "from reconciler.providers.alpha import wire"),
    ("leaf", "errors.py", "from reconciler.model.finding import Finding"),
    ("third party", "execution/x.py", "import httpx"),
    ("third party", "manifest/x.py", "import requests"),
    ("one home", "planning/x.py", "from deepdiff import DeepDiff"),
    ("one home", "providers/alpha/x.py", "from httpx import AsyncHTTPTransport"),
    ("relative", "planning/x.py", "from . import planner"),
]


@pytest.mark.parametrize(
    ("kind", "where", "code"), PLANTED, ids=[f"{k}: {w}: {c.split()[-1]}" for k, w, c in PLANTED]
)
def test_a_planted_violation_is_found(tmp_path: Path, kind: str, where: str, code: str) -> None:
    for folder in ("providers/alpha", "providers/beta"):
        (tmp_path / "reconciler" / folder).mkdir(parents=True, exist_ok=True)
    planted = tmp_path / "reconciler" / where
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(code, encoding="utf-8")
    assert list(violations(tmp_path / "reconciler")), kind


def test_the_client_of_httpx_is_named_where_it_belongs() -> None:
    named = [
        path.relative_to(PACKAGE).as_posix()
        for path, _ in sources()
        if "httpx.AsyncClient" in path.read_text(encoding="utf-8")
    ]
    assert named == ["notify/webhook.py"]
