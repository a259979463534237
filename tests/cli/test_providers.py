"""`providers` says what its page says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.cli.running import REPOSITORY

if TYPE_CHECKING:
    from tests.cli.running import Lab


def test_the_page_shows_what_providers_prints(lab: Lab) -> None:
    ran = lab.run("providers")
    assert ran.code == 0
    page = (REPOSITORY / "docs" / "reference" / "providers.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n(huawei-ecs\n.*?)```", page, re.DOTALL)
    assert shown is not None
    # An edition that has ended since the page was written says so: its date stays.
    assert shown[1].replace("until", "ended") == ran.out.replace("until", "ended")


def test_each_provider_has_a_row_with_its_versions(lab: Lab) -> None:
    rows = json.loads(lab.run("providers", "--json").out)["providers"]
    named = {row["provider"]: row for row in rows}
    assert sorted(named) == [
        "huawei-ecs",
        "huawei-modelarts",
        "huawei-workspace",
        "samsung-virtualserver",
    ]
    assert named["huawei-workspace"]["detach"] == "deletes the volume"
    assert "1.0 (ended 2025-12-31)" in named["samsung-virtualserver"]["API version"]
    assert "1.3 (no end published)" in named["samsung-virtualserver"]["API version"]
