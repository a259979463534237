"""How a request to Huawei Cloud is signed when it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import httpx

from reconciler.signing.sdk_hmac_sha256 import DATE_FORMAT, AccessKey, Unsigned, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import datetime

    from reconciler.providers.spec import Opening

SIGNED = ("Host", "Content-Type", "X-Language", "X-Project-Id", "X-Security-Token")
"""What is signed beside the date. Headers that a proxy may rewrite (User-Agent, Accept-Encoding,
Connection) are not: the gateway accepts a signature over a part of the headers.

Source: huaweicloudsdkcore adds them after signing as well; golangsdk signs even fewer."""


class SdkHmac(httpx.Auth):
    """Signs every request anew, with the time at which it leaves."""

    requires_request_body = True

    def __init__(
        self,
        key: AccessKey,
        utc_now: Callable[[], datetime],
        *,
        security_token: str | None = None,
        project_id: str | None = None,
    ) -> None:
        self._key = key
        self._utc_now = utc_now
        given = {"X-Security-Token": security_token, "X-Project-Id": project_id}
        self._headers = {name: value for name, value in given.items() if value}

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the headers that prove who asks; the answer is never answered with another try."""
        request.headers.update(self._headers)
        headers = tuple((name, request.headers[name]) for name in SIGNED if name in request.headers)
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        unsigned = Unsigned(
            method=request.method,
            host=request.url.netloc.decode("ascii"),
            path=path,
            query=tuple(_pair(part) for part in query.split("&") if part),
            headers=headers,
            body=request.content,
        )
        at = self._utc_now().strftime(DATE_FORMAT)
        request.headers.update(sign(unsigned, self._key, at))
        yield request


def auth_of(opening: Opening, project_id: str | None) -> SdkHmac:
    """Give what signs the requests of a scope; a lookup of the project is asked without one."""
    secrets = opening.secrets
    token = secrets.get("securityToken")
    return SdkHmac(
        AccessKey(secrets["accessKey"].value, secrets["secretKey"].value),
        opening.utc_now,
        security_token=None if token is None else token.value,
        project_id=project_id,
    )


def _pair(part: str) -> tuple[str, str]:
    # Not parse_qsl: it reads `+` as a space, and the gateway doesn't.
    key, _, value = part.partition("=")
    return unquote(key), unquote(value)
