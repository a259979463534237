"""What YAML allows and a manifest doesn't, and the places it is found at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.manifest.writing import SCOPE, Case, check, rows

if TYPE_CHECKING:
    from pathlib import Path

OURS = "<<<<<<< HEAD\n  web-1: {volumes: []}\n"
REFUSED = (
    Case(
        "a bracket that is never closed is refused",
        SCOPE + "---\na: [b\n",
        "yaml-syntax",
        6,
        4,
        "this is not YAML: while parsing a flow sequence, did not find expected ',' or ']'",
        "close the list with `]`, with a comma between two values",
    ),
    Case(
        "a file that ends in the middle of a list is shown at its last word",
        "a:\n  b: [c, \n\n",
        "yaml-syntax",
        2,
        10,
        "this is not YAML: while parsing a flow node, did not find expected node content",
        "write the value that is missing here, and close what is open",
    ),
    Case(
        "a tab as indentation is refused",
        "a:\n\tb: c\n",
        "yaml-syntax",
        2,
        1,
        (
            "this is not YAML: while scanning for the next token, found character that "
            "cannot start any token"
        ),
        "indent with spaces, and put quotes around a special character",
    ),
    *(
        Case(
            f"a merge that git left half done is told as one: {name}",
            f"{SCOPE}---\na:\n{conflict}\n",
            "yaml-syntax",
            line,
            1,
            f"a merge isn't finished: `{marker}` is here",
            "keep what is right, and take out the lines `<<<<<<<`, `=======` and `>>>>>>>`",
        )
        for name, conflict, line, marker in (
            ("both sides", f"{OURS}=======\n  web-1: {{}}\n>>>>>>> move", 7, "<<<<<<<"),
            (
                "only its middle, and CRLF",
                "  web-1: {volumes: []}\r\n=======\r\n  web-2: {}",
                8,
                "=======",
            ),
            ("only its end", "  web-1: {volumes: []}\n>>>>>>> a1b2c3d", 8, ">>>>>>>"),
        )
    ),
    Case(
        "a colon in a plain value is refused",
        "a: b: c\n",
        "yaml-syntax",
        1,
        5,
        "this is not YAML: mapping values are not allowed in this context",
        "put quotes around a value that holds `: `, or indent it",
    ),
    Case(
        "a quote that is never closed is refused",
        "a: 'b\n",
        "yaml-syntax",
        1,
        4,
        "this is not YAML: while scanning a quoted scalar, found unexpected end of stream",
        "close the quotes",
    ),
    Case(
        "an anchor is refused",
        rows("servers: {web-1: &one {volumes: []}}"),
        "anchor",
        11,
        20,
        "an anchor (`&`) is not allowed",
        "take the anchor out",
    ),
    Case(
        "an alias is refused",
        rows("servers:\n  web-1: {volumes: []}\n  web-2: *one"),
        "alias",
        13,
        12,
        "an alias (`*`) is not allowed",
        "write the value itself; put text that begins with `*` in quotes",
    ),
    Case(
        "a merge key is refused",
        rows("servers:\n  web-1: {volumes: [], <<: {others: keep}}"),
        "merge-key",
        12,
        26,
        "a merge key (`<<`) is not allowed",
        "write the keys themselves",
    ),
    Case(
        "a tag is refused",
        rows("servers:\n  web-1: {volumes: [!!str 12]}"),
        "tag",
        12,
        23,
        "a tag (`!`) is not allowed",
        "take the tag out; put text with `!` in quotes",
    ),
    Case(
        "a key twice in a document is refused",
        SCOPE + "kind: Scope\n",
        "duplicate-key",
        5,
        1,
        "`kind` stands here twice",
        "delete one of the two",
        also=(2,),
    ),
    Case(
        "a key twice in an entry is refused",
        rows("servers:\n  web-1: {volumes: [], volumes: [a]}"),
        "duplicate-key",
        12,
        26,
        "`volumes` stands here twice",
        "delete one of the two",
        also=(12,),
    ),
    Case(
        "a server twice in one document is refused",
        rows("servers:\n  web-1: {volumes: []}\n  web-1: {volumes: [a]}"),
        "duplicate-key",
        13,
        5,
        "`web-1` stands here twice",
        "delete one of the two",
        also=(12,),
    ),
    Case(
        "a list as a key is refused",
        rows("servers:\n  [a]: {volumes: []}"),
        "key-not-text",
        12,
        5,
        "a key must be text",
        "write the key as one word or in quotes",
    ),
    Case(
        "an empty key is refused",
        rows("servers:\n  : {volumes: []}"),
        "yaml-syntax",
        12,
        5,
        "this is not YAML: while parsing a block mapping, did not find expected key",
        "give all keys of one mapping the same indentation",
    ),
    Case(
        "null as a key is refused",
        rows("servers:\n  null: {volumes: []}"),
        "key-not-text",
        12,
        5,
        "a key has no name",
        "write the name before the `:`, in quotes if need be",
    ),
    Case(
        "a control character by escape is refused",
        rows('servers:\n  web-1: {volumes: ["a\\x07"]}'),
        "control-character",
        12,
        23,
        "the text holds a control character",
        "take the escape out of the quotes",
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_it_is_refused_with_its_place(tmp_path: Path, case: Case) -> None:
    check(tmp_path, case)
