"""Every format of the same three plans, byte for byte.

`pytest tests/report --golden=write` writes the files anew; a change in them is read in review.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.report.formats import FORMATS, rendered
from reconciler.report.look import Look
from reconciler.report.text import plan_text
from tests.report.conftest import FOLDER
from tests.report.plans import PLANS

if TYPE_CHECKING:
    from collections.abc import Callable

ENDS = {"text": "txt", "markdown": "md", "junit": "xml", "gitlab": "gitlab.json"}
LOOKS = {"narrow": Look(columns=40), "colour": Look(colour=True, columns=100)}


@pytest.mark.parametrize("name", PLANS)
def test_every_format_is_as_it_was_read(name: str, golden: Callable[[str, str], None]) -> None:
    made = PLANS[name]()
    for form in FORMATS:
        golden(f"{name}.{ENDS.get(form, form)}", rendered(made, form))
    for word, look in LOOKS.items():
        golden(f"{name}.{word}.txt", plan_text(made, look))


def test_no_golden_file_is_left_over() -> None:
    ends = [*(ENDS.get(form, form) for form in FORMATS), *(f"{look}.txt" for look in LOOKS)]
    wanted = {f"{name}.{end}" for name in PLANS for end in ends}
    wanted |= {"apply.ndjson", "watch.ndjson"}
    assert {path.name for path in FOLDER.iterdir()} == wanted
