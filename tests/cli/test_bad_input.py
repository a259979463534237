"""Bad input: a diagnostic with a place and a next step, exit 1, nothing changed."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.running import Lab

REAL = """\
apiVersion: reconciler/v1
kind: Scope
metadata: {{name: lab}}
spec: {{provider: huawei-ecs, region: ap-southeast-3, projectId: p{more}}}
"""
ENTRY = "  servers: {web-1: {volumes: []}}"


def test_a_scope_that_is_declared_nowhere(lab: Lab) -> None:
    lab.declare(ENTRY.replace("servers", "servers"), scope="")
    ran = lab.plan()
    assert ran.code == 1
    assert "error[unknown-scope]: no document declares the scope `lab`" in ran.err
    assert "--> lab.yaml:6:10" in ran.err
    assert "= hint:" in ran.err


def test_a_scope_flag_that_names_none(lab: Lab) -> None:
    lab.declare(ENTRY)
    ran = lab.plan("--scope", "labb")
    assert ran.code == 1
    assert "= hint: choose one of the declared scopes: `lab`" in ran.err


def test_an_unknown_key_names_the_nearest_known_one(lab: Lab) -> None:
    lab.declare("  servers: {web-1: {volums: []}}")
    ran = lab.apply()
    assert ran.code == 1
    assert "error[unknown-key]" in ran.err
    assert "--> lab.yaml:11:21" in ran.err
    assert "= hint: write `volumes`" in ran.err


def test_a_name_that_two_bear_lists_both_ids(lab: Lab) -> None:
    world = lab.folder / "lab.world.yaml"
    text = world.read_text(encoding="utf-8")
    world.write_text(text.replace("name: web-2", "name: web-1"), encoding="utf-8")
    text = world.read_text(encoding="utf-8").replace("server: web-2", "server: s-2")
    world.write_text(text.replace("server: web-1", "server: s-1"), encoding="utf-8")
    lab.declare(ENTRY)
    ran = lab.apply()
    assert ran.code == 3
    assert "error[ambiguous-name]: 2 servers bear the name `web-1`: `s-1`, `s-2`" in ran.out
    assert "--> lab.yaml:11:13" in ran.out
    assert "= hint: write the id instead of the name" in ran.out
    assert lab.changing() == 0


def test_missing_credentials_name_the_variables(lab: Lab) -> None:
    lab.declare(ENTRY, scope=REAL.format(more=""))
    ran = lab.apply()
    assert ran.code == 1
    assert "error[missing-credentials]" in ran.err
    assert "`HW_ACCESS_KEY`, `HW_SECRET_KEY`" in ran.err
    assert "--> lab.yaml:3" in ran.err


@pytest.mark.parametrize(
    "address",
    [
        "https://ecs.example",
        "https://myhuaweicloud.com.evil.example",
        "https://evilmyhuaweicloud.com",
    ],
)
def test_secrets_do_not_go_to_strangers(
    lab: Lab, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HW_ACCESS_KEY", "an-access-key")
    monkeypatch.setenv("HW_SECRET_KEY", "a-secret-key-of-some-length")
    lab.declare(ENTRY, scope=REAL.format(more=f', endpoint: "{address}"'))
    ran = lab.apply()
    assert ran.code == 1
    assert f"credentials may not be sent to `{address}`" in ran.err
    assert "RECONCILER_ENDPOINTS" in ran.err


def test_an_address_where_nobody_listens_is_told_with_its_place(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HW_ACCESS_KEY", "an-access-key")
    monkeypatch.setenv("HW_SECRET_KEY", "a-secret-key-of-some-length")
    monkeypatch.setattr("reconciler.execution.retry.Backoff.delay_s", lambda *_: None)
    lab.declare(ENTRY, scope=REAL.format(more=', endpoint: "http://127.0.0.1:9"'))
    ran = lab.plan()
    assert ran.code == 1
    assert "error[scope-unreadable]" in ran.err
    assert "--> lab.yaml:3" in ran.err
    assert "the request to `127.0.0.1:9` was not sent" in ran.err
    assert "name the right host" in ran.err
    assert "a-secret-key" not in ran.err


def test_a_body_that_is_no_json_is_told_and_nothing_is_sent(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.execution.retry.Backoff.delay_s", lambda *_: None)
    with (lab.folder / "lab.world.yaml").open("a", encoding="utf-8") as world:
        world.write(
            "faults:\n  seed: 1\n  rules:\n"
            '    - {match: "GET *cloudvolumes*", always: true, answer: html}\n'
        )
    lab.declare(ENTRY)
    ran = lab.apply()
    assert ran.code == 4
    assert "not the documented JSON" in ran.err
    assert "= hint: another machine may have answered, such as a proxy or a sign-in page" in ran.err
    assert lab.changing() == 0


def test_a_wrong_key_is_one_clear_error(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HW_ACCESS_KEY", "simulator")
    monkeypatch.setenv("HW_SECRET_KEY", "a-wrong-secret-key")
    keys = "credentials: {accessKey: {env: HW_ACCESS_KEY}, secretKey: {env: HW_SECRET_KEY}}"
    scope = (
        "apiVersion: reconciler/v1\nkind: Scope\nmetadata: {name: lab}\n"
        "spec: {provider: huawei-ecs, region: r, endpoint: simulator, world: lab.world.yaml, "
        f"{keys}}}\n"
    )
    lab.declare(ENTRY, scope=scope)
    ran = lab.plan()
    assert ran.code == 1
    assert "verify aksk signature fail" in ran.err
    assert "a-wrong-secret-key" not in ran.err
    assert len(lab.requests()) == 1


def test_a_world_that_can_not_be_read(lab: Lab) -> None:
    (lab.folder / "lab.world.yaml").write_text("provider: huawei-ecs\nservrs: []\n")
    lab.declare(ENTRY)
    ran = lab.plan()
    assert ran.code == 1
    assert "error[world]" in ran.err
    assert "lab.world.yaml:2" in ran.err


def test_one_process_at_a_time_has_a_simulated_scope(lab: Lab) -> None:
    import fcntl  # noqa: PLC0415 - only this test plays the other process

    lab.declare(ENTRY)
    lab.plan()
    lock = lab.folder / ".reconciler" / "simulator" / "lab.lock"
    with lock.open("w", encoding="utf-8") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        ran = lab.plan()
    assert ran.code == 1
    assert "error[simulator-busy]" in ran.err


def test_a_data_folder_that_can_not_be_made(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab.folder / "plain").write_text("", encoding="utf-8")
    monkeypatch.setenv("RECONCILER_DATA_DIR", "plain")
    lab.declare(ENTRY)
    for verb in ("plan", "live", "apply"):
        ran = lab.run(verb, "-f", "lab.yaml")
        assert ran.code == 1
        assert "error[" in ran.err
        assert "RECONCILER_DATA_DIR" in ran.err


def test_manifests_without_a_scope_have_nothing_to_look_at(lab: Lab) -> None:
    (lab.folder / "lab.yaml").write_text("# nothing yet\n", encoding="utf-8")
    for verb in ("plan", "live", "apply"):
        ran = lab.run(verb, "-f", "lab.yaml")
        assert ran.code == 1
        assert "error[no-scopes]" in ran.err
        assert ran.err.count("[empty-file]") == 1


def test_a_port_that_is_taken(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ran = lab.run("simulator", "--world", "lab.world.yaml", "--listen", f"127.0.0.1:{port}")
    assert ran.code == 1
    assert "error[listen]" in ran.err
    assert "Simulating" not in ran.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("plam",), "did you mean `plan`?"),
        (("plan", "--taget", "x"), "--target"),
        (("apply", "--json", "-f", "lab.yaml"), "say --auto-approve or give a PLANFILE"),
        (("simulator", "--world", "nope.yaml"), "nope.yaml"),
        (("simulator", "--world", "lab.world.yaml", "--listen", "x"), "HOST:PORT"),
    ],
)
def test_a_usage_error_is_1_with_the_nearest_spelling(
    lab: Lab, arguments: tuple[str, ...], says: str
) -> None:
    lab.declare(ENTRY)
    ran = lab.run(*arguments)
    assert ran.code == 1
    assert says in ran.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (", environment: e", "`environment` means nothing to `huawei-ecs`"),
        (", serviceVersion: '1.3'", "`serviceVersion` means nothing to `huawei-ecs`"),
        (", endpoint: {ims: 'https://a.example'}", "the API `ims` means nothing to `huawei-ecs`"),
    ],
)
def test_a_key_of_another_provider_is_refused(lab: Lab, more: str, said: str) -> None:
    (lab.folder / "real.yaml").write_text(REAL.format(more=more), encoding="utf-8")
    ran = lab.run("plan", "-f", "real.yaml")
    assert ran.code == 1
    assert f"error[key-not-for-provider]: {said}" in ran.err
    assert "--> real.yaml:4:" in ran.err
    assert "= hint: take it out; this provider knows" in ran.err
