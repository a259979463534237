"""What a client should not send, and what it may: words, queries, headers and bodies."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from hmac import HMAC
from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.sim.signature import canonical_path, canonical_query
from tests.sim.asking import PROJECT

if TYPE_CHECKING:
    import httpx

DEEP = 50_000

IDS = (
    *("", " ", ".", "..", "a/b", "a%2Fb", "%00", "%FF%FE", "%C0%AF", "%0A", "%0D%0A"),
    *("%ED%A0%80", "\U0001f4be", "%E2%80%A8", "'", "\\", "{volume_id}", "null", "x" * 4000),
    *("*", "a?b", "a#b", "a;b", "%25", "v-1\x00", "..%2F..%2F_sim", "\u0661"),
)
"""Words of a path; what is escaped already is sent as it stands."""

QUERIES = (
    *("limit=%FF%FE", "limit=", "limit", "=", "&&&", "=&=", "%00=%00", "limit=%00", "limit=NaN"),
    *("limit=1e400", "limit=" + "9" * 5000, "limit=-1", "limit=%D9%A1", "limit=1&limit=0"),
    *("offset=999999999&limit=1000", "offset=" + "9" * 30, "offset=-0", "marker=%ED%A0%80"),
    *("marker=%00", "marker=v-1", "marker=s-1&limit=2", "server_id=,,,,", "server_id=%FF,s-1"),
    *("server_id=s-1,s-1,%00", "server_id=" + "s-1," * 900, "tags=,", "tags=role%3Dweb"),
    *("ids=['v-1']", "ids=%5B%27v-1%27%2C%27%FF%27%5D", "ids=[" + "'a'," * 700, "ids=[]"),
    *("ids=%5B%27%00%27%5D", "ids=" + "%5B" * 3000, "sort_key=size&sort_dir=asc", "sort_key="),
    *("sort_key=__class__", "delete_flag=1", "delete_flag=%FF", "delete_flag=0&delete_flag=2"),
    *("name=%FF", "name=ap-southeast-3", "status=in-use", "multiattach=TRUE", "a[b]=c", "+=+"),
    *("%", "%%%", "%G1=%zz", "a=%u0000", "x" * 8000, "&".join(f"k{n}=v" for n in range(2000))),
)

HEADERS = (
    ("x-auth-token", b"\xff\xfe"),
    ("x-project-id", b"\xff"),
    ("x-project-id", PROJECT.encode()),
    ("x-sdk-content-sha256", b"UNSIGNED-PAYLOAD"),
    ("x-sdk-content-sha256", b"\xc3\x28"),
    ("content-type", b"text/plain; charset=utf-16"),
    ("content-type", b"\xff\xfe"),
    ("content-encoding", b"gzip"),
    ("accept", b"text/html;q=NaN"),
    ("accept-encoding", b"identity;q=0"),
    ("x-language", b"\xe4\xb8\xad"),
    ("cookie", b"=;=;\xff"),
    ("range", b"bytes=9999999999999999999999-"),
    ("if-none-match", b"*"),
    ("expect", b"200-ok"),
    ("upgrade", b"websocket"),
    ("x-forwarded-for", b"10.0.0.1, \xff"),
    ("x-long", b"x" * 16_000),
)

BODIES = (
    *(b"", b" ", b"null", b"true", b"0", b"NaN", b"Infinity", b"-Infinity", b"1e400", b'"text"'),
    *(b"[]", b"{}", b"[{}]", b"{", b"}", b'{"a":1,}', b"\x00", b"\xff\xfe", b"\xef\xbb\xbf{}"),
    *(b"9" * 5000, b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"auth":' * DEEP + b"1" + b"}" * DEEP),
    *(b'{"serverinfo":["\\ud800"]}', b'{"serverinfo":["\xed\xa0\x80"]}', b'{"serverinfo":[NaN]}'),
    *(b'{"serverinfo":["s-1\\u0000"]}', b'{"serverinfo":[["s-1"]]}', b'{"serverinfo":{"0":"s-1"}}'),
    b'{"serverinfo":[{"server_id":"\\udfff","device":"\\ud800"}]}',
    b'{"serverinfo":[{"server_id":"s-2","device":"/dev/vd\\ud800"}]}',
    b'{"serverinfo":[{"server_id":"s-2","device":"/dev/vd\\u0000"}]}',
    b'{"serverinfo":[{"server_id":"s-2","device":{}}]}',
    b'{"serverinfo":[' + b'"s-1",' * 3000 + b'"s-2"]}',
    b'{"volumeAttachment":[]}',
    b'{"volumeAttachment":{"volumeId":["v-2"]}}',
    b'{"volumeAttachment":{"volumeId":"\\ud800"}}',
    b'{"volumeAttachment":{"volumeId":"v-2","device":"/dev/vd\\ud800"}}',
    b'{"volumeAttachment":{"volumeId":"v-2","device":"/dev/vd\\u0000"}}',
    b'{"volumeAttachment":{"volumeId":"v-2","device":"' + b"/dev/vd" * 900 + b'"}}',
    b'{"volumeAttachment":{"volumeId":"v-2"},"dry_run":"true"}',
    b'{"volumeAttachment":{"volumeId":"v-2"},"dry_run":NaN}',
    b'{"volumeAttachment":{"volume_type":[],"hw:passthrough":["true"]},"dry_run":true}',
    b'{"volumeAttachment":{"volume_type":"\\ud800","hw:passthrough":"true","count":1e400},"dry_run":true}',
    b'{"volumeAttachment":{"volume_type":"SSD","hw:passthrough":"true","count":NaN},"dry_run":true}',
    b'{"volumeAttachment":{"volume_type":"SSD","hw:passthrough":"true","count":'
    + b"9" * 4000
    + b'},"dry_run":true}',
    b'{"block_device":[]}',
    b'{"block_device":{"delete_on_termination":1}}',
    b'{"os-detach":[]}',
    b'{"os-detach":{"attachment_id":{}}}',
    b'{"os-detach":{"attachment_id":"\\ud800"}}',
    b'{"os-detach":{},"os-attach":{}}',
    b'{"auth":{"identity":{"password":{"user":[]}}}}',
    b'{"auth":{"identity":{"password":{"user":{"name":{},"password":NaN,"domain":{"name":[]}}}}}}',
    '{"serverinfo":["s-1"]}'.encode("utf-16"),
    '{"serverinfo":["s-1"]}'.encode("utf-32-be"),
    b"x" * 300_000,
)


def _attach(volume_id: str, **more: object) -> dict[str, object]:
    return {"volumeAttachment": {"volumeId": volume_id, **more}}


def _login(password: str) -> dict[str, object]:
    user = {"name": "ops", "password": password, "domain": {"name": "acme"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": {"name": "ap-southeast-3"}}}}


REAL_BODIES: dict[str, tuple[dict[str, object], ...]] = {
    "batchDetachVolume": (
        {"serverinfo": ["s-1"]},
        {"serverinfo": ["s-2"]},
        {"serverinfo": ["s-1", "s-2"]},
        {"serverinfo": ["s-1", "s-2", "s-3"]},
        {"serverinfo": ["s-1", "nobody"]},
    ),
    "batchAttachVolume": (
        {"serverinfo": [{"server_id": "s-1"}]},
        {"serverinfo": [{"server_id": "s-1", "device": "/dev/sdf"}, {"server_id": "s-2"}]},
        {"serverinfo": [{"server_id": "s-3"}, {"server_id": "s-2"}]},
        {"serverinfo": [{"server_id": "s-4"}]},
    ),
    "attachVolume": (
        _attach("v-1"),
        _attach("v-2"),
        _attach("v-3"),
        _attach("v-4", device="/dev/vdz"),
        _attach("v-5"),
        {**_attach("v-2"), "dry_run": True},
        {
            "volumeAttachment": {"volume_type": "SSD", "hw:passthrough": "false", "count": 2},
            "dry_run": True,
        },
    ),
    "updateServerBlockDevice": (
        {"block_device": {"delete_on_termination": True}},
        {"block_device": {"delete_on_termination": False}},
    ),
    "osDetach": ({"os-detach": {}}, {"os-detach": None}, {"os-detach": {"attachment_id": "none"}}),
    "keystoneCreateUserTokenByPassword": (_login("open-sesame"), _login("wrong")),
}


def known_ids() -> dict[str, list[str]]:
    """Give the ids that the usual world has, by the words of the paths; frequent ones twice."""
    return {
        "project_id": [*[PROJECT] * 18, PROJECT.upper(), "another"],
        "server_id": [*["s-1", "s-2", "s-3"] * 4, "s-4", "s-5", "s-6", "s-7", "nobody"],
        "volume_id": [*["v-1", "v-2", "v-3", "v-3"] * 3, "v-4", "v-5", "vol-boot-1", "vol-boot-3"],
    }


def escaped(word: str) -> str:
    """Give a word of a path as it is sent."""
    # Already escaped bytes stay; a path of dots alone would be resolved on this side.
    text = quote(word.encode("utf-8", "surrogatepass"), safe="%")
    return text.replace(".", "%2E") if set(text) <= {"."} else text


def sign_bytes(request: httpx.Request) -> None:
    """Sign a request over the bytes that go out, so that bad ones pass the gateway too."""
    path, _, query = request.url.raw_path.partition(b"?")
    date = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    lines = (
        request.method.encode(),
        canonical_path(path),
        canonical_query(query),
        f"x-sdk-date:{date}\n".encode(),
        b"x-sdk-date",
        sha256(request.content).hexdigest().encode(),
    )
    hashed = sha256(b"\n".join(lines)).hexdigest()
    text = f"SDK-HMAC-SHA256\n{date}\n{hashed}"
    mac = HMAC(b"simulator-secret", text.encode(), "sha256").hexdigest()
    request.headers["x-sdk-date"] = date
    request.headers["authorization"] = (
        f"SDK-HMAC-SHA256 Access=simulator, SignedHeaders=x-sdk-date, Signature={mac}"
    )
