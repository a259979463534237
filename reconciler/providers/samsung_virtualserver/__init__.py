"""Samsung Cloud Platform v2, Virtual Server: attachments of volumes to servers.

What is imported here is what facts need: httpx and pydantic are imported when it is opened.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reconciler.model.attachment import View
from reconciler.model.capabilities import Capabilities, SetBy
from reconciler.providers.spec import Edition, Need, Permission, ProviderSpec

if TYPE_CHECKING:
    from reconciler.providers.spec import Opened, Opening

NAME = "samsung-virtualserver"
BESIDE_BOOT = 26
"""Data volumes of a server. Source: SDK, text of `multiattach` from 1.2 on; whether the OS volume
counts isn't said: here it doesn't, and the cloud has the last word."""
EDITIONS = (
    Edition(name="1.0", supported_until=date(2025, 12, 31)),
    Edition(name="1.1", supported_until=date(2026, 5, 31)),
    Edition(name="1.2", supported_until=date(2026, 8, 31)),
    Edition(name="1.3", supported_until=None),
)
"""Source: the vendor's page "Detach Volume from Virtual Server", 1.0 to 1.3."""


async def open_provider(opening: Opening) -> Opened:
    """Give the opened scope; costs no request.

    Raises FindingsError for a version that is none, ProviderError when the machine's proxies or
    certificates can't be used.
    """
    from reconciler.providers.samsung_virtualserver.auth import opened  # noqa: PLC0415 - see above

    return await opened(NAME, opening)


SPEC = ProviderSpec(
    name=NAME,
    open=open_provider,
    can=Capabilities(
        attach=True,
        detach_keeps_data=True,
        views=(View.COMPUTE, View.STORAGE),
        has_jobs=False,
        shows_motion=True,
        shows_owner_marks=True,
        guest_must_release=True,
        device=False,
        delete_on_termination=SetBy.WITH_ATTACH,
        max_servers_per_volume=1000,
        sure_slots=BESIDE_BOOT + 1,
        max_concurrency=4,
        step_deadline_s=300.0,
        job_s=10.0,
    ),
    apis={"virtualserver": "https://virtualserver.{region}.{environment}.{cloud}"},
    cloud="samsungsdscloud.com",
    domains=("samsungsdscloud.com",),
    variables={"accessKey": ("SCP_TF_ACCESS_KEY",), "secretKey": ("SCP_TF_SECRET_KEY",)},
    needed=("accessKey", "secretKey"),
    permissions=(
        Permission(Need.LOOK, "GET /v1/volumes"),
        Permission(Need.LOOK, "GET /v1/volumes/{volume_id}"),
        Permission(Need.LOOK, "GET /v1/servers"),
        Permission(Need.LOOK, "GET /v1/servers/{server_id}"),
        Permission(
            Need.ATTACH,
            "POST /v1/volumes/{volume_id}/servers",
            ("virtualserver:AttachVolumeVirtualServer",),
        ),
        Permission(
            Need.DETACH,
            "DELETE /v1/volumes/{volume_id}/servers/{server_id}",
            ("virtualserver:DetachVolumeVirtualServer",),
        ),
        Permission(Need.UPDATE, "PUT /v1/servers/{server_id}/volumes/{volume_id}"),
    ),
    takes=frozenset({"environment", "accountId", "serviceVersion", "cloud"}),
    wants=("environment",),
    editions=EDITIONS,
)
