"""SDK-HMAC-SHA256 as the verifying side does it.

Source: the gateway's signing document and published examples.

1. Which headers count is what the request itself says in `SignedHeaders`.
2. Path and query are decoded once and encoded again, so any spelling on the wire gives
   the same canonical text; the canonical path ends in `/`.
3. The payload hash is over the raw body. Where `X-Sdk-Content-Sha256` is sent with a
   body its text takes the hash's place; a text that is neither `UNSIGNED-PAYLOAD` nor
   the body's hash is refused (unverified: the gateway may not look).
4. A `+` in a query is a plus (unverified: the published signers send `%20` for a space).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes, unquote_to_bytes

if TYPE_CHECKING:
    from reconciler.sim.exchange import Heard

ALGORITHM = "SDK-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
_AUTHORIZATION = re.compile(
    ALGORITHM + r" Access=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})"
)
_PLAIN_PATH = re.compile(rb"[A-Za-z0-9\-_.~/]*")


@dataclass(frozen=True, slots=True)
class Authorization:
    """What an `Authorization` header says."""

    access_key: str
    signed_headers: tuple[str, ...]
    signature: str


def read_authorization(header: str) -> Authorization | None:
    """Give the parts of the header, or None when it isn't of this scheme."""
    found = _AUTHORIZATION.fullmatch(header)
    if found is None:
        return None
    return Authorization(found[1], tuple(found[2].split(";")), found[3])


def genuine(heard: Heard, claimed: Authorization, secret_key: str) -> bool:
    """Whether the signature is the one that the secret key gives for this request."""
    date = heard.header("x-sdk-date") or ""
    payload = _payload_hash(heard)
    canonical = _canonical_headers(heard, claimed.signed_headers)
    if payload is None or canonical is None:
        return False
    request = b"\n".join(
        (
            heard.method.encode(),
            canonical_path(heard.raw_path),
            canonical_query(heard.query_string),
            canonical,
            ";".join(claimed.signed_headers).encode(),
            payload,
        )
    )
    text = f"{ALGORITHM}\n{date}\n{hashlib.sha256(request).hexdigest()}"
    expected = hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, claimed.signature)


def canonical_path(raw_path: bytes) -> bytes:
    """Give the path with every segment encoded the one way, and a slash at its end."""
    if _PLAIN_PATH.fullmatch(raw_path):
        encoded = raw_path
    else:
        encoded = quote_from_bytes(unquote_to_bytes(raw_path), safe="/-_.~").encode()
    return encoded if encoded.endswith(b"/") else encoded + b"/"


def canonical_query(query_string: bytes) -> bytes:
    """Give the parameters sorted by decoded name, then value, encoded the one way."""
    parts = (part.partition(b"=") for part in query_string.split(b"&") if part)
    pairs = sorted((unquote_to_bytes(key), unquote_to_bytes(value)) for key, _, value in parts)
    return "&".join(
        f"{quote_from_bytes(key, safe='-_.~')}={quote_from_bytes(value, safe='-_.~')}"
        for key, value in pairs
    ).encode()


def _canonical_headers(heard: Heard, names: tuple[str, ...]) -> bytes | None:
    """Give the signed headers, a line each; None when one that is named was not sent."""
    sent: dict[bytes, bytes] = {}
    for key, value in heard.headers:
        sent[key] = b",".join((sent[key], value.strip())) if key in sent else value.strip()
    wanted = [name.encode() for name in names]
    if any(name not in sent for name in wanted):
        return None
    return b"".join(name + b":" + sent[name] + b"\n" for name in wanted)


def _payload_hash(heard: Heard) -> bytes | None:
    said = heard.header("x-sdk-content-sha256")
    if heard.body and said == UNSIGNED:
        return said.encode()
    computed = hashlib.sha256(heard.body).hexdigest()
    if heard.body and said is not None and said != computed:
        return None
    return computed.encode()
