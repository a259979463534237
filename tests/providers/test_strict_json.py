"""What is no JSON to us, whichever of the two readers meets it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.providers.requests import strict_json

TWICE = [
    b'{"a": 1, "a": 2}',
    b'{"x": [{"a": 1, "b": {"c": 1, "c": 2}}]}',
    b'{"a" : 1, "b" : 2, "a" : 3}',
    b'{"a": 1, "a": 2, "b" : 3}',
    b'{"a": 1, "a": 2, "b"\t: 3}',
    b'{"a": 1, "\\u0061": 2}',
    b'{"a": "\\":", "b": 1, "b": 1, "c" : 2}',
    b'{"a": 1, "a": "x\\u0022:"}',
    b'{"a": 1, "a": "x\\":"}',
]


@pytest.mark.parametrize("body", TWICE)
def test_a_member_twice_is_no_json(body: bytes) -> None:
    with pytest.raises(ValueError, match="twice"):
        strict_json(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(told=VALUES, indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_json_says_is_read(told: object, indent: int | None, *, ascii_only: bool) -> None:
    text = json.dumps(told, indent=indent, ensure_ascii=ascii_only)
    assert strict_json(text.encode()) == told
