"""A cloud may quote a secret in many spellings; none of them passes."""

from __future__ import annotations

import html
import json
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from reconciler.operations.wiring import SIMULATOR_SECRETS
from reconciler.providers.redaction import MIN_SECRET, PUBLIC, Redaction
from reconciler.sim.gate import ALWAYS

SECRETS = st.text(
    alphabet=st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=MIN_SECRET
)


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(mark):04x}" for mark in text)


@given(secret=SECRETS)
def test_a_secret_is_found_however_it_is_spelt(secret: str) -> None:
    redaction = Redaction([secret])
    spellings = (
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        quote(secret),
        quote(secret, safe=""),
        html.escape(secret),
    )
    for spelt in spellings:
        assert redaction.hidden(f"<{spelt}>".encode()) == b"<***>", spelt


@given(secret=SECRETS)
def test_a_secret_escaped_throughout_is_gone_once_it_is_read(secret: str) -> None:
    body = json.dumps({"message": "?"}).replace("?", f"<{escaped(secret)}>")
    assert json.loads(body)["message"] == f"<{secret}>"
    assert json.loads(Redaction([secret]).hidden(body.encode()))["message"] == "<***>"


@given(
    value=st.recursive(
        st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_body_that_quotes_nothing_stays_as_it_is(value: object) -> None:
    body = json.dumps(value).encode()
    assert Redaction(["TestSecretKeyNotReal"]).hidden(body) == body


def test_what_is_given_later_is_hidden_too_and_short_words_stay() -> None:
    redaction = Redaction(["ab"])
    assert redaction.hidden_text("ab token-1 signature-1", "signature-1") == "ab token-1 ***"
    redaction.add("token-1")
    assert redaction.hidden_text("ab token-1 signature-1") == "ab *** signature-1"


def test_a_disk_may_be_called_as_the_simulator_is() -> None:
    redaction = Redaction(["simulator", "simulator-secret", "another-secret"])
    said = redaction.hidden_text("simulator-secret-1 another-secret")
    assert said == "simulator-secret-1 ***"
    assert set(ALWAYS) == PUBLIC == {secret.value for secret in SIMULATOR_SECRETS.values()}
