"""World files: what they say, what is refused, and that a dump goes on where it stopped."""

from __future__ import annotations

import pytest

from reconciler.sim.app import build
from reconciler.sim.clock import VirtualClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.world import WorldError, dump_world, read_worlds
from tests.sim.asking import WORLD, Asker, asker, clouds_of

HEAD = "provider: huawei-ecs\nprojectId: p\n"


def test_everything_is_text_until_the_schema_wants_more() -> None:
    text = HEAD + "volumes:\n  - {id: 12345678e123, name: NO, sizeGib: 5}\n  - {id: 0x1F}\n"
    volumes = read_worlds(text, "w")[0].volumes
    assert [(row.id, row.name) for row in volumes] == [("12345678e123", "NO"), ("0x1F", "0x1F")]
    assert volumes[0].size_gib == 5


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "w:1: no world"),
        ("a: ]", "w:1: not YAML"),
        ("provider: another\n", "w:1: `another` is not known; write one of `huawei-ecs`"),
        ("provider: huawei-ecs\n", "w:1: a world has no `projectId`"),
        (HEAD + "serverz: []\n", "w:3: a world has no key `serverz`; the nearest known one"),
        (HEAD + "servers:\n  - {id: a}\n  - {id: a}\n", "w:5: the id `a` is given twice"),
        (HEAD + "servers:\n  - {id: a, locked: yes}\n", "w:4: `locked` is `yes`"),
        (HEAD + "servers:\n  - {id: a/b}\n", "w:4: `id` can't be an id: write letters"),
        (HEAD + "servers:\n  - {id: a, bootVolume: 启动-1}\n", "w:4: `bootVolume` can't be"),
        (HEAD + "volumes:\n  - {id: 'a b'}\n", "w:4: `id` can't be an id: write letters"),
        (HEAD + "jobSeconds: fast\n", "w:3: `jobSeconds` is `fast`; write a number"),
        (HEAD + "volumes: 5\n", "w:3: `volumes` is a list"),
        (HEAD + "volumes: [5]\n", "w:3: a volume is a mapping"),
        (HEAD + "volumes: [{id: a, id: b}]\n", "w:3: `id` is written twice"),
        (HEAD + "attachments: [{server: a, volume: b}]\n", "w:3: no server has the id or name"),
        (HEAD + "---\n" + HEAD, "two worlds have the projectId `p`"),
        (
            HEAD + "servers: [{id: a, name: n}, {id: b, name: n}]\n"
            "volumes: [{id: v}]\nattachments: [{server: n, volume: v}]\n",
            "w:5: the name `n` means `a`, `b`; write the id",
        ),
    ],
)
def test_a_bad_world_is_refused_with_its_line(text: str, error: str) -> None:
    with pytest.raises(WorldError) as caught:
        read_worlds(text, "w")
    assert error in str(caught.value)


def test_several_documents_are_several_worlds() -> None:
    cloud = asker(WORLD + "---\nprovider: huawei-ecs\nprojectId: other\n")
    assert cloud.good("GET", "/_sim/world?projectId=other")["projectId"] == "other"
    assert cloud.good("GET", "/v1/other/cloudservers/detail")["count"] == 0
    assert cloud.ask("GET", "/_sim/world?projectId=third")[0] == 400


def test_a_boot_volume_need_not_be_listed() -> None:
    world = asker().world()
    boot = next(row for row in world["volumes"] if row["id"] == "vol-boot-1")
    assert (boot["bootable"], boot["status"], boot["az"]) == (True, "in-use", "az1")


def test_a_dump_reads_back_to_the_same_cloud_with_its_changes_in_flight() -> None:
    faults = "faults: {seed: 7, rules: [{match: 'GET *', nth: 5, answer: 500}]}\n"
    clouds, clock = clouds_of(WORLD + faults)
    first = Asker(build(clouds), (clock,))
    body = {"serverinfo": [{"server_id": "s-1"}, {"server_id": "s-2", "device": "/dev/vdx"}]}
    batch = first.good("POST", "/v1/{p}/batchaction/attachvolumes/v-3", body)["job_id"]
    clock.advance(1.0)
    attach = {"volumeAttachment": {"volumeId": "v-2"}}
    single = first.good("POST", "/v1/{p}/cloudservers/s-3/attachvolume", attach)["job_id"]
    first.job(batch)
    text = dump_world(clouds[0])
    later = VirtualClock(500.0)
    again = Cloud(read_worlds(text, "dump")[0], later)
    second = Asker(build([again]), (later,))
    assert second.world() == first.world()
    assert dump_world(again) == text
    for path in ("/v1/{p}/cloudservers/s-1/block_device", "/v2/{p}/cloudvolumes/detail"):
        assert second.ask("GET", path) == first.ask("GET", path)
    # One GET was counted before the dump and goes on counting: the fifth fails, in both.
    for cloud in (first, second):
        assert cloud.job(batch)["status"] == "RUNNING"
        assert cloud.ask("GET", "/v1/{p}/cloudservers/s-1")[0] == 500
        cloud.advance(1.0)
        assert cloud.job(batch)["status"] == "SUCCESS"
        assert cloud.job(single)["status"] == "RUNNING"
        cloud.advance(1.0)
        assert cloud.job(single)["status"] == "SUCCESS"
    assert second.world() == first.world()
    assert dump_world(again) == dump_world(clouds[0])


def test_a_dump_survives_hostile_names() -> None:
    name = "\u2028 \x85 # : - 'a' \"b\" \u00e9\U0001f600\ufeff"
    escaped = "".join(f"\\U{ord(letter):08x}" for letter in name)
    clouds, _ = clouds_of(HEAD + f'volumes: [{{id: a, name: "{escaped}", status: "null"}}]\n')
    again = read_worlds(dump_world(clouds[0]), "dump")[0]
    assert (again.volumes[0].name, again.volumes[0].status) == (name, "null")


def test_lognormal_job_times_are_seeded() -> None:
    def ends() -> list[str]:
        cloud = asker(WORLD.replace("jobSeconds: 2.0", "jobSeconds: {median: 8, sigma: 0.5}"))
        attach = {"volumeAttachment": {"volumeId": "v-2"}}
        job_id = cloud.good("POST", "/v1/{p}/cloudservers/s-1/attachvolume", attach)["job_id"]
        other = "/v1/{p}/cloudservers/s-2/attachvolume"
        attach = {"volumeAttachment": {"volumeId": "v-3"}}
        other_id = cloud.good("POST", other, attach)["job_id"]
        cloud.advance(1000)
        return [str(cloud.job(one)["end_time"]) for one in (job_id, other_id)]

    assert ends() == ends()
    assert len(set(ends())) == 2
