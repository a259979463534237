"""Bytes that are nearly manifests: drawn by the grammar, then broken."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.hostile.writing import SCOPE, document

SCALARS = st.sampled_from(
    [
        *("web-1", "one", "lab", "true", "yes", "NO", "null", "~", "1", "0x1F", "1_000", "1e999"),
        *(
            "2026-01-01",
            "12:30:45",
            "00123",
            '"quoted"',
            "'single'",
            '""',
            "[]",
            "{}",
            "30s",
            "0.3",
        ),
        *("*a", "&a b", "!!str c", "<<", "|\n  text", ">-\n  folded", "é", "\U0001f600", "\u202e"),
        *("simulator", "https://x.example", "https://u:p@x", "{env: HW_ACCESS_KEY}", "# c"),
    ]
)
KEYS = st.sampled_from(
    [
        *(
            "apiVersion",
            "kind",
            "metadata",
            "name",
            "labels",
            "spec",
            "scope",
            "servers",
            "volumes",
        ),
        *(
            "volume",
            "server",
            "device",
            "deleteOnTermination",
            "absent",
            "others",
            "protect",
            "tags",
        ),
        *(
            "names",
            "allowEmpty",
            "provider",
            "region",
            "endpoint",
            "world",
            "credentials",
            "limits",
        ),
        *(
            "accessKey",
            "secretKey",
            "env",
            "file",
            "maxDetach",
            "maxDetachShare",
            "scopes",
            "accept",
        ),
        *("windows", "until", "every", "source", "notify", "web-1", "<<", "volums", "? a", "null"),
    ]
)
TOKENS = st.sampled_from(
    [
        *"[]{},:-?&*!|>'\"%@`#~<= \t\n\r",
        *(
            "---\n",
            "...\n",
            "%YAML 1.2\n",
            "%TAG ! x\n",
            "<<: *a\n",
            "&a ",
            "*a",
            "!!binary ",
            "\x00",
        ),
        *(
            "\ufeff",
            "\x85",
            "\u2028",
            "\u202e",
            "\x1b[2J",
            "\\x07",
            '"\\ud800"',
            "[" * 40,
            "{a: " * 40,
        ),
        *("a" * 300, "credentials:\n  secretKey: hunter2-hunter2\n", "kind: Policy\n", "- - - "),
    ]
)
KINDS = st.sampled_from(["Scope", "Attachments", "Policy", "Schedule", "Scpoe"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: f"[{', '.join(parts)}]"),
        st.lists(st.tuples(KEYS, inner), max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        ),
    ),
    max_leaves=8,
)
BODIES = st.lists(st.tuples(KEYS, VALUES), max_size=6).map(
    lambda pairs: "\n".join(f"{key}: {value}" for key, value in pairs) or "{}"
)
DOCUMENTS = st.one_of(
    st.just(SCOPE),
    st.builds(document, KINDS, BODIES, st.sampled_from(["lab", "default", "../x", "lab"])),
    st.builds(
        lambda rows: document("Attachments", "scope: lab\nservers:\n" + rows),
        st.lists(st.tuples(SCALARS, VALUES), max_size=4).map(
            lambda rows: (
                "\n".join(f"  {key}: {{volumes: {value}}}" for key, value in rows) or "  {}"
            )
        ),
    ),
)
SETS = st.lists(DOCUMENTS, min_size=1, max_size=4).map("---\n".join)
BREAKS = st.lists(
    st.tuples(
        st.sampled_from(["cut", "drop", "twice", "insert", "bytes"]),
        st.integers(0, 2000),
        st.integers(0, 40),
        TOKENS,
        st.binary(max_size=3),
    ),
    max_size=3,
)


def _broken(text: str, breaks: list[tuple[str, int, int, str, bytes]]) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    for how, start, length, token, few in breaks:
        at = start % (len(raw) + 1)
        end = at + length
        match how:
            case "cut":
                raw = raw[:at]
            case "drop":
                raw = raw[:at] + raw[end:]
            case "twice":
                raw = raw[:end] + raw[at:]
            case "insert":
                raw = raw[:at] + token.encode() + raw[at:]
            case _:
                raw = raw[:at] + few + raw[at:]
    return raw


MUTANTS = st.one_of(
    st.builds(_broken, SETS, BREAKS),
    st.builds(_broken, SETS, BREAKS),
    st.lists(st.one_of(TOKENS, KEYS, SCALARS), max_size=40).map(lambda p: "".join(p).encode()),
    st.binary(max_size=300),
)
