"""Our repair against the software that `os-detach` comes from: its 202, 400, 404, 409 and 500."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.execution import settle
from reconciler.model.attachment import AttachmentKey
from reconciler.model.outcome import Answer, Outcome, Receipt, Verdict
from reconciler.operations import repair
from reconciler.operations.applied import Ending
from reconciler.operations.sessions import Request
from reconciler.operations.wiring import Surroundings
from reconciler.providers.huawei_ecs.conversations import HuaweiEcs
from reconciler.providers.huawei_ecs.site import Site
from tests.counterparts.cinder.between import SERVER, Between
from tests.counterparts.cinder.running import PROJECT, TOKEN
from tests.rig.plot import UNLIMITED, Wanted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.counterparts.cinder.running import Cinder

pytestmark = pytest.mark.counterpart("cinder")

NEVER = "d8777f54-84cf-4809-a679-468ffed56cf1"
MANIFEST = Wanted(
    provider="huawei-ecs",
    servers={"web-1": ()},
    policy={**UNLIMITED, "allowStatusReset": True},
    more={"projectId": PROJECT},
)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "APART_S", 0.1)
    monkeypatch.setattr(settle, "SILENT_AFTER_S", 1.0)


def mend(folder: Path, between: Between, volume_id: str) -> tuple[repair.Repaired, Outcome]:
    """Run the whole of `repair` for one volume of `web-1`."""
    path = folder / "manifests.yaml"
    path.write_text(MANIFEST.text(), encoding="utf-8")
    around = Surroundings(environ={}, folder=folder / "kept", transport=between)
    consent = repair.Consent(ask=lambda _: True, tell=lambda _: None)
    request = Request(files=(str(path),))
    told = asyncio.run(repair.repair(f"web-1/{volume_id}", request, around, consent))
    assert told.outcome is not None, told.findings
    return told, told.outcome


def reset(cinder: Cinder, volume_id: str, attachment_id: str) -> Receipt:
    """Hold the one conversation, with nothing around it."""
    site = Site(scope="prod", ecs="http://nowhere", evs=cinder.address, project=PROJECT)
    key = AttachmentKey("prod", SERVER, volume_id)
    talk = HuaweiEcs(site).reset(key, attachment_id)
    request = next(talk)
    assert isinstance(request, httpx.Request)
    url = str(request.url).replace("/v2/", "/v3/", 1)
    headers = {"Content-Type": request.headers["Content-Type"], **TOKEN}
    answer = cinder.client.post(url, content=request.content, headers=headers)
    with pytest.raises(StopIteration) as end:
        talk.send(answer)
    receipt = end.value.value
    assert isinstance(receipt, Receipt)
    return receipt


def connected(cinder: Cinder, volume_id: str) -> None:
    """Attach a volume as Nova does, with a connection that only Nova may take away."""
    connector = {
        "initiator": "iqn.1994-05.com.example:1",
        "ip": "127.0.0.1",
        "platform": "x86_64",
        "host": "lab",
        "os_type": "linux",
        "multipath": False,
        "mountpoint": "/dev/vdb",
    }
    wanted = {"instance_uuid": SERVER, "volume_uuid": volume_id, "connector": connector}
    made = cinder.ask("POST", "attachments", {"attachment": wanted}, "3.44").raise_for_status()
    action = f"attachments/{made.json()['attachment']['id']}/action"
    cinder.ask("POST", action, {"os-complete": {}}, "3.44").raise_for_status()
    cinder.until(volume_id, "in-use")


def test_an_in_use_volume_becomes_available(cinder: Cinder, tmp_path: Path) -> None:
    volume_id = cinder.made(name="stale")
    cinder.attached(volume_id, SERVER)
    between = Between(cinder)
    told, outcome = mend(tmp_path, between, volume_id)
    assert [answer.status_code for answer in between.answers] == [202]
    assert (told.ending, outcome.verdict) == (Ending.CONFIRMED, Verdict.DONE)
    row = cinder.volume(volume_id)
    assert (row["status"], row["attachments"]) == ("available", [])


def test_only_the_named_attachment_of_a_shared_volume_goes(cinder: Cinder, tmp_path: Path) -> None:
    specs = {"name": f"multi-{uuid.uuid4()}", "extra_specs": {"multiattach": "<is> True"}}
    cinder.ask("POST", "types", {"volume_type": specs}).raise_for_status()
    volume_id = cinder.made(name="shared", volume_type=specs["name"])
    other = str(uuid.uuid4())
    cinder.attached(volume_id, SERVER)
    cinder.attached(volume_id, other)
    # Without an id it refuses, because it can't know which one is meant: we always name it.
    bare = cinder.ask("POST", f"volumes/{volume_id}/action", {"os-detach": {}})
    assert bare.status_code == 409
    told, _ = mend(tmp_path, Between(cinder), volume_id)
    assert told.ending is Ending.CONFIRMED
    row = cinder.volume(volume_id)
    assert (row["status"], [one["server_id"] for one in row["attachments"]]) == ("in-use", [other])


def test_a_409_of_somebody_who_was_faster_is_done(cinder: Cinder, tmp_path: Path) -> None:
    volume_id = cinder.made(name="faster")
    cinder.attached(volume_id, SERVER)
    between = Between(cinder, meanwhile=lambda: cinder.act(volume_id, "os-detach"))
    told, outcome = mend(tmp_path, between, volume_id)
    assert [answer.status_code for answer in between.answers] == [409]
    assert (told.ending, outcome.verdict) == (Ending.CONFIRMED, Verdict.DONE)


def test_a_409_about_another_attachment_is_refused(cinder: Cinder, tmp_path: Path) -> None:
    volume_id = cinder.made(name="again")
    cinder.attached(volume_id, SERVER)

    def again() -> None:
        cinder.act(volume_id, "os-detach")
        cinder.attached(volume_id, SERVER)

    between = Between(cinder, meanwhile=again)
    told, outcome = mend(tmp_path, between, volume_id)
    assert [answer.status_code for answer in between.answers] == [409]
    assert (told.ending, outcome.verdict) == (Ending.INCOMPLETE, Verdict.REFUSED)
    assert outcome.code == "conflictingRequest"
    assert outcome.request_id.startswith("req-")
    assert cinder.volume(volume_id)["status"] == "in-use"


def test_a_500_because_nova_cant_be_asked_is_no_success(cinder: Cinder, tmp_path: Path) -> None:
    volume_id = cinder.made(name="connected")
    connected(cinder, volume_id)
    between = Between(cinder)
    told, outcome = mend(tmp_path, between, volume_id)
    assert [answer.status_code for answer in between.answers] == [500]
    assert (told.ending, outcome.verdict) == (Ending.INCOMPLETE, Verdict.FAILED)
    assert outcome.code == "computeFault"
    assert cinder.volume(volume_id)["status"] == "in-use"


def test_a_202_on_an_available_volume_means_nothing(cinder: Cinder) -> None:
    volume_id = cinder.made(name="free")
    bare = cinder.ask("POST", f"volumes/{volume_id}/action", {"os-detach": {}})
    assert (bare.status_code, bare.content) == (202, b"")
    # Named, as we always do, it says that there is no such attachment.
    receipt = reset(cinder, volume_id, NEVER)
    assert (receipt.answer, receipt.look) == (Answer.REFUSED, True)
    assert cinder.volume(volume_id)["status"] == "available"


def test_each_of_its_refusals_is_looked_at_before_it_is_believed(cinder: Cinder) -> None:
    volume_id = cinder.made(name="refusals")
    attachment_id = cinder.attached(volume_id, SERVER)
    refusals = {
        "conflictingRequest": reset(cinder, volume_id, NEVER),
        "badRequest": reset(cinder, volume_id, "no-uuid"),
        "itemNotFound": reset(cinder, str(uuid.uuid4()), attachment_id),
    }
    for code, receipt in refusals.items():
        assert (receipt.answer, receipt.look, receipt.code) == (Answer.REFUSED, True, code)
    assert reset(cinder, volume_id, attachment_id) == Receipt(answer=Answer.ACCEPTED)
    assert cinder.until(volume_id, "available")["attachments"] == []
