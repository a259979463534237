"""HMAC-SHA256 as Samsung Cloud Platform v2 checks it; pure.

1. Signed is method, address, time, access key, account and kind of client, one after the other
   with nothing in between; neither the body nor any header beside these.
2. The address is the whole of it, byte for byte as it is sent: the scheme, the host and the query
   with their escapes. Encoding it once more is another signature.
3. The account is signed only where its header is sent; without one its place is empty.
4. The time is part of the signature and there is no nonce: what is sent again is signed anew.

Source: terraform-sdk-samsungcloudplatformv2 1.0.2, client/signature_generator.go; the vendor's
page shows the same headers. That the account belongs into the text is the SDK's alone
(unverified).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.signing.sdk_hmac_sha256 import AccessKey

CLIENT_TYPE = "Openapi"
ACCESS_HEADER = "Scp-Accesskey"
SIGNATURE_HEADER = "Scp-Signature"
TIME_HEADER = "Scp-Timestamp"
CLIENT_HEADER = "Scp-ClientType"
ACCOUNT_HEADER = "Scp-AccountId"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """What is signed of a request, without its time."""

    method: str
    url: str
    """As sent: scheme, host, path and query, special characters escaped, no fragment."""
    account_id: str = ""


def sign(request: Unsigned, key: AccessKey, at_ms: int) -> Mapping[str, str]:
    """Give the headers to add; `at_ms` is the time of signing, in milliseconds since 1970."""
    text = "".join(
        (request.method.upper(), request.url, str(at_ms), key.access, request.account_id)
    )
    digest = hmac.new(key.secret.encode(), (text + CLIENT_TYPE).encode(), hashlib.sha256).digest()
    added = {
        ACCESS_HEADER: key.access,
        SIGNATURE_HEADER: base64.b64encode(digest).decode("ascii"),
        TIME_HEADER: str(at_ms),
        CLIENT_HEADER: CLIENT_TYPE,
    }
    return {**added, ACCOUNT_HEADER: request.account_id} if request.account_id else added
