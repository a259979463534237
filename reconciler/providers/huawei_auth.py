"""How a request to Huawei Cloud is signed when it leaves, or which token it carries.

Source: IAM API reference, "KeystoneCreateUserTokenByPassword"; a token is valid for 24 hours, and
ends about 30 minutes after a change of the password or of permissions.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

import httpx

from reconciler.providers.lenient import Text, Wire
from reconciler.providers.proof import Login, Signed, Token, TokenProof
from reconciler.providers.requests import change
from reconciler.signing.sdk_hmac_sha256 import DATE_FORMAT, AccessKey, Unsigned, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from reconciler.providers.huawei_faults import Faults
    from reconciler.providers.proof import Proof
    from reconciler.providers.spec import Opening

SIGNED = ("Host", "Content-Type", "X-Language", "X-Project-Id", "X-Security-Token")
"""What is signed beside the date. Headers that a proxy may rewrite (User-Agent, Accept-Encoding,
Connection) are not: the gateway accepts a signature over a part of the headers.

Source: huaweicloudsdkcore adds them after signing as well; golangsdk signs even fewer."""


class WireToken(Wire):
    """IAM's `token`; the token itself comes in a header."""

    expires_at: Text = ""


class WireLogin(Wire):
    """The body of IAM's `auth/tokens`."""

    token: WireToken


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


def proof_of(opening: Opening, project_id: str | None, faults: Faults) -> Proof:
    """Give what proves who asks in a scope; a lookup of the project is asked without one."""
    if "user" in opening.secrets:
        return TokenProof(_login(opening, project_id, faults), opening.utc_now)
    access, secret = (opening.secrets[key].value for key in ("accessKey", "secretKey"))
    token = opening.secrets.get("securityToken")
    security_token = None if token is None else token.value
    return Signed(
        auth=SdkHmac(
            AccessKey(access, secret),
            opening.utc_now,
            security_token=security_token,
            project_id=project_id,
        ),
        secret=f"{secret} {security_token or ''}",
        fuse=opening.breaker.fuse(f"access key {access}"),
        denial=faults.denial,
    )


def _login(opening: Opening, project_id: str | None, faults: Faults) -> Login:
    user, password, domain = (opening.secrets[k].value for k in ("user", "password", "domain"))
    who = {"name": user, "password": password, "domain": {"name": domain}}
    # A region's own project bears the name of the region.
    project = {"id": project_id} if project_id is not None else {"name": opening.region}
    wanted = {
        "identity": {"methods": ["password"], "password": {"user": who}},
        "scope": {"project": project},
    }
    # Without the catalog the answer is shorter by some ten thousand bytes.
    address = f"{opening.endpoints['iam']}/v3/auth/tokens?nocatalog=true"
    return Login(
        ask=lambda: change("POST", address, {"auth": wanted}),
        read=lambda request, response: _token(faults, request, response),
        ended=faults.token_ended,
        denial=faults.denial,
        secret=password,
        fuse=opening.breaker.fuse(f"user {user} of {domain}"),
    )


def _token(faults: Faults, request: httpx.Request, response: httpx.Response) -> Token:
    told = faults.read(WireLogin, request, response).token
    value = response.headers.get("X-Subject-Token", "")
    if not value:
        raise faults.bad_answer(request, response)
    return Token(value=value, ends_at=_date(told.expires_at))


def _date(text: str) -> datetime | None:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _pair(part: str) -> tuple[str, str]:
    # Not parse_qsl: it reads `+` as a space, and the gateway doesn't.
    key, _, value = part.partition("=")
    return unquote(key), unquote(value)
