"""The JSON of ModelArts as documented; members that nobody here reads are left out.

Source: ModelArts API reference, "ListDevServers", "ShowDevServer", "AttachDevServerVolume",
"DetachDevServerVolume", "ShowServerOperation"; huaweicloudsdkmodelarts 3.1.219, models.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from reconciler.providers.lenient import Id, OptionalId, Text, Whole, Wire


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class WireVolume(Wire):
    """One element of a server's `volumes`; documented in lower case, and compared so."""

    evs_id: Annotated[OptionalId, BeforeValidator(_lower)] = ""
    type: Text = ""
    size: Whole = None


class WireCloudServer(Wire):
    """The server below; its ids name it in other services and are never sent to this one."""

    type: Text = ""


class WireServer(Wire):
    """One element of `data`; `volumes` is None where the cloud sends nothing or null."""

    id: Id
    name: Text = ""
    status: Text = ""
    category: Text = ""
    cloud_server: WireCloudServer | None = None
    volumes: list[WireVolume] | None = None


class WireServers(Wire):
    """The body of `dev-servers`; `current` isn't as documented, so it isn't read."""

    total: Whole = None
    data: list[WireServer]


class WireOperationError(Wire):
    """Why an operation failed."""

    code: Text = ""
    message: Text = ""


class WireOperation(Wire):
    """The body of an accepted change, and of `operation/{operation_id}`."""

    operation_id: OptionalId = ""
    operation_status: Text = ""
    operation_error: WireOperationError | None = None
