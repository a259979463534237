"""The JSON of Virtual Server as documented; members that nobody here reads are left out.

Source: terraform-sdk-samsungcloudplatformv2, library/virtualserver 1.0 to 1.3, models.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from reconciler.providers.lenient import Flag, Id, OptionalId, Text, Whole, Wire, rows


class WireHolder(Wire):
    """One element of a volume's `servers`."""

    id: OptionalId = ""
    device: Text = ""


class WireVolume(Wire):
    """One element of `volumes`, and the body of a volume that is shown alone."""

    id: Id
    name: Text = ""
    state: Text = ""
    size: Whole = None
    multiattach: Flag = None
    bootable: Flag = None
    zone: Text = ""
    """From 1.4 on."""
    servers: Annotated[list[WireHolder], BeforeValidator(rows)]


class WireVolumes(Wire):
    """The body of `volumes`."""

    count: Whole = None
    volumes: list[WireVolume]


class WireDisk(Wire):
    """One element of a server's `volumes`."""

    id: OptionalId = ""
    delete_on_termination: Flag = None


class WireServer(Wire):
    """One element of `servers`, and the body of a server that is shown alone."""

    id: Id
    name: Text = ""
    state: Text = ""
    locked: Flag = None
    category: Text = Field("", alias="product_category")
    group_id: Text = Field("", alias="auto_scaling_group_id")
    zone: Text = ""
    """From 1.4 on."""
    volumes: list[WireDisk] | None = None


class WireServers(Wire):
    """The body of `servers`."""

    servers: list[WireServer]


class WireAttached(Wire):
    """The body of an accepted attach."""

    volume_id: Text = ""
    server_id: Text = ""


class WireVersion(Wire):
    """One element of `versions`."""

    id: Text = ""
    not_before: Text = ""
    status: Text = ""


class WireVersions(Wire):
    """The body of the discovery of versions."""

    versions: list[WireVersion]
