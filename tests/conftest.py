"""What every test shares: real counterparts are needed in CI and skipped elsewhere."""

from __future__ import annotations

import importlib.util
import os
import shutil
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.counterparts.axe import ready as axe_ready
from tests.counterparts.cinder.installing import ready as cinder_ready
from tests.counterparts.editor.installing import ready as editor_ready
from tests.counterparts.programs import program

if TYPE_CHECKING:
    from collections.abc import Callable

SDK = "huaweicloudsdkecs"
"""The counterpart that a bare `@pytest.mark.counterpart` means."""
EXTRAS = {"schemathesis": "campaign"}
"""The extras of those that `counterparts` doesn't install."""
IMPORTED = {"procrastinate": "fleet"}
"""Those without which a file of tests can't even be imported, with their extras."""
PROGRAMS = {"playwright": "chromium"}
"""What a counterpart drives and Debian has."""
APART: dict[str, Callable[[], object]] = {
    "axe": axe_ready,
    "cinder": cinder_ready,
    "yaml-language-server": editor_ready,
    "promtool": partial(shutil.which, "promtool"),
    "fish": partial(shutil.which, "fish"),
    "zsh": partial(shutil.which, "zsh"),
    "zizmor": partial(program, "zizmor"),
}
"""Those that are no packages of this environment; whether they are there. Some have a fixture that
makes them where they are required, the others are installed by `.ci/run`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let CI insist on the real counterparts."""
    parser.addoption(
        "--counterparts",
        choices=("optional", "required"),
        default="optional",
        help="`required`: a missing counterpart (a vendor's SDK, a checker) fails its tests",
    )
    parser.addoption(
        "--campaign",
        type=int,
        default=300,
        help="how many seeds the campaign takes; CI takes more, by its own command",
    )
    parser.addoption(
        "--golden",
        choices=("read", "write"),
        default="read",
        help="`write`: write the golden files anew instead of holding texts against them",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to begin where whole files would skip themselves although CI insists."""
    missing = [name for name in IMPORTED if importlib.util.find_spec(name) is None]
    if missing and config.getoption("--counterparts") == "required":
        extras = ",".join(IMPORTED[name] for name in missing)
        named = " and ".join(missing)
        raise pytest.UsageError(f"without {named}: pip install -e '.[dev,{extras}]'")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a counterpart's test where it isn't installed, unless it is required."""
    marker = item.get_closest_marker("counterpart")
    if marker is None:
        return
    module = marker.args[0] if marker.args else SDK
    if module in APART:
        if not APART[module]() and item.config.getoption("--counterparts") != "required":
            pytest.skip(f"{module} isn't installed: run .ci/run, or with --counterparts=required")
        return
    program = PROGRAMS.get(module)
    if importlib.util.find_spec(module) and (program is None or shutil.which(program)):
        return
    extra = EXTRAS.get(module, "counterparts")
    also = f"; apt-get install {program}" if program else ""
    reason = f"{module} isn't installed: pip install -e '.[dev,{extra}]'{also}"
    if item.config.getoption("--counterparts") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_xdist_auto_num_workers() -> int:
    """Two processes a core: most of the slow tests wait for a server or a clock."""
    return 2 * (os.cpu_count() or 1)
