"""Manifests that only the cloud's state shows to be wrong, and ids that are no plain words."""

from __future__ import annotations

from dataclasses import replace

from tests.hostile.case import Case
from tests.hostile.writing import LOOSE, REAL, SCOPE, WORLD, rows

APPLY = ("apply", "-f", "lab.yaml", "--auto-approve", "--first-apply")
UUID = "9c1fab00-0000-4000-8000-00000000abcd"
HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ODD_IDS = ("00123", "12:30:45", "NO", "2026-01-01", "1_000", "0x1F", "12345678e123", "0o7")
"""What a reader of YAML that guesses would turn into a number, a boolean, a date or nothing."""

MORE = """\
servers:
  - {id: s-1, name: web-1, az: a, bootVolume: boot-1}
  - {id: s-2, name: web-2, az: a, bootVolume: boot-2}
  - {id: s-3, name: twin, az: a}
  - {id: s-4, name: twin, az: a}
  - {id: s-5, name: far, az: b}
  - {id: s-7, name: moving, az: a, status: REBOOT}
  - {id: UUID, name: hex, az: a}
  - {id: abababababababababababababababab, name: low, az: a}
  - {id: s-8, name: ABABABABABABABABABABABABABABABAB, az: a}
volumes:
  - {id: v-1, name: one, sizeGib: 10, az: a}
  - {id: v-2, name: two, sizeGib: 10, az: a}
  - {id: v-3, name: three, sizeGib: 10, az: a}
  - {id: v-4, name: broken, sizeGib: 10, az: a, status: error}
  - {id: HEX, name: hexed, sizeGib: 10, az: a}
attachments:
  - {server: web-1, volume: one}
  - {server: web-2, volume: two}
"""
WIDE = WORLD[: WORLD.index("servers:")] + MORE.replace("UUID", UUID).replace("HEX", HEX)


def _refused(name: str, code: str, body: str, *says: str, exit_code: int = 3) -> Case:
    return Case(
        name=name,
        verb=APPLY,
        exit=exit_code,
        codes=frozenset(code.split()),
        text=rows(body) + LOOSE,
        world=WIDE,
        says=says,
    )


def _in(scope: str, deadline: str) -> str:
    """Give a scope whose steps have this deadline: what is in motion is waited for so long."""
    return scope.replace("world:", f"limits: {{stepTimeout: {deadline}}}, world:")


def _odd_world() -> str:
    servers = "".join(f'  - {{id: "{odd}", name: "s {odd}", az: a}}\n' for odd in ODD_IDS)
    volumes = "".join(f'  - {{id: "v{odd}", name: "v {odd}", az: a}}\n' for odd in ODD_IDS)
    return WORLD[: WORLD.index("servers:")] + f"servers:\n{servers}volumes:\n{volumes}"


def _odd_rows() -> str:
    return "servers:\n" + "".join(f"  {odd}: {{volumes: [v{odd}]}}\n" for odd in ODD_IDS)


ODD_VOLUMES = ("00123", "12:30:45", "NO", "2026-01-01", "1_000", "0x1F", "12345678e123")


def _odd_volume_world() -> str:
    volumes = "".join(f'  - {{id: "{odd}", name: "v {odd}", az: a}}\n' for odd in ODD_VOLUMES)
    held = "".join(f'  - {{server: web-1, volume: "{odd}"}}\n' for odd in ODD_VOLUMES)
    head = WORLD[: WORLD.index("volumes:")]
    return f"{head}volumes:\n{volumes}attachments:\n{held}"


STATES = (
    _refused(
        "a name that two servers bear",
        "ambiguous-name",
        "servers: {twin: {volumes: []}}",
        "`s-3`, `s-4`",
    ),
    _refused(
        "a name that is another server's id in capitals",
        "ambiguous-name",
        "servers: {ABABABABABABABABABABABABABABABAB: {volumes: []}}",
        "`abababababababababababababababab`, `s-8`",
    ),
    _refused(
        "a server that isn't there",
        "server-not-found",
        "servers: {wbe-1: {volumes: []}}",
        "did you mean `web-1`?",
    ),
    _refused(
        "a volume that isn't there", "volume-not-found", "servers: {web-1: {volumes: [one, thre]}}"
    ),
    _refused(
        "one server by its name and by its id",
        "duplicate-entry",
        "servers: {web-1: {volumes: []}, s-1: {volumes: [one]}}",
        "`s-1` and `web-1` are one server",
    ),
    _refused(
        "one server by its id in both cases of letters",
        "duplicate-entry",
        f"servers:\n  {UUID}: {{volumes: []}}\n  {UUID.upper()}: {{volumes: [three]}}",
    ),
    _refused(
        "one server by its name and by its id in capitals",
        "duplicate-entry",
        f"servers:\n  hex: {{volumes: []}}\n  {UUID.upper()}: {{volumes: [three]}}",
    ),
    _refused(
        "one volume twice in a list, once in capitals",
        "duplicate-listing entry-refused",
        f"servers:\n  web-1: {{volumes: [one, {HEX}, {HEX.upper()}]}}",
    ),
    _refused(
        "a name in another case is another name",
        "server-not-found",
        "servers: {Web-1: {volumes: []}}",
        "did you mean `web-1`?",
    ),
    _refused(
        "rows that contradict each other by name and id",
        "contradiction",
        "servers: {web-1: {volumes: [one, three]}}\nvolumes: {v-3: {servers: []}}",
    ),
    _refused(
        "a volume for two servers that can't be shared",
        "not-shareable",
        "servers: {web-1: {volumes: [one, three]}, web-2: {volumes: [two, three]}}",
    ),
    _refused(
        "a boot volume",
        "boot-volume held-by-unmanaged",
        "servers: {web-2: {volumes: [two, boot-1]}}",
    ),
    _refused("a volume of another zone", "other-zone", "servers: {far: {volumes: [three]}}"),
    replace(
        _refused(
            "a server that restarts", "server-status", "servers: {moving: {volumes: [three]}}"
        ),
        text=rows("servers: {moving: {volumes: [three]}}", _in(SCOPE, "20s")) + LOOSE,
    ),
    _refused("a volume in error", "volume-status", "servers: {web-1: {volumes: [one, broken]}}"),
    _refused(
        "a volume that an unowned server has",
        "held-by-unmanaged",
        "servers: {web-1: {volumes: [one, two]}}",
    ),
    _refused(
        "a selector that matches none",
        "selector-empty",
        "volumes: {three: {servers: {names: 'batch-*'}}}",
    ),
    Case(
        name="a set without any entry, applied",
        verb=APPLY,
        exit=1,
        codes=frozenset({"no-entries"}),
        text=rows("servers: {}"),
        world=WORLD,
    ),
    Case(
        name="ids that look like numbers, booleans and dates, attached",
        verb=APPLY,
        exit=0,
        text=rows(_odd_rows(), REAL) + LOOSE,
        world=_odd_world(),
        socket=True,
        paths=tuple(f"/cloudservers/{odd}/attachvolume" for odd in ODD_IDS),
        hurry=20,
    ),
    Case(
        name="ids that look like numbers, booleans and dates, detached",
        verb=APPLY,
        exit=0,
        text=rows("servers: {web-1: {volumes: []}}", REAL) + LOOSE,
        world=_odd_volume_world(),
        socket=True,
        paths=tuple(f"/cloudservers/s-1/detachvolume/{odd}" for odd in ODD_VOLUMES),
        hurry=20,
    ),
    Case(
        name="an id in capitals asks for the cloud's own spelling",
        verb=APPLY,
        exit=0,
        text=rows(f"servers:\n  {UUID.upper()}: {{volumes: [three]}}", REAL) + LOOSE,
        world=WIDE,
        socket=True,
        paths=(f"/cloudservers/{UUID}/attachvolume",),
        hurry=20,
    ),
)
