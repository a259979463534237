"""The vendor's own SDK drives the simulator over a socket."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tests.sim.asking import PROJECT, WORLD, Asker, asker

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the SDK gives has no types.
Sdk: TypeAlias = Any

pytestmark = pytest.mark.counterpart


@dataclass(frozen=True)
class Vendor:
    """The SDK's modules and clients, and a client of ours that sees the world."""

    ecs_models: Any
    evs_models: Any
    exceptions: Any
    ecs: Any
    evs: Any
    stranger: Any
    ours: Asker


def client_of(name: str, title: str, url: str, key: tuple[str, str]) -> Sdk:
    module = importlib.import_module(f"huaweicloudsdk{name}.v2")
    auth = importlib.import_module("huaweicloudsdkcore.auth.credentials")
    credentials = auth.BasicCredentials(*key, PROJECT)
    client = getattr(module, f"{title}Client")
    return client.new_builder().with_credentials(credentials).with_endpoint(url).build()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    # Imported here: the SDK is absent in an ordinary checkout, where these are skipped.
    serving = importlib.import_module("reconciler.sim.serving").serving
    ours = asker(WORLD)
    key = ("AKIDEXAMPLE", "not-a-secret")
    with serving(ours.app) as url:
        yield Vendor(
            ecs_models=importlib.import_module("huaweicloudsdkecs.v2"),
            evs_models=importlib.import_module("huaweicloudsdkevs.v2"),
            exceptions=importlib.import_module("huaweicloudsdkcore.exceptions.exceptions"),
            ecs=client_of("ecs", "Ecs", url, key),
            evs=client_of("evs", "Evs", url, key),
            stranger=client_of("ecs", "Ecs", url, ("AKIDEXAMPLE", "wrong")),
            ours=ours,
        )


def ended(vendor: Vendor, job_id: str) -> Sdk:
    vendor.ours.advance(2)
    return vendor.ecs.show_job(vendor.ecs_models.ShowJobRequest(job_id=job_id))


def test_it_lists_and_shows(vendor: Vendor) -> None:
    says, ecs, evs = vendor.ecs_models, vendor.ecs, vendor.evs
    servers = ecs.list_servers_details(says.ListServersDetailsRequest(limit=3, offset=1))
    assert (servers.count, len(servers.servers)) == (7, 3)
    server = ecs.show_server(says.ShowServerRequest(server_id="s-1")).server
    disks = server.os_extended_volumesvolumes_attached
    assert [(disk.id, disk.boot_index) for disk in disks] == [("vol-boot-1", "0"), ("v-1", None)]
    request = says.ListServerBlockDevicesRequest(server_id="s-1")
    assert ecs.list_server_block_devices(request).attachable_quantity.free_blk == 22
    request = says.ShowServerBlockDeviceRequest(server_id="s-1", volume_id="v-1")
    assert ecs.show_server_block_device(request).volume_attachment.device == "/dev/vdb"
    request = vendor.evs_models.ListVolumesRequest(ids="['v-1','v-4','none']")
    volumes = evs.list_volumes(request).volumes
    assert [(row.id, row.attachments[0].server_id) for row in volumes] == [
        ("v-4", "not-ours"),
        ("v-1", "s-1"),
    ]
    volume = evs.show_volume(vendor.evs_models.ShowVolumeRequest(volume_id="v-3")).volume
    assert (volume.multiattach, volume.shareable, volume.status) == (True, "true", "available")


def test_it_attaches_and_detaches(vendor: Vendor) -> None:
    says, ecs = vendor.ecs_models, vendor.ecs
    option = says.AttachServerVolumeOption(volume_id="v-2", device="/dev/vdc")
    answers = []
    for rehearsal in (True, False):
        body = says.AttachServerVolumeRequestBody(volume_attachment=option, dry_run=rehearsal)
        request = says.AttachServerVolumeRequest(server_id="s-1", body=body)
        answers.append(ecs.attach_server_volume(request))
    assert answers[0].job_id is None
    job = ended(vendor, answers[1].job_id)
    assert (job.status, job.entities.server_id) == ("SUCCESS", "s-1")
    assert vendor.ours.views()["s-1", "v-2"] == "both"
    request = says.DetachServerVolumeRequest(server_id="s-1", volume_id="v-2", delete_flag="1")
    assert ended(vendor, ecs.detach_server_volume(request).job_id).status == "SUCCESS"
    assert ("s-1", "v-2") not in vendor.ours.views()


def test_it_changes_shared_volumes_in_batches(vendor: Vendor) -> None:
    says, ecs = vendor.ecs_models, vendor.ecs
    joins = [says.BatchAttachSharableVolumesOption(server_id=one) for one in ("s-1", "s-2")]
    body = says.BatchAttachSharableVolumesRequestBody(serverinfo=joins)
    request = says.BatchAttachSharableVolumesRequest(volume_id="v-3", body=body)
    job = ended(vendor, ecs.batch_attach_sharable_volumes(request).job_id)
    assert (job.status, job.entities.sub_jobs_total) == ("SUCCESS", 2)
    assert vendor.ours.views()["s-2", "v-3"] == "both"
    leaves = says.VolumeBatchDetachRequest(serverinfo=["s-1", "s-2"])
    request = says.BatchDetachVolumesRequest(volume_id="v-3", body=leaves)
    job = ended(vendor, ecs.batch_detach_volumes(request).job_id)
    assert [sub.entities.server_id for sub in job.entities.sub_jobs] == ["s-1", "s-2"]
    assert not {"v-3"} & {volume for _, volume in vendor.ours.views()}


def test_it_sets_delete_on_termination(vendor: Vendor) -> None:
    says = vendor.ecs_models
    option = says.UpdateServerBlockDeviceOption(delete_on_termination=True)
    request = says.UpdateServerBlockDeviceRequest(
        server_id="s-1",
        volume_id="v-1",
        body=says.UpdateServerBlockDeviceReq(block_device=option),
    )
    vendor.ecs.update_server_block_device(request)
    rows = vendor.ours.world()["attachments"]
    assert [row["deleteOnTermination"] for row in rows if row["volume"] == "v-1"] == [True]


def test_it_understands_errors(vendor: Vendor) -> None:
    says = vendor.ecs_models
    refused = vendor.exceptions.ClientRequestException
    with pytest.raises(refused) as caught:
        vendor.ecs.detach_server_volume(
            says.DetachServerVolumeRequest(server_id="s-2", volume_id="v-1")
        )
    assert (caught.value.status_code, caught.value.error_code) == (400, "Ecs.0111")
    assert caught.value.request_id
    with pytest.raises(refused) as caught:
        vendor.stranger.show_server(says.ShowServerRequest(server_id="s-1"))
    assert (caught.value.status_code, caught.value.error_code) == (401, "APIGW.0301")
    assert "verify aksk signature fail" in caught.value.error_msg
    with pytest.raises(refused) as caught:
        vendor.ecs.show_job(says.ShowJobRequest(job_id="none"))
    assert caught.value.error_code == "Common.0011"
