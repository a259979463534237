"""The JSON of Workspace as documented; members that nobody here reads are left out.

Source: Workspace API reference, "ListDesktopsDetail", "DeleteDesktopVolumes", "ShowJob";
huaweicloudsdkworkspace 3.1.219, models.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from reconciler.providers.lenient import Flag, Id, OptionalId, Text, Whole, Wire, rows


class WireDisk(Wire):
    """A desktop's `root_volume`, or one element of its `data_volumes`.

    Its `id` is a key of Workspace's own table, which no call takes; so it isn't read.
    """

    volume_id: OptionalId = ""
    size: Whole = None
    device: Text = ""
    display_name: Text = ""
    desktop_pool_disk_id: Text = ""


class WireProduct(Wire):
    """What a desktop is billed as; `charge_mode` is 0 for prepaid, 1 for pay-per-use."""

    charge_mode: Text = ""


class WireTag(Wire):
    """One element of a desktop's `tags`."""

    key: Text = ""
    value: Text = ""


class WireDesktop(Wire):
    """One element of `desktops`."""

    desktop_id: Id
    computer_name: Text = ""
    desktop_type: Text = ""
    pool_id: Text = ""
    status: Text = ""
    task_status: Text = ""
    is_freeze: Flag = None
    availability_zone: Text = ""
    order_id: Text = ""
    product: WireProduct | None = None
    tags: Annotated[list[WireTag], BeforeValidator(rows)] = Field([])
    root_volume: WireDisk | None = None
    data_volumes: Annotated[list[WireDisk], BeforeValidator(rows)] = Field([])


class WireDesktops(Wire):
    """The body of `desktops/detail`; `error_code` only where a 200 is none."""

    total_count: Whole = None
    desktops: list[WireDesktop]
    error_code: Text = ""


def _one(value: object) -> object:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


class WireOneDesktop(Wire):
    """The body of `desktops/{desktop_id}`: an object by its schema, a list of one in its sample."""

    desktop: Annotated[WireDesktop, BeforeValidator(_one)]


class WireAccepted(Wire):
    """The body of an accepted change; `error_code` only where a 200 is none."""

    job_id: OptionalId = ""
    error_code: Text = ""


class WireSubJobEntities(Wire):
    """What a sub-job is about: never a disk."""

    desktop_id: Text = ""


class WireSubJob(Wire):
    """One element of a job's `sub_jobs`; `end_time` is set while it runs, so it isn't read."""

    status: Text = ""
    error_code: Text = ""
    fail_reason: Text = ""
    entities: WireSubJobEntities | None = None


class WireJob(Wire):
    """The body of `workspace-jobs/{job_id}`; `error_code` only when the question failed."""

    id: Text = ""
    status: Text = ""
    job_error_code: Text = ""
    fail_reason: Text = ""
    error_code: Text = ""
    sub_jobs_total: Whole = None
    sub_jobs: Annotated[list[WireSubJob], BeforeValidator(rows)] = Field([])
