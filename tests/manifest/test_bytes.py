"""Files as bytes: encodings, sizes, bombs, and that nothing in a file can raise."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.manifest import load
from reconciler.manifest.source import MAX_BYTES
from reconciler.model.finding import Severity
from tests.manifest.writing import SCOPE, codes, load_text, only, rows

if TYPE_CHECKING:
    from pathlib import Path

MEMORY_BYTES = 256 * 1024 * 1024
LOADING = """
import sys
from reconciler.manifest import load
loaded = load([sys.argv[1]])
print(*sorted({finding.code for finding in loaded.findings}))
"""
BOMBS = {
    "100,000 lists in one line": ("[" * 100_000, "too-deep"),
    "100,000 lists in as many lines": ("[\n" * 100_000, "too-deep"),
    "50,000 mappings as keys": ("{" * 50_000, "key-not-text too-deep"),
    "50,000 mappings as values": ("{a: " * 50_000, "too-deep"),
    "50,000 lists by dashes": ("- " * 50_000, "too-deep"),
    "3,000 mappings by indentation": (
        "\n".join(" " * depth + "a:" for depth in range(3000)),
        "too-deep",
    ),
    "an alias that would grow": (
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
        "alias anchor",
    ),
    "a key a million times": ("{" + "a, " * 1_000_000 + "}", "duplicate-key too-many-findings"),
}


@pytest.mark.parametrize(("text", "expected"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_in_two_seconds_and_256_mb(
    tmp_path: Path,
    text: str,
    expected: str,
) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(text, encoding="utf-8")

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (2, 2))

    done = subprocess.run(  # noqa: S603 - our own interpreter, our own words
        [sys.executable, "-c", LOADING, str(path)],
        preexec_fn=bounded,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == expected


def test_depth_32_is_read_and_33_is_refused(tmp_path: Path) -> None:
    def nested(depth: int) -> str:
        return "[" * depth + "]" * depth

    assert codes(load_text(tmp_path, nested(32))) == ["wrong-type"]
    finding = only(load_text(tmp_path, nested(33)).findings)
    assert finding.place is not None
    assert (finding.code, finding.place.line, finding.place.column) == ("too-deep", 1, 33)
    assert finding.summary == "brackets or indentations nest deeper than 32 levels"
    assert finding.hint == "write it flatter; no manifest needs more"


def test_a_file_over_64_mib_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    finding = only(load([path]).findings)
    assert finding.code == "file-too-large"
    assert finding.summary == f"`{path}` has 67,108,865 bytes, 67,108,864 are allowed"
    assert finding.hint == "split it into several files of one folder"


BAD_BYTES = {
    "a byte that is not UTF-8": (
        b"a: b\nc: \xff\n",
        ("not-utf8", 2, 4, "byte 0xff is not UTF-8", "save the file as UTF-8", "c: �"),
    ),
    "UTF-16 from a Windows editor": (
        SCOPE.encode("utf-16"),
        ("not-utf8", 1, 1, "the file is UTF-16, not UTF-8", "save it as UTF-8", ""),
    ),
    "a NUL": (
        b"a: b\nc: \x00\n",
        (
            "control-character",
            2,
            4,
            "the character U+0000 is not allowed in a manifest",
            "take it out; a file that holds it was hardly written as text",
            "c: �",
        ),
    ),
    "an escape that a terminal obeys": (
        "é: \x1b[2J\n".encode(),
        (
            "control-character",
            1,
            4,
            "the character U+001B is not allowed in a manifest",
            'take it out, or write it as an escape in double quotes: "\\x1b"',
            "é: �[2J",
        ),
    ),
    "a mark that turns the direction of the text": (
        "a: \u202eb\n".encode(),
        (
            "control-character",
            1,
            4,
            "the character U+202E is not allowed in a manifest",
            'take it out, or write it as an escape in double quotes: "\\u202e"',
            "a: �b",
        ),
    ),
}


@pytest.mark.parametrize(("raw", "expected"), BAD_BYTES.values(), ids=BAD_BYTES)
def test_bytes_that_are_no_text_are_refused(
    tmp_path: Path,
    raw: bytes,
    expected: tuple[str, int, int, str, str, str],
) -> None:
    found = only(load_text(tmp_path, raw).findings)
    place = found.place
    assert place is not None
    told = (found.code, place.line, place.column, found.summary, found.hint, place.text)
    assert told == expected


def test_a_byte_order_mark_of_utf8_is_accepted(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, b"\xef\xbb\xbf" + SCOPE.encode())
    assert loaded.findings == ()
    assert loaded.declared is not None
    place = loaded.declared.scopes["shop"].place
    assert (place.line, place.column) == (3, 18)


@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["Windows", "old Mac"])
def test_line_ends_of_other_systems_count_as_one(tmp_path: Path, end: str) -> None:
    text = rows("servers:\n  web-1: {volume: []}\n").replace("\n", end)
    places = [finding.place for finding in load_text(tmp_path, text.encode()).findings]
    assert [(place.line, place.text) for place in places if place] == [
        (12, "    web-1: {volume: []}"),
        (12, "    web-1: {volume: []}"),
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\n# nothing\n...\n", "\n\n"])
def test_a_file_without_a_document_is_a_warning(tmp_path: Path, text: str) -> None:
    loaded = load_text(tmp_path, text)
    finding = only(loaded.findings)
    assert (finding.code, finding.severity) == ("empty-file", Severity.WARNING)
    assert finding.summary == "the file holds no document"
    assert finding.hint == "write a manifest into it, or delete it"
    assert str(finding.place).endswith("m.yaml:1:1")
    assert loaded.declared is not None


def test_an_empty_document_between_two_is_skipped(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "---\n---\n# only words\n---\n" + SCOPE + "---\n")
    assert loaded.findings == ()


def test_a_long_line_is_shown_cut(tmp_path: Path) -> None:
    place = only(load_text(tmp_path, SCOPE + "x: " + "y" * 5000).findings).place
    assert place is not None
    assert len(place.text) == 200


PIECES = st.sampled_from(
    [
        *SCOPE.splitlines(keepends=True),
        *"[]{},:-?&*!|>'\"%@`#~<",
        "\n",
        "  ",
        "---\n",
        "kind: Attachments\n",
        "kind: Policy\n",
        "spec: {scope: shop, servers: {a: {volumes: [b]}}}\n",
        "spec: {scopes: [shop], maxDetach: 1}\n",
        "credentials: {secretKey: x}\n",
        "<<: *a\n",
        "\t",
        "\x00",
        "\ufeff",
        "é",
    ],
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(raw=st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=40).map("".join)))
def test_no_bytes_make_it_raise(tmp_path: Path, raw: bytes | str) -> None:
    loaded = load_text(tmp_path, raw)
    failed = any(finding.severity is Severity.ERROR for finding in loaded.findings)
    assert (loaded.declared is None) == failed
    for finding in loaded.findings:
        assert finding.place is not None
        assert finding.hint
        assert finding.summary.isprintable()
        assert not finding.summary.endswith(".")
