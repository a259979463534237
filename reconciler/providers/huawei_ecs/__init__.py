"""Huawei Cloud ECS with the EVS view: attachments of volumes to servers.

What is imported here is what facts need: httpx and pydantic are imported when it is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.attachment import View
from reconciler.model.call import Verb
from reconciler.model.capabilities import Batch, BatchBy, Capabilities, SetBy
from reconciler.providers.spec import Need, Permission, ProviderSpec

if TYPE_CHECKING:
    from reconciler.providers.spec import Opened, Opening

NAME = "huawei-ecs"
BATCH_MAX = 16
"""A shared volume can be on 16 servers; the batches' own maximum isn't published."""


async def open_provider(opening: Opening) -> Opened:
    """Give the opened scope; costs a request when the project has to be looked up.

    Raises FindingsError when the region has no project or several, ProviderError when asking
    for it failed.
    """
    from reconciler.providers.huawei_ecs.auth import opened  # noqa: PLC0415 - see above

    return await opened(NAME, opening)


SPEC = ProviderSpec(
    name=NAME,
    open=open_provider,
    can=Capabilities(
        attach=True,
        detach_keeps_data=True,
        batch={
            Verb.ATTACH: Batch(
                by=BatchBy.VOLUME, maximum=BATCH_MAX, shareable_only=True, disks_at_most=23
            ),
            Verb.DETACH: Batch(by=BatchBy.VOLUME, maximum=BATCH_MAX, shareable_only=True),
        },
        views=(View.COMPUTE, View.STORAGE),
        has_jobs=True,
        shows_motion=True,
        shows_owner_marks=True,
        force=True,
        device=True,
        delete_on_termination=SetBy.AFTERWARDS,
        delete_on_termination_of_shared=False,
        max_servers_per_volume=16,
        sure_slots=24,
        max_concurrency=32,
        step_deadline_s=600.0,
        job_s=10.0,
    ),
    apis={
        "ecs": "https://ecs.{region}.{cloud}",
        "evs": "https://evs.{region}.{cloud}",
        "iam": "https://iam.{region}.{cloud}",
    },
    cloud="myhuaweicloud.com",
    domains=("myhuaweicloud.com", "myhuaweicloud.eu"),
    variables={
        "accessKey": ("HW_ACCESS_KEY", "HUAWEICLOUD_SDK_AK"),
        "secretKey": ("HW_SECRET_KEY", "HUAWEICLOUD_SDK_SK"),
        "securityToken": ("HW_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
    },
    needed=("accessKey", "secretKey"),
    permissions=(
        Permission(Need.LOOK, "GET /v1/{project_id}/cloudservers/detail"),
        Permission(Need.LOOK, "GET /v2/{project_id}/cloudvolumes/detail", ("evs:volumes:list",)),
        Permission(Need.LOOK, "GET /v1/{project_id}/cloudservers/{server_id}/block_device"),
        Permission(
            Need.LOOK, "GET /v2/{project_id}/cloudvolumes/{volume_id}", ("evs:volumes:get",)
        ),
        Permission(Need.LOOK, "GET /v1/{project_id}/jobs/{job_id}"),
        Permission(Need.FIND_PROJECT, "GET /v3/projects"),
        Permission(
            Need.ATTACH,
            "POST /v1/{project_id}/cloudservers/{server_id}/attachvolume",
            ("ecs:cloudServers:attach", "evs:volumes:use"),
        ),
        Permission(
            Need.ATTACH_SHARED,
            "POST /v1/{project_id}/batchaction/attachvolumes/{volume_id}",
            ("ecs:cloudServers:attachSharedVolume", "evs:volumes:use"),
        ),
        Permission(
            Need.DETACH,
            "DELETE /v1/{project_id}/cloudservers/{server_id}/detachvolume/{volume_id}",
            ("ecs:cloudServers:detachVolume",),
        ),
        Permission(
            Need.DETACH_SHARED,
            "POST /v1/{project_id}/batchaction/detachvolumes/{volume_id}",
            ("ecs:cloudServers:detachVolume",),
        ),
        Permission(
            Need.UPDATE, "PUT /v1/{project_id}/cloudservers/{server_id}/block_device/{volume_id}"
        ),
        Permission(Need.RESET, "POST /v2/{project_id}/volumes/{volume_id}/action"),
    ),
    login=("user", "password", "domain"),
)
