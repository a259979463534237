"""Entries as written, and what is refused in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.declared import Side
from tests.manifest.writing import SCOPE, Case, check, declared, rows, spec

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = (
    Case(
        "no scope is refused",
        SCOPE + "---\n" + spec("Attachments", "servers: {}"),
        "missing-key",
        9,
        1,
        "`spec` has no `scope`",
        "add `scope:`",
    ),
    Case(
        "an unknown section is refused",
        rows("server: {}"),
        "unknown-key",
        11,
        3,
        "`server` is not known in `spec`",
        "write `servers`",
    ),
    Case(
        "servers as a list is refused",
        rows("servers: [web-1]"),
        "wrong-type",
        11,
        12,
        "`servers` must be a mapping, not a list",
        "write a mapping",
    ),
    Case(
        "servers without value is refused",
        rows("servers:"),
        "no-value",
        11,
        3,
        "`servers` has no value",
        "write a value, or take it out",
    ),
    Case(
        "an entry without value is refused",
        rows("servers:\n  web-1:"),
        "no-value",
        12,
        5,
        "`servers.web-1` has no value",
        "write a value, or take it out",
    ),
    Case(
        "an entry that is a list is refused",
        rows("servers:\n  web-1: [a]"),
        "wrong-type",
        12,
        12,
        "`servers.web-1` must be a mapping, not a list",
        "write a mapping",
    ),
    Case(
        "an entry without volumes is refused",
        rows("servers:\n  web-1: {absent: [a]}"),
        "missing-key",
        12,
        5,
        "`servers.web-1` has no `volumes`",
        "list them, `volumes: []` for none, or say `others: keep`",
    ),
    Case(
        "an entry of a volume without servers is refused",
        rows("volumes:\n  data: {}"),
        "missing-key",
        12,
        5,
        "`volumes.data` has no `servers`",
        "list them, `servers: []` for none, or say `others: keep`",
    ),
    Case(
        "an unknown key in an entry is refused",
        rows("servers:\n  web-1: {volume: [a], volumes: []}"),
        "unknown-key",
        12,
        13,
        "`volume` is not known in `servers.web-1`",
        "use `absent`, `others` or `protect`, or take it out",
    ),
    Case(
        "volumes without value is refused",
        rows("servers:\n  web-1: {volumes: }"),
        "no-value",
        12,
        13,
        "`servers.web-1.volumes` has no value",
        "write a value, `[]` for none, or take it out",
    ),
    Case(
        "volumes as text is refused",
        rows("servers:\n  web-1: {volumes: a}"),
        "wrong-type",
        12,
        22,
        "`servers.web-1.volumes` must be a list, not text",
        "write a list",
    ),
    Case(
        "a selector of volumes is refused",
        rows("servers:\n  web-1: {volumes: {tags: {a: b}}}"),
        "wrong-type",
        12,
        22,
        "`servers.web-1.volumes` must be a list, not a mapping",
        "write a list",
    ),
    Case(
        "a line without value is refused",
        rows("servers:\n  web-1: {volumes: [a, ~]}"),
        "no-value",
        12,
        26,
        "`servers.web-1.volumes[1]` has no value",
        "write a value, or take it out",
    ),
    Case(
        "a line that is a list is refused",
        rows("servers:\n  web-1: {volumes: [[a]]}"),
        "wrong-type",
        12,
        23,
        "`servers.web-1.volumes[0]` must be text, not a list",
        "write one value",
    ),
    Case(
        "a line without volume is refused",
        rows("servers:\n  web-1: {volumes: [{device: /dev/vdb}]}"),
        "missing-key",
        12,
        23,
        "`servers.web-1.volumes[0]` has no `volume`",
        "add `volume:`",
    ),
    Case(
        "a line with an unknown key is refused",
        rows("servers:\n  web-1: {volumes: [{volume: a, devise: /dev/vdb}]}"),
        "unknown-key",
        12,
        35,
        "`devise` is not known in `servers.web-1.volumes[0]`",
        "write `device`",
    ),
    Case(
        "a device elsewhere is refused",
        rows("servers:\n  web-1: {volumes: [{volume: a, device: vdb}]}"),
        "wrong-value",
        12,
        43,
        "`servers.web-1.volumes[0].device` must begin with `/dev/`, not `vdb`",
        "write a device such as `/dev/vdb`",
    ),
    Case(
        "a boolean of YAML 1.1 is refused",
        rows("servers:\n  web-1: {volumes: [{volume: a, deleteOnTermination: yes}]}"),
        "wrong-value",
        12,
        56,
        "`servers.web-1.volumes[0].deleteOnTermination` must be `true` or `false`, not `yes`",
        "write `true` or `false`",
    ),
    Case(
        "a boolean in quotes is refused",
        rows('servers:\n  web-1: {volumes: [{volume: a, deleteOnTermination: "true"}]}'),
        "wrong-value",
        12,
        56,
        (
            "`servers.web-1.volumes[0].deleteOnTermination` must be a boolean, not the text "
            "`true` in quotes"
        ),
        "take the quotes away",
    ),
    Case(
        "others that are not kept is refused",
        rows("servers:\n  web-1: {volumes: [], others: drop}"),
        "wrong-value",
        12,
        34,
        "`servers.web-1.others` must be `keep`, not `drop`",
        "write `keep`",
    ),
    Case(
        "protect that is text is refused",
        rows("servers:\n  web-1: {volumes: [], protect: maybe}"),
        "wrong-value",
        12,
        35,
        "`servers.web-1.protect` must be `true` or `false`, not `maybe`",
        "write `true` or `false`",
    ),
    Case(
        "absent as text is refused",
        rows("servers:\n  web-1: {volumes: [], absent: a}"),
        "wrong-type",
        12,
        34,
        "`servers.web-1.absent` must be a list, not text",
        "write a list",
    ),
    Case(
        "an empty name is refused",
        rows('servers:\n  web-1: {volumes: [""]}'),
        "wrong-value",
        12,
        23,
        "`servers.web-1.volumes[0]` is empty",
        "write a value, or take it out",
    ),
    Case(
        "a name with a blank at its end is refused",
        rows('servers:\n  web-1: {volumes: ["a "]}'),
        "wrong-value",
        12,
        23,
        "`servers.web-1.volumes[0]` begins or ends with a blank: `a `",
        "take the blank out of the quotes",
    ),
    Case(
        "a name of two lines is refused",
        rows('servers:\n  web-1: {volumes: ["a\\nb"]}'),
        "wrong-value",
        12,
        23,
        "`servers.web-1.volumes[0]` must be one line without tabs, not `a\\nb`",
        "write it on one line, with spaces",
    ),
    Case(
        "a key with a blank is refused",
        rows('servers:\n  " web-1": {volumes: []}'),
        "wrong-value",
        12,
        5,
        "`a key of servers` begins or ends with a blank: ` web-1`",
        "take the blank out of the quotes",
    ),
    Case(
        "a selector without anything is refused",
        rows("volumes:\n  data: {servers: {allowEmpty: true}}"),
        "missing-key",
        12,
        12,
        "`volumes.data.servers` has no `tags`",
        "say which servers: `tags: {KEY: VALUE}`, `names: GLOB` or both",
    ),
    Case(
        "a selector with empty tags is refused",
        rows("volumes:\n  data: {servers: {tags: {}}}"),
        "missing-key",
        12,
        12,
        "`volumes.data.servers` has no `tags`",
        "say which servers: `tags: {KEY: VALUE}`, `names: GLOB` or both",
    ),
    Case(
        "a selector with an unknown key is refused",
        rows("volumes:\n  data: {servers: {tag: {a: b}, names: x}}"),
        "unknown-key",
        12,
        22,
        "`tag` is not known in `volumes.data.servers`",
        "write `tags`",
    ),
    Case(
        "a tag that is a list is refused",
        rows("volumes:\n  data: {servers: {tags: {a: [b]}}}"),
        "wrong-type",
        12,
        32,
        "`volumes.data.servers.tags.a` must be text, not a list",
        "write one value",
    ),
    Case(
        "a volume listed twice is refused",
        rows("servers:\n  web-1:\n    volumes:\n    - a\n    - volume: a"),
        "duplicate-listing",
        15,
        17,
        "`servers.web-1` lists `a` twice",
        "delete one of the two",
        also=(14,),
    ),
    Case(
        "a name twice under absent is refused",
        rows("servers:\n  web-1: {volumes: [], absent: [a, a]}"),
        "duplicate-listing",
        12,
        38,
        "`servers.web-1.absent` lists `a` twice",
        "delete one of the two",
        also=(12,),
    ),
    Case(
        "listed and absent is refused",
        rows("servers:\n  web-1: {volumes: [a], absent: [a]}"),
        "contradiction",
        12,
        36,
        "`servers.web-1` lists `a` and says that it is absent",
        "take `a` out of one of the two",
        also=(12,),
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_it_is_refused_with_its_place(tmp_path: Path, case: Case) -> None:
    check(tmp_path, case)


def test_an_entry_of_a_server(tmp_path: Path) -> None:
    body = """\
        servers:
          web-1:
            volumes:
            - data
            - {volume: cache, device: /dev/vdc, deleteOnTermination: true}
            absent: [old]
            protect: false
        """
    (entry,) = declared(tmp_path, rows(body)).entries["shop"]
    assert (entry.side, entry.owner.text, entry.document) == (Side.SERVER, "web-1", "rows")
    assert [
        (line.ref.text, line.device, line.delete_on_termination) for line in entry.listed or ()
    ] == [
        ("data", None, None),
        ("cache", "/dev/vdc", True),
    ]
    assert [ref.text for ref in entry.absent] == ["old"]
    assert (entry.selector, entry.keeps_others) == (None, False)


def test_an_entry_of_a_volume_by_selector(tmp_path: Path) -> None:
    body = 'volumes: {data: {servers: {tags: {role: web, x: ""}, names: "w-*", allowEmpty: true}}}'
    (entry,) = declared(tmp_path, rows(body)).entries["shop"]
    assert (entry.side, entry.listed) == (Side.VOLUME, None)
    assert entry.selector is not None
    assert entry.selector.tags == {"role": "web", "x": ""}
    assert (entry.selector.names, entry.selector.allow_empty) == ("w-*", True)


def test_others_that_are_kept_need_no_list(tmp_path: Path) -> None:
    entries = declared(
        tmp_path, rows("servers: {a: {others: keep}, b: {volumes: [], others: keep}}")
    )
    first, second = entries.entries["shop"]
    assert (first.listed, first.keeps_others) == (None, True)
    assert (second.listed, second.keeps_others) == ((), True)
