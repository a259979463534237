"""Opening a scope: what it costs, how its requests are signed, and which cloud it speaks to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.call import Call, Verb
from reconciler.model.finding import Finding, FindingsError, Severity
from reconciler.model.outcome import Answer, Receipt
from reconciler.model.record import Identity
from reconciler.providers import spec_of
from reconciler.providers.spec import Opened, Opening, Secret
from reconciler.signing.samsung_hmac import Unsigned, sign
from reconciler.signing.sdk_hmac_sha256 import AccessKey

from .talks import HOST, fault, key, ok, servers, volume_row, volumes

if TYPE_CHECKING:
    from reconciler.providers.samsung_virtualserver.auth import SamsungProvider

NOW = datetime(2026, 1, 15, 8, 30, 0, 123456, tzinfo=UTC)
AT_MS = 1768465800123
SPEC = spec_of("samsung-virtualserver")
ACCESS = AccessKey("TESTACCESSKEY0000001", "TestSecretKeyNotReal/0123456789+abcdefgh")
DETACH = Call(verb=Verb.DETACH, keys=(key(),))


class NoPace:
    """Lets every request leave; remembers for how long it was told to wait."""

    def __init__(self) -> None:
        self.holds: list[float] = []

    async def turn(self) -> None:
        return None

    def hold(self, seconds: float) -> None:
        self.holds.append(seconds)


class Cloud:
    """Answers by path and remembers what it was asked."""

    def __init__(self, **answers: httpx.Response) -> None:
        self.asked: list[httpx.Request] = []
        self.answers = {
            "volumes": volumes(volume_row()),
            "servers": servers(),
            "": ok({"versions": [{"id": "v1.3", "status": "CURRENT"}]}),
            **answers,
        }
        self.pace = NoPace()

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answers[request.url.path.removeprefix("/v1").split("/")[1]]

    def opening(self, **more: str) -> Opening:
        whole = Opening(
            scope="prod",
            region="kr-west1",
            pace=self.pace,
            utc_now=lambda: NOW,
            endpoints={"virtualserver": HOST},
            secrets={"accessKey": Secret(ACCESS.access), "secretKey": Secret(ACCESS.secret)},
            max_concurrency=4,
            transport=httpx.MockTransport(self.answer),
        )
        return replace(whole, **more)  # type: ignore[arg-type]  # fields by name


async def only_opened(opening: Opening) -> Opened:
    return await SPEC.open(opening)


async def listed(opening: Opening) -> Opened:
    opened = await SPEC.open(opening)
    await opened.provider.list_live()
    await opened.provider.aclose()
    return opened


async def submitted(opening: Opening, *calls: Call) -> list[Receipt]:
    opened = await SPEC.open(opening)
    return [await opened.provider.submit(call) for call in calls]


async def told(opening: Opening, today: date) -> Finding | None:
    opened = await SPEC.open(opening)
    return await cast("SamsungProvider", opened.provider).api_version(today)


def test_opening_costs_no_request_and_the_key_stands_for_its_account() -> None:
    cloud = Cloud()
    opened = asyncio.run(only_opened(cloud.opening()))
    assert cloud.asked == []
    assert opened.identity == Identity(
        provider="samsung-virtualserver",
        endpoint=HOST,
        project="key-a8101bdc4c9a904b",
        region="kr-west1",
    )
    named = asyncio.run(only_opened(cloud.opening(account_id="a8f10467")))
    assert named.identity.project == "a8f10467"


@pytest.mark.parametrize("account_id", ["", "a8f10467"])
def test_every_request_is_signed_over_its_address_as_it_goes_out(account_id: str) -> None:
    cloud = Cloud()
    asyncio.run(listed(cloud.opening(account_id=account_id)))
    assert len(cloud.asked) == 2
    for request in cloud.asked:
        path = request.url.path.rsplit("/", 1)[1]
        url = f"{HOST}/v1/{path}?limit=1000"
        unsigned = Unsigned(method="GET", url=url, account_id=account_id)
        added = sign(unsigned, ACCESS, AT_MS)
        assert {name: request.headers.get(name) for name in added} == dict(added)
        assert request.headers.get("Scp-AccountId", "") == account_id


def test_what_has_to_be_escaped_is_signed_escaped() -> None:
    cloud = Cloud()
    call = Call(verb=Verb.DETACH, keys=(key("a:b+c@d", "v~1=x"),))
    asyncio.run(submitted(cloud.opening(), call))
    (request,) = cloud.asked
    url = f"{HOST}/v1/volumes/v~1%3Dx/servers/a%3Ab%2Bc%40d"
    assert str(request.url) == url
    wanted = sign(Unsigned(method="DELETE", url=url), ACCESS, AT_MS)["Scp-Signature"]
    assert request.headers["Scp-Signature"] == wanted


def test_a_port_is_signed_as_it_stands_in_the_address() -> None:
    cloud = Cloud()
    address = "http://127.0.0.1:8080"
    asyncio.run(listed(cloud.opening(endpoints={"virtualserver": address})))  # type: ignore[arg-type]  # a field
    request = cloud.asked[0]
    unsigned = Unsigned(method="GET", url=f"{address}/v1/volumes?limit=1000")
    assert request.headers["Scp-Signature"] == sign(unsigned, ACCESS, AT_MS)["Scp-Signature"]


@pytest.mark.parametrize(
    ("edition", "header"), [(None, "virtualserver 1.3"), ("1.2", "virtualserver 1.2")]
)
def test_the_version_is_the_newest_unless_one_is_named(edition: str | None, header: str) -> None:
    cloud = Cloud()
    more = {} if edition is None else {"api_edition": edition}
    asyncio.run(listed(cloud.opening(**more)))
    assert {request.headers["Scp-Api-Version"] for request in cloud.asked} == {header}


@pytest.mark.parametrize("edition", ["v1.3", "1", "1.3\r\nx: y", "latest"])
def test_a_version_that_is_none_opens_nothing(edition: str) -> None:
    with pytest.raises(FindingsError) as raised:
        asyncio.run(only_opened(Cloud().opening(api_edition=edition)))
    assert raised.value.findings[0].code == "bad-value"


def test_a_wrong_key_is_asked_with_once() -> None:
    cloud = Cloud(volumes=fault(401, "bad signature"), servers=fault(401))
    with pytest.raises(ProviderError, match="check the secret key"):
        asyncio.run(listed(cloud.opening()))
    assert len(cloud.asked) == 1
    first, second = asyncio.run(submitted(cloud.opening(), DETACH, DETACH))
    assert (first.answer, second.answer) == (Answer.DENIED, Answer.DENIED)
    assert len(cloud.asked) == 2, "the second one stayed here"


def test_keys_never_reach_a_message() -> None:
    said = f"{ACCESS.access} is not {ACCESS.secret}"
    opening = Cloud(volumes=fault(403, said)).opening()
    with pytest.raises(ProviderError) as raised:
        asyncio.run(listed(opening))
    assert "*** is not ***" in str(raised.value)
    assert ACCESS.secret not in repr(opening)


def test_a_firewall_that_says_how_long_holds_the_whole_scope() -> None:
    page = httpx.Response(417, html="<p>", headers={"Retry-After": "30"})
    cloud = Cloud(volumes=page)
    (receipt,) = asyncio.run(submitted(cloud.opening(), DETACH))
    assert (receipt.answer, receipt.retry_after_s) == (Answer.UNKNOWN, 30.0)
    assert cloud.pace.holds == [30.0]


def test_the_version_is_asked_for_without_a_signature() -> None:
    cloud = Cloud()
    assert asyncio.run(told(cloud.opening(), date(2027, 1, 1))) is None
    (request,) = cloud.asked
    assert str(request.url) == f"{HOST}/"
    assert not [name for name in request.headers if name.startswith("scp-")]


def test_a_version_that_the_cloud_does_not_offer_is_an_error_with_a_way_out() -> None:
    finding = asyncio.run(told(Cloud().opening(api_edition="1.2"), date(2026, 1, 15)))
    assert finding is not None
    assert (finding.code, finding.severity, finding.scope) == (
        "api-version",
        Severity.ERROR,
        "prod",
    )
    assert "`1.3`" in finding.hint


@pytest.mark.parametrize("answer", [fault(401), httpx.Response(200, html="<p>"), ok({}, 500)])
def test_a_cloud_that_does_not_tell_leaves_it_to_the_table(answer: httpx.Response) -> None:
    cloud = Cloud(**{"": answer})
    assert asyncio.run(told(cloud.opening(), date(2026, 1, 15))) is None
    finding = asyncio.run(told(cloud.opening(api_edition="1.1"), date(2026, 1, 15)))
    assert finding is None
    finding = asyncio.run(told(cloud.opening(api_edition="1.1"), date(2026, 4, 1)))
    assert finding is not None
    assert finding.severity is Severity.WARNING


def test_the_default_address_lies_within_the_domains_that_credentials_may_go_to() -> None:
    (template,) = SPEC.apis.values()
    address = template.format(region="kr-west1", environment="e", cloud=SPEC.cloud)
    assert address == "https://virtualserver.kr-west1.e.samsungsdscloud.com"
    assert httpx.URL(address).host.endswith(tuple(f".{domain}" for domain in SPEC.domains))
    assert set(SPEC.needed) <= set(SPEC.variables)
    assert set(SPEC.wants) <= SPEC.takes
