"""What a webhook is sent: foreign names stay text in every form."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from reconciler.model.notice import Condition, NoticeFormat, Topic, unknown_placeholders
from reconciler.notify.messages import (
    MOST_ROWS,
    News,
    body,
    plain_text,
    signature,
)
from tests.rig.watched import ANOTHER_S

HOSTILE = 'drift: <!channel>&"\\\u202e\x1b[31m{gone}/x is gone'


def condition(words: str = "drift: web-1/one is gone", name: str = "1") -> Condition:
    return Condition(
        topic=Topic.DIFFERENCE, id=name, scope="shop", words=words, since_s=ANOTHER_S - 60
    )


def news(*words: str, gone: tuple[str, ...] = ()) -> News:
    return News(
        appeared=[condition(each) for each in words],
        gone=[condition(each) for each in gone],
        at_s=ANOTHER_S,
    )


def test_a_row_each_in_plain_json() -> None:
    sent = json.loads(body(news("a", "b", gone=("c",)), NoticeFormat.JSON, None))
    assert sent["text"] == "shop: a\nshop: b\nover: shop: c"
    assert sent["counts"] == {"appeared": 2, "gone": 1}
    assert (sent["format"], sent["at"]) == (1, "2026-05-28T20:31:40Z")
    assert sent["appeared"][0] == {
        "topic": "difference",
        "id": "1",
        "scope": "shop",
        "text": "a",
        "since": "2026-05-28T20:30:40Z",
    }


def test_slack_is_told_one_text_that_calls_nobody() -> None:
    sent = json.loads(body(news(HOSTILE), NoticeFormat.SLACK, None))
    assert sent == {"text": 'shop: drift: &lt;!channel&gt;&amp;"\\  [31m{gone}/x is gone'}


def test_what_fills_a_placeholder_is_text_whatever_it_holds() -> None:
    template = '{"title": "{appeared} new, {gone} over ({scopes})", "{at}": ["{text}", 1, null]}'
    sent = json.loads(body(news(HOSTILE), NoticeFormat.JSON, template))
    assert sent["title"] == "1 new, 0 over (shop)"
    assert sent["{at}"] == ['shop: drift: <!channel>&"\\  [31m{gone}/x is gone', 1, None]


@pytest.mark.parametrize(
    ("template", "unknown"),
    [
        ('{"a": "{text} {scopes}"}', ()),
        ('{"a": ["{host} {text}"], "{secret}": 1}', ("host", "secret")),
        ('"{ text } {}"', ()),
    ],
)
def test_placeholders_are_a_closed_set(template: str, unknown: tuple[str, ...]) -> None:
    assert unknown_placeholders(template) == unknown


def test_a_message_is_bounded() -> None:
    many = plain_text(news(*["x" * 1000] * 500))
    assert many.count("\n") == MOST_ROWS
    assert many.endswith(f"and {500 - MOST_ROWS} more")
    assert len(many) < 10_000


def test_whoever_has_the_key_can_tell_that_it_is_ours_and_when() -> None:
    sent = body(news("a"), NoticeFormat.JSON, None)
    headers = signature(b"key", ANOTHER_S, sent)
    moment = headers["X-Reconciler-Timestamp"]
    seal = hmac.new(b"key", moment.encode() + b"." + sent, hashlib.sha256).hexdigest()
    assert headers["X-Reconciler-Signature"] == f"sha256={seal}"
    assert moment == f"{ANOTHER_S:.0f}"
