"""What every test shares: real counterparts are needed in CI and skipped elsewhere."""

from __future__ import annotations

import importlib.util

import pytest

SDK = "huaweicloudsdkecs"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let CI insist on the real counterparts."""
    parser.addoption(
        "--counterparts",
        choices=("optional", "required"),
        default="optional",
        help="`required`: a missing counterpart (a vendor's SDK) fails its tests",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a counterpart's test where it isn't installed, unless it is required."""
    if item.get_closest_marker("counterpart") is None or importlib.util.find_spec(SDK):
        return
    reason = f"{SDK} isn't installed: pip install -e '.[dev,counterparts]'"
    if item.config.getoption("--counterparts") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
