"""Which attributes of one attachment differ."""

from __future__ import annotations

import pytest

from reconciler.model.attachment import Attachment
from reconciler.model.plan import Update
from reconciler.planning.fields import differences
from tests.planning.building import key

FLAG = "delete_on_termination"


def _of(device: str | None = None, *, flag: bool | None = None) -> Attachment:
    return Attachment(key=key("a", "v"), device=device, delete_on_termination=flag)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (_of(), _of(), []),
        (_of("/dev/vdb", flag=True), _of("/dev/vdb", flag=True), []),
        (_of("/dev/vdb", flag=True), _of(), []),
        (_of(flag=False), _of(flag=True), [(FLAG, "false", "true")]),
        (_of(flag=True), _of(flag=False), [(FLAG, "true", "false")]),
        (_of(), _of(flag=True), [(FLAG, "unknown", "true")]),
        (_of(), _of(flag=False), [(FLAG, "unknown", "false")]),
        (_of("/dev/vdb"), _of("/dev/vdc"), [("device", "/dev/vdb", "/dev/vdc")]),
        (_of(), _of("/dev/vdc"), [("device", "unknown", "/dev/vdc")]),
        (
            _of("/dev/vdb", flag=False),
            _of("/dev/vdc", flag=True),
            [(FLAG, "false", "true"), ("device", "/dev/vdb", "/dev/vdc")],
        ),
        (_of(flag=True), _of("/dev/vdc", flag=True), [("device", "unknown", "/dev/vdc")]),
    ],
    ids=[
        "nothing is asked",
        "it is so",
        "what is left open never differs",
        "a flag is set",
        "a flag is taken back",
        "an unknown flag differs from true",
        "an unknown flag differs from false",
        "another device",
        "an unknown device differs",
        "two differ, sorted by attribute",
        "one of two differs",
    ],
)
def test_what_differs(
    before: Attachment, after: Attachment, found: list[tuple[str, str, str]]
) -> None:
    expected = tuple(Update(attribute=a, before=b, after=c) for a, b, c in found)
    assert differences(before, after) == expected
