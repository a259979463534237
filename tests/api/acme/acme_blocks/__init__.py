"""A cloud of a package of its own: Acme Blocks, invented, with a protocol of its own.

    GET    /v2/machines                      every machine, with the blocks on it
    GET    /v2/blocks                        every block, and whether it is on its way
    PUT    /v2/machines/{m}/blocks/{b}       202: it will be attached
    DELETE /v2/machines/{m}/blocks/{b}       202: it will be taken off

There are no pages, no jobs and no batches; what is on its way says so (`"moving": true`). A request
has the header `Authorization: Acme KEY:SIGNATURE`; the signature is HMAC-SHA256, in hexadecimal, of
method and address with the secret key. What is refused is `{"problem": WORD, "text": ...}`.

Here stand the facts alone: httpx and pydantic are imported when a scope is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.attachment import View
from reconciler.model.capabilities import Capabilities
from reconciler.providers.spec import Need, Permission, ProviderSpec

if TYPE_CHECKING:
    from reconciler.providers.spec import Opened, Opening

NAME = "acme-blocks"


async def open_acme(opening: Opening) -> Opened:
    """Give the opened scope; costs no request."""
    from .auth import opened  # noqa: PLC0415 - see above

    return opened(NAME, opening)


SPEC = ProviderSpec(
    name=NAME,
    open=open_acme,
    can=Capabilities(
        attach=True,
        detach_keeps_data=True,
        views=(View.COMPUTE,),
        shows_motion=True,
        max_servers_per_volume=100,
        max_concurrency=8,
        step_deadline_s=600.0,
        job_s=5.0,
    ),
    apis={"blocks": "https://blocks.{region}.{cloud}"},
    cloud="cloud.acme.example",
    domains=("cloud.acme.example",),
    variables={"accessKey": ("ACME_ACCESS_KEY",), "secretKey": ("ACME_SECRET_KEY",)},
    needed=("accessKey", "secretKey"),
    takes=frozenset({"cloud"}),
    permissions=(
        Permission(Need.LOOK, "GET /v2/machines"),
        Permission(Need.LOOK, "GET /v2/blocks"),
        Permission(Need.ATTACH, "PUT /v2/machines/{machine_id}/blocks/{block_id}"),
        Permission(Need.DETACH, "DELETE /v2/machines/{machine_id}/blocks/{block_id}"),
    ),
)
