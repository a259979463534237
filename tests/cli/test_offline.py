"""`drift --snapshot` and `plan --offline`: what a plan without credentials knows, and refuses."""

from __future__ import annotations

import base64
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519

from reconciler.operations.asked import Surroundings
from reconciler.operations.snapshot import told_age
from tests.cli.running import SCOPE, WORLD
from tests.rig.pem import pem

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.running import Lab, Ran

SECRET_TEXT = "kept-to-ourselves"
HIDDEN = WORLD.replace(
    "servers:\n",
    "servers:\n"
    f"  - {{id: {SECRET_TEXT}-s9, name: {SECRET_TEXT}-db, az: a, bootVolume: {SECRET_TEXT}-b9}}\n"
    f"  - {{id: s-4, name: {SECRET_TEXT}-four, az: a, bootVolume: boot-4,"
    f" tags: {{role: batch, who: {SECRET_TEXT}}}}}\n",
).replace(
    "volumes:\n",
    "volumes:\n"
    f"  - {{id: {SECRET_TEXT}-v9, name: {SECRET_TEXT}-log, sizeGib: 10, az: a}}\n"
    f"  - {{id: v-5, name: {SECRET_TEXT}-five, sizeGib: 10, az: a}}\n"
    "  - {id: v-6, name: six, sizeGib: 10, az: a, multiattach: true}\n",
    1,
)
HIDDEN += (
    f"  - {{server: {SECRET_TEXT}-s9, volume: {SECRET_TEXT}-v9}}\n"
    "  - {server: s-1, volume: v-5}\n"
    "  - {server: s-4, volume: shared}\n"
)
OTHERS = "    web-2: {volumes: [two, shared]}"
ENTRIES = f"  servers:\n    web-1: {{volumes: [one, shared], others: keep}}\n{OTHERS}"


KEY, PUBLIC = pem(ed25519.Ed25519PrivateKey.generate())


TAKEN: dict[str, tuple[bytes, Ran]] = {}
"""By entries, the snapshot of the hidden world and what taking it said: it is taken once."""


class Fork:
    """A lab whose manifests are in one folder, and a snapshot of it in another one."""

    def __init__(
        self, lab: Lab, monkeypatch: pytest.MonkeyPatch, beside: Path, entries: str = ENTRIES
    ) -> None:
        self.lab = lab
        self.environ = monkeypatch
        self.entries = entries
        self.file = beside / "live.snapshot"
        if entries not in TAKEN:
            (lab.folder / "lab.world.yaml").write_text(HIDDEN, encoding="utf-8")
            monkeypatch.setenv("RECONCILER_SNAPSHOT_KEY", KEY)
            lab.declare(entries)
            ran = lab.run("drift", "-f", "lab.yaml", "--snapshot", str(self.file))
            assert stat.S_IMODE(self.file.stat().st_mode) == 0o600
            TAKEN[entries] = self.file.read_bytes(), ran
            monkeypatch.delenv("RECONCILER_SNAPSHOT_KEY")
        content, self.taken = TAKEN[entries]
        self.file.write_bytes(content)
        monkeypatch.setenv("RECONCILER_SNAPSHOT_PUBLIC_KEY", PUBLIC)
        # Whoever plans offline has neither a cloud nor a journal.
        monkeypatch.setenv("RECONCILER_DATA_DIR", str(beside / "nowhere"))
        (lab.folder / "lab.world.yaml").unlink()
        self.passes(timedelta())

    @property
    def made(self) -> datetime:
        """When the snapshot was made."""
        return datetime.fromtimestamp(self.body["made_s"], tz=UTC)

    @property
    def body(self) -> dict[str, Any]:
        """What the snapshot says."""
        told: dict[str, Any] = json.loads(TAKEN[self.entries][0].splitlines()[1])
        return told

    def passes(self, age: timedelta) -> None:
        """Let so much time pass since the snapshot."""
        defaults = Surroundings.__init__.__kwdefaults__
        assert defaults is not None
        self.environ.setitem(defaults, "utc_now", lambda: self.made + age)

    def plan(self, entries: str = ENTRIES, *arguments: str, scope: str = SCOPE) -> Ran:
        """Plan a fork's entries."""
        self.lab.declare(entries, scope=scope)
        return self.lab.plan("--offline", str(self.file), "--detailed-exitcode", *arguments)


@pytest.fixture
def fork(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Fork:
    """Give a lab, looked at once."""
    return Fork(lab, monkeypatch, tmp_path_factory.mktemp("artifacts"))


def test_a_snapshot_holds_what_is_named_and_counts_of_the_rest(fork: Fork) -> None:
    assert fork.taken.code == 0, fork.taken.err
    assert "Snapshot of 1 scope saved to " in fork.taken.err
    text = fork.file.read_text(encoding="utf-8")
    assert SECRET_TEXT not in text
    row = fork.body["scopes"]["lab"]
    assert {one["id"]: one["name"] for one in row["servers"]} == {
        "s-1": "web-1",
        "s-2": "web-2",
        "s-4": "",
    }
    assert {one["id"] for one in row["volumes"] if one["end"]} == {"v-5", "boot-1", "boot-2"}
    assert row["rest"] == {"servers": 3, "volumes": 9, "attachments": 4}
    assert "0a1b2c3d" not in text, "nor whose project it is"


def test_a_fork_is_planned_without_a_cloud_and_the_age_is_said(fork: Fork) -> None:
    fork.passes(timedelta(hours=8, minutes=12))
    ran = fork.plan()
    assert ran.code == 0, ran.err
    assert ran.out.count("No changes. Your attachments match the manifests.") == 1
    made = fork.made.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert f"planned from a snapshot of {made}, 8 h 12 min old" in ran.out
    assert "an apply looks again" in ran.out
    ran = fork.plan("  servers:\n    web-1: {volumes: [two]}\n    web-2: {volumes: [shared]}")
    assert ran.code == 2, ran.out + ran.err
    assert "-/+ move   web-2 -> web-1/two" in ran.out
    # What hangs on a row that is owned now is seen, by its id alone.
    assert "- detach web-1/v-5 " in ran.out
    told = json.loads(fork.plan(ENTRIES, "--json").out)["reconciler"]
    assert any("8 h 12 min old" in note for note in told["scopes"][0]["notices"])
    assert not (fork.file.parent / "nowhere").exists()


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        pytest.param("    web-2: {volumes: [two, shared, six]}", "`six` is none of", id="a name"),
        pytest.param("    web-2: {volumes: [two, shared, v-6]}", "`v-6` is none of", id="an id"),
        pytest.param(
            f"{OTHERS}\n    web-3: {{volumes: []}}", "`web-3` is none of the 2 servers", id="a row"
        ),
        pytest.param(
            f"{OTHERS}\n    s-4: {{volumes: [shared]}}",
            "`s-4` is none of",
            id="a row whose one end is known: it may have more",
        ),
        pytest.param(
            f"{OTHERS}\n    web-1: {{absent: [v-5], others: keep}}",
            "`v-5` is none of",
            id="what shall be gone isn't gone because nobody names it",
        ),
        pytest.param(
            f"{OTHERS}\n  volumes:\n    shared: {{servers: {{names: 'web-*'}}}}",
            "the selector of `shared` is none",
            id="a selector that may match others",
        ),
    ],
)
def test_what_a_snapshot_does_not_tell_is_refused_and_never_guessed(
    fork: Fork, entries: str, why: str
) -> None:
    ran = fork.plan(f"  servers:\n{entries}")
    assert ran.code == 3, ran.out + ran.err
    assert "error[not-in-snapshot]: the snapshot doesn't tell: " in ran.out
    assert why in ran.out


def test_a_scope_that_moved_or_detaches_what_is_only_counted_is_refused(fork: Fork) -> None:
    ran = fork.plan(scope=SCOPE.replace("huawei-ecs", "huawei-modelarts"))
    assert (ran.code, "scope `lab` is another cloud in the snapshot" in ran.err) == (1, True)
    ran = fork.plan(scope=SCOPE.replace("lab.world.yaml", "lab.world.yaml, unmanaged: detach"))
    assert ran.code == 3
    assert "unmanaged-not-in-snapshot: the snapshot only counts 4 attachments" in ran.out


def test_a_selector_that_was_looked_at_is_planned_and_one_tag_of_it_is_kept(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chosen = "  volumes:\n    six: {servers: {tags: {role: batch}}}"
    fork = Fork(lab, monkeypatch, tmp_path_factory.mktemp("artifacts"), chosen)
    assert f'"who":"{SECRET_TEXT}"' not in fork.file.read_text(encoding="utf-8")
    ran = fork.plan(chosen)
    assert ran.code == 2, ran.out + ran.err
    assert f"+ attach {SECRET_TEXT}-four/six" in ran.out, "whom a selector names is named"


def other_key(fork: Fork) -> None:
    fork.environ.setenv(
        "RECONCILER_SNAPSHOT_PUBLIC_KEY", pem(ed25519.Ed25519PrivateKey.generate())[1]
    )


def other_kind(fork: Fork) -> None:
    fork.environ.setenv(
        "RECONCILER_SNAPSHOT_PUBLIC_KEY", pem(x25519.X25519PrivateKey.generate())[1]
    )


def changed(fork: Fork) -> None:
    content = fork.file.read_bytes()
    fork.file.write_bytes(content.replace(b'"name":"two"', b'"name":"tow"'))


def cut_short(fork: Fork) -> None:
    fork.file.write_bytes(fork.file.read_bytes()[:-40])


def with_signature(text: str) -> Callable[[Fork], None]:
    def write(fork: Fork) -> None:
        body = fork.file.read_bytes().partition(b"\n")[2]
        head = json.dumps({"attachment_reconciler_snapshot": 1, "signature": text})
        fork.file.write_bytes(head.encode() + b"\n" + body)

    return write


def brought(fork: Fork) -> None:
    inside = fork.lab.folder / "live.snapshot"
    inside.write_bytes(fork.file.read_bytes())
    fork.file = inside


def misspelt(fork: Fork) -> None:
    fork.file = fork.lab.folder / "life.snapshot"


def linked(fork: Fork) -> None:
    brought(fork)
    link = fork.lab.folder.parent / f"{fork.lab.folder.name}.link"
    link.symlink_to(fork.file)
    fork.file = link


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(other_key, "snapshot-signature", id="another key"),
        pytest.param(changed, "snapshot-signature", id="a changed word"),
        pytest.param(cut_short, "snapshot-signature", id="cut short"),
        pytest.param(with_signature(""), "snapshot-signature", id="no signature"),
        pytest.param(with_signature("!"), "snapshot-file", id="no base64"),
        pytest.param(
            with_signature(base64.b64encode(bytes(64)).decode()), "snapshot-signature", id="zeros"
        ),
        pytest.param(lambda f: f.file.write_text("{}"), "snapshot-file", id="another file"),
        pytest.param(lambda f: f.file.write_text("[" * 99999), "snapshot-file", id="nested deep"),
        pytest.param(lambda f: f.file.write_bytes(b"\xff\n"), "snapshot-file", id="no text"),
        pytest.param(lambda f: f.file.unlink(), "snapshot-file", id="no file"),
        pytest.param(lambda f: f.passes(timedelta(hours=49)), "snapshot-too-old", id="old"),
        pytest.param(lambda f: f.passes(-timedelta(hours=1)), "snapshot-file", id="to come"),
        pytest.param(brought, "snapshot-place", id="beside the manifests"),
        pytest.param(linked, "snapshot-place", id="a link to it"),
        pytest.param(misspelt, "snapshot-file", id="no file beside the manifests"),
        pytest.param(other_kind, "snapshot-key", id="a key that signs nothing"),
        pytest.param(
            lambda f: f.environ.delenv("RECONCILER_SNAPSHOT_PUBLIC_KEY"), "snapshot-key", id="none"
        ),
        pytest.param(
            lambda f: f.environ.setenv("RECONCILER_SNAPSHOT_PUBLIC_KEY", "é"),
            "snapshot-key",
            id="no key at all",
        ),
    ],
)
def test_a_snapshot_that_nobody_vouches_for_is_refused(
    fork: Fork, spoil: Callable[[Fork], object], code: str
) -> None:
    spoil(fork)
    ran = fork.plan()
    assert (ran.code, ran.out) == (1, "")
    assert f"error[{code}]: " in ran.err


def test_a_snapshot_in_the_repository_is_refused_wherever_the_manifests_are_in_it(
    fork: Fork,
) -> None:
    (fork.file.parent / ".git").mkdir()
    (fork.file.parent / "manifests").mkdir()
    fork.lab.declare(ENTRIES)
    there = fork.file.parent / "manifests" / "lab.yaml"
    there.write_text((fork.lab.folder / "lab.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    ran = fork.lab.run("plan", "-f", str(there), "--offline", str(fork.file))
    assert (ran.code, "error[snapshot-place]" in ran.err) == (1, True)


def test_the_age_that_is_fine_is_a_matter_of_a_flag(fork: Fork) -> None:
    fork.passes(timedelta(days=9, hours=5))
    ran = fork.plan(ENTRIES, "--max-age", "10d")
    assert (ran.code, "9 d 5 h old" in ran.out) == (0, True)
    assert "is 9 d 5 h old, and may be 9 d\n" in fork.plan(ENTRIES, "--max-age", "9d").err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--offline", "x", "--out", "y"), "approves nothing"),
        (("--offline", "x", "--preflight"), "asks no cloud"),
        (("--max-age", "1d"), "goes with `--offline`"),
    ],
)
def test_flags_that_mean_nothing_together(lab: Lab, arguments: tuple[str, ...], words: str) -> None:
    lab.declare(ENTRIES)
    ran = lab.plan(*arguments)
    assert (ran.code, ran.out) == (1, "")
    assert words in " ".join(ran.err.split())


def test_without_a_key_no_cloud_is_asked_and_no_file_written(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.declare(ENTRIES)
    public = pem(ed25519.Ed25519PrivateKey.generate())[1]
    for text in ("", "no key", public, "-----BEGIN X-----\\n%%\\n-----END X-----"):
        monkeypatch.setenv("RECONCILER_SNAPSHOT_KEY", text)
        ran = lab.run("drift", "-f", "lab.yaml", "--snapshot", "live.snapshot")
        assert (ran.code, "error[snapshot-key]" in ran.err) == (1, True)
    assert not Path("live.snapshot").exists()
    assert lab.requests() == []
    monkeypatch.setenv("RECONCILER_SNAPSHOT_KEY", "".join(KEY.splitlines()[1:-1]))
    ran = lab.run("drift", "-f", "lab.yaml", "--snapshot", "no/such/live.snapshot")
    assert (ran.code, "error[snapshot-file]" in ran.err) == (1, True)


def test_an_apply_looks_itself(lab: Lab) -> None:
    lab.declare(ENTRIES)
    ran = lab.run("apply", "-f", "lab.yaml", "--offline", "night.json", "--auto-approve")
    assert ran.code == 1
    assert "`plan --offline night.json`" in " ".join(ran.err.split())
    assert lab.requests() == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.2, "1 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61.5, "1 min 2 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (8 * 3600 + 12 * 60 + 7, "8 h 12 min"),
        (47 * 3600, "47 h"),
        (48 * 3600, "2 d"),
        (221 * 3600, "9 d 5 h"),
    ],
)
def test_a_time_is_told_in_units_that_fit(seconds: float, said: str) -> None:
    assert told_age(timedelta(seconds=seconds)) == said


def test_a_snapshot_of_seconds_that_is_too_old_says_seconds(fork: Fork) -> None:
    fork.passes(timedelta(seconds=5))
    assert "is 5 s old, and may be 1 s\n" in fork.plan(ENTRIES, "--max-age", "1s").err
