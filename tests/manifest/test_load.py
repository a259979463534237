"""The whole way: from files to `Declared`, and what is said about everything at once."""

from __future__ import annotations

import gc
import textwrap
from typing import TYPE_CHECKING

import pytest

from reconciler.manifest import load
from reconciler.model.declared import Limits, Side, Unmanaged
from reconciler.model.finding import Severity
from tests.manifest.writing import HEAD, SCOPE, declared, load_text, rows, spec

if TYPE_CHECKING:
    from pathlib import Path


SUPPORTED = """\
apiVersion: reconciler/v1
kind: Scope                       # one account x region x service
metadata: {name: shop-ecs, labels: {team: shop}, annotations: {note: ""}}
spec:
  provider: huawei-ecs
  region: ap-southeast-3
  projectId: 0a1b2c3d4e5f60718293a4b5c6d7e8f9
  cloud: myhuaweicloud.eu
  endpoint: simulator
  world: quickstart.world.yaml
  unmanaged: report
  credentials:
    accessKey: {env: HW_ACCESS_KEY}
    secretKey: {file: /run/secrets/hw}
    securityToken: {env: HW_SECURITY_TOKEN}
  limits: {requestsPerSecond: 10, maxConcurrency: 32, stepTimeout: 10m}
---
apiVersion: reconciler/v1
kind: Attachments
metadata: {name: shop}
spec:
  scope: shop-ecs
  servers:
    web-1: {volumes: [web-1-data, {volume: cache-1, device: /dev/vdc, deleteOnTermination: false}]}
    web-2: {volumes: []}
    node-7: {volumes: [db-log], absent: [old-log], others: keep}
  volumes:
    shared-db: {servers: [db-1, db-2], protect: false}
    scratch: {servers: {tags: {role: batch}, names: "batch-*"}}
---
apiVersion: reconciler/v1
kind: Policy
metadata: {name: default}
spec:
  maxDetach: 10
  maxDetachShare: 0.3
  maxDetachPerServer: 5
  allowDestroy: false
  allowStatusReset: false
  forceDetach: ask
  guestRelease: {hook: release-disk, timeout: 90s, whenRunning: require}
  afterAttach: {hook: mount-disk}
"""
MORE = """\
---
apiVersion: reconciler/v1
kind: Scope
metadata: {name: other}
spec:
  provider: samsung-virtualserver
  region: kr-west1
  environment: e
  accountId: abc
  serviceVersion: "1.3"
---
apiVersion: reconciler/v1
kind: Attachments
metadata: {name: other}
spec:
  scope: other
  servers:
    web-1: {volumes: []}
---
apiVersion: reconciler/v1
kind: Policy
metadata: {name: tight}
spec:
  scopes: [other]
  allowDestroy: true
  allowStatusReset: true
  windows:
    - {allow: "0 22 * * 1-5", duration: 6h, timezone: Asia/Seoul}
    - {deny: "0 0 24 12 *", duration: 14d, timezone: Asia/Seoul}
  accept:
    - {scope: other, server: db-9, volume: tmp-restore, until: 2026-12-01, reason: "INC-1234"}
---
apiVersion: reconciler/v1
kind: Schedule
metadata: {name: nightly}
spec:
  scopes: [shop-ecs]
  every: 5m
  correct: true
  heal: applied
  maxDetachPerDay: 20
  source: {git: "https://git.example/ops.git", branch: main, path: manifests, signed: false}
  notify: [{webhook: {urlFrom: {env: RECONCILER_CRED_HOOK_URL}, format: slack}}]
  retention: 90d
"""


def test_everything_that_is_supported_is_declared(tmp_path: Path) -> None:
    told = declared(tmp_path, SUPPORTED)
    scope = told.scopes["shop-ecs"]
    assert (scope.provider, scope.region, scope.cloud) == (
        "huawei-ecs",
        "ap-southeast-3",
        "myhuaweicloud.eu",
    )
    assert scope.project_id == "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    assert (scope.simulated, scope.endpoints) == (True, {})
    assert scope.world == str(tmp_path / "quickstart.world.yaml")
    assert scope.unmanaged is Unmanaged.REPORT
    assert scope.limits == Limits(requests_per_s=10.0, max_concurrency=32, step_timeout_s=600.0)
    assert {key: (ref.env, ref.file) for key, ref in scope.credentials.items()} == {
        "accessKey": ("HW_ACCESS_KEY", None),
        "secretKey": (None, "/run/secrets/hw"),
        "securityToken": ("HW_SECURITY_TOKEN", None),
    }
    assert told.policies["shop-ecs"].max_detach == 10
    assert [(entry.side, entry.owner.text) for entry in told.entries["shop-ecs"]] == [
        (Side.SERVER, "web-1"),
        (Side.SERVER, "web-2"),
        (Side.SERVER, "node-7"),
        (Side.VOLUME, "shared-db"),
        (Side.VOLUME, "scratch"),
    ]


def test_the_other_clouds_and_a_schedule_are_declared_too(tmp_path: Path) -> None:
    told = declared(tmp_path, SUPPORTED + MORE)
    assert told.policies["other"].allow_destroy
    (schedule,) = told.schedules
    assert schedule.source is not None
    assert schedule.source.path == "manifests"
    assert [one.env for one in schedule.notify] == ["RECONCILER_CRED_HOOK_URL"]


STAYING = (
    "NO",
    "00123",
    "12:30:45",
    "0x1F",
    "1_000",
    "12345678e123",
    "2026-01-01",
    "true",
    ".inf",
    "NULL",
    "1.0",
    "+1",
    "0o17",
    "=",
    "ünïcode-名",
)


@pytest.mark.parametrize("text", STAYING)
def test_text_stays_text(tmp_path: Path, text: str) -> None:
    body = f"servers:\n  {text}: {{volumes: [{text}, {{volume: x{text}}}], absent: [y{text}]}}"
    (entry,) = declared(tmp_path, rows(body)).entries["shop"]
    assert entry.owner.text == text
    assert [line.ref.text for line in entry.listed or ()] == [text, f"x{text}"]
    assert [ref.text for ref in entry.absent] == [f"y{text}"]


def test_quotes_make_text_of_what_would_be_no_value(tmp_path: Path) -> None:
    (entry,) = declared(tmp_path, rows("servers:\n  'null': {volumes: ['~', \"null\"]}")).entries[
        "shop"
    ]
    assert entry.owner.text == "null"
    assert [line.ref.text for line in entry.listed or ()] == ["~", "null"]


def test_every_text_knows_its_place(tmp_path: Path) -> None:
    text = rows(
        "servers:\n  web-1:\n    volumes:\n      - data\n      - {volume: logs}\n    absent: [old]"
    )
    (entry,) = declared(tmp_path, text).entries["shop"]
    refs = [entry.owner, *(line.ref for line in entry.listed or ()), *entry.absent]
    lines = text.splitlines()
    for ref in refs:
        line = lines[ref.place.line - 1]
        assert ref.place.text == line
        assert line[ref.place.column - 1 :].startswith(ref.text)


def test_many_documents_in_many_files_are_one_set(tmp_path: Path) -> None:
    for number in range(20):
        name = f"s{number:02}"
        scope = SCOPE.replace("shop", name).replace("southeast-3", name)
        entry = spec("Attachments", "scope: " + name + "\nservers: {web-1: {volumes: [data]}}")
        (tmp_path / f"{name}.yaml").write_text(
            f"---\n{scope}\n---\n# words\n---\n{entry.replace('rows', name)}...\n",
            encoding="utf-8",
        )
    loaded = load([tmp_path])
    assert loaded.findings == ()
    assert loaded.declared is not None
    assert list(loaded.declared.scopes) == [f"s{number:02}" for number in range(20)]
    assert all(len(entries) == 1 for entries in loaded.declared.entries.values())


def test_every_scope_has_a_row_of_entries_and_a_policy(tmp_path: Path) -> None:
    told = declared(tmp_path, SCOPE)
    assert told.entries == {"shop": ()}
    assert list(told.policies) == ["shop"]
    assert declared(tmp_path, rows("")).entries == {"shop": ()}


def test_fifty_thousand_attachments_are_read(tmp_path: Path) -> None:
    servers = "".join(
        f"    web-{server}:\n      volumes:\n"
        + "".join(f"        - web-{server}-data-{volume}\n" for volume in range(10))
        for server in range(5000)
    )
    text = SCOPE + "---\n" + HEAD["Attachments"] + "  scope: shop\n  servers:\n" + servers
    entries = declared(tmp_path, text).entries["shop"]
    assert sum(len(entry.listed or ()) for entry in entries) == 50_000
    last = (entries[-1].listed or ())[-1].ref
    assert last.text == "web-4999-data-9"
    assert last.place.text == "        - web-4999-data-9"
    assert text.splitlines()[last.place.line - 1] == last.place.text


def test_all_findings_of_all_files_come_at_once_by_place(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(
        rows("servers:\n  a: {volumes: x}\n  b: {volume: []}"), encoding="utf-8"
    )
    (tmp_path / "a.yaml").write_text(textwrap.dedent("a: &b c\n"), encoding="utf-8")
    (tmp_path / "c.yaml").write_text("[", encoding="utf-8")
    loaded = load([tmp_path / "c.yaml", tmp_path])
    places = [finding.place for finding in loaded.findings]
    assert places == sorted(place for place in places if place)
    assert {place.file.rpartition("/")[2] for place in places if place} == {
        "a.yaml",
        "b.yaml",
        "c.yaml",
    }
    assert loaded == load([tmp_path / "c.yaml", tmp_path])


def test_a_warning_alone_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("", encoding="utf-8")
    (tmp_path / "b.yaml").write_text(SCOPE, encoding="utf-8")
    loaded = load([tmp_path])
    assert [finding.severity for finding in loaded.findings] == [Severity.WARNING]
    assert loaded.declared is not None


def test_after_a_thousand_findings_it_is_only_said_that_there_are_more(tmp_path: Path) -> None:
    body = "servers:\n" + "".join(f"  s{number}: {{volumes: x}}\n" for number in range(1500))
    loaded = load_text(tmp_path, rows(body))
    assert len(loaded.findings) == 1001
    (more,) = (finding for finding in loaded.findings if finding.code == "too-many-findings")
    assert more.summary == "there are more than 1,000 findings"
    assert more.hint == "correct those above and look again"


@pytest.mark.parametrize("text", [SCOPE, "["])
def test_the_garbage_collector_is_left_as_it_was(tmp_path: Path, text: str) -> None:
    assert gc.isenabled()
    load_text(tmp_path, text)
    assert gc.isenabled()
    gc.disable()
    try:
        load_text(tmp_path, text)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_young_before_a_load_is_young_after_it(tmp_path: Path) -> None:
    """What counts as old is hardly ever collected: circles would pile up in a service."""

    class Young:
        pass

    load_text(tmp_path, SCOPE)
    gc.collect()
    young = Young()
    load_text(tmp_path, SCOPE)
    assert not any(one is young for one in gc.get_objects(generation=2))
