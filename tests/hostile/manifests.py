"""Files that are no manifests, or that say what nobody may ask: refused before any request."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.manifest.source import MAX_BYTES
from tests.hostile.case import Case
from tests.hostile.writing import SCOPE, document, rows

if TYPE_CHECKING:
    from pathlib import Path

VALIDATE = ("validate", "-f", "lab.yaml")
FOLDER = ("validate", "-f", "set")


def _refused(name: str, code: str, text: str | bytes, *says: str) -> Case:
    return Case(
        name=name, verb=VALIDATE, exit=1, codes=frozenset(code.split()), text=text, says=says
    )


def _bomb(name: str, code: str, text: str | bytes, *says: str) -> Case:
    return Case(
        name=name,
        verb=VALIDATE,
        exit=1,
        codes=frozenset(code.split()),
        text=text,
        says=says,
        heavy=True,
    )


def _at(line: int, column: int) -> str:
    return f"--> lab.yaml:{line}:{column}\n"


ALIASES = "".join(
    f"{here}: &{here} [{','.join(['*' + before] * 9)}]\n"
    for before, here in zip("abcdefgh", "bcdefghi", strict=True)
)
ALIAS_BOMB = f"a: &a [{','.join(['lol'] * 9)}]\n{ALIASES}".ljust(441) + "\n"
"""442 bytes that would become 387 million."""
MERGE_BOMB = "m0: &m0 {k0: v, l0: v}\n" + "".join(
    f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: v, l{n}: v}}\n" for n in range(1, 26)
)
"""26 lines, each merging the one before it twice."""

BOMBS = (
    _bomb("100,000 nested brackets", "too-deep", "[" * 100_000, _at(1, 33)),
    _bomb("50,000 nested braces", "too-deep key-not-text", "{" * 50_000, _at(1, 33)),
    _bomb("50,000 nested dashes", "too-deep", "- " * 50_000, _at(1, 65)),
    _bomb("an alias bomb of 442 bytes", "anchor alias", ALIAS_BOMB, _at(1, 4), "take the anchor"),
    _bomb("a merge bomb of 26 lines", "anchor alias merge-key", MERGE_BOMB, _at(1, 5)),
    # Large rather than deep: no promise of seconds was made for these, only that they end.
    replace(
        _bomb("one key a million times", "duplicate-key", "{" + "a, " * 10**6 + "}"), most_s=15.0
    ),
    replace(_bomb("a line of 10 MB", "wrong-type", b"x" * 10_000_000), most_s=15.0),
)


def _million(folder: Path) -> None:
    with (folder / "lab.yaml").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)


def _empty_device(folder: Path) -> None:
    os.mkfifo(folder / "lab.yaml")


def _linked_out(folder: Path) -> None:
    (folder / "set").mkdir()
    (folder / "secret.yaml").write_text(SCOPE, encoding="utf-8")
    (folder / "set" / "in.yaml").write_text(SCOPE, encoding="utf-8")
    (folder / "set" / "out.yaml").symlink_to("../secret.yaml")


def _linked_to_itself(folder: Path) -> None:
    (folder / "set").mkdir()
    (folder / "set" / "loop.yaml").symlink_to("loop.yaml")


def _linked_folder(folder: Path) -> None:
    _linked_out(folder)
    (folder / "set" / "out.yaml").unlink()
    (folder / "set" / "up").symlink_to("..")


def _two_files(folder: Path) -> None:
    (folder / "set").mkdir()
    one = document("Attachments", "scope: lab\nservers: {web-1: {volumes: []}}", "one")
    two = document("Attachments", "scope: lab\nservers: {web-1: {volumes: [a]}}", "two")
    (folder / "set" / "a.yaml").write_text(SCOPE + "---\n" + one, encoding="utf-8")
    (folder / "set" / "b.yaml").write_text(two, encoding="utf-8")


def _truncated(folder: Path) -> None:
    whole = rows("servers:\n  web-1: {volumes: [one, two]}\n")
    (folder / "set").mkdir()
    (folder / "set" / "a.yaml").write_text(whole[: whole.rindex("two")], encoding="utf-8")


def _in_folder(name: str, code: str, lay: object, *says: str, more: tuple[str, ...] = ()) -> Case:
    assert callable(lay)
    return Case(
        name=name,
        verb=(*FOLDER, *more),
        exit=1,
        codes=frozenset(code.split()),
        lay=lay,
        says=says,
    )


FILES = (
    Case(
        name="a file over 64 MiB",
        verb=VALIDATE,
        exit=1,
        codes=frozenset({"file-too-large"}),
        lay=_million,
        says=("67,108,864 are allowed",),
        heavy=True,
    ),
    Case(
        name="a pipe instead of a file",
        verb=VALIDATE,
        exit=1,
        codes=frozenset({"not-a-file"}),
        lay=_empty_device,
    ),
    Case(
        name="an empty file",
        verb=VALIDATE,
        exit=0,
        codes=frozenset({"empty-file"}),
        text="",
        says=(_at(1, 1),),
    ),
    Case(
        name="a file of comments",
        verb=VALIDATE,
        exit=0,
        codes=frozenset({"empty-file"}),
        text="# nothing\n# at all\n",
    ),
    Case(
        name="an empty file, applied",
        verb=("apply", "-f", "lab.yaml", "--auto-approve", "--first-apply"),
        exit=1,
        codes=frozenset({"empty-file", "no-scopes"}),
        text="",
    ),
    Case(name="no file", verb=VALIDATE, exit=1, codes=frozenset({"file-not-found"})),
    _in_folder("a link that leaves the folder", "link-outside", _linked_out, "set/out.yaml:1:1"),
    _in_folder(
        "a linked folder that leaves it", "link-outside", _linked_folder, "set/up", more=("-R",)
    ),
    _in_folder("a link to itself", "file-not-found", _linked_to_itself, "set/loop.yaml:1:1"),
    _in_folder("one server in two files", "duplicate-entry", _two_files, "set/b.yaml:6:13"),
    _in_folder("a file cut in the middle of a list", "yaml-syntax", _truncated, "set/a.yaml:12:28"),
    _refused("a byte that isn't UTF-8", "not-utf8", b"a: b\nc: \xff\n", _at(2, 4), "0xff"),
    _refused("UTF-16", "not-utf8", SCOPE.encode("utf-16"), "save it as UTF-8"),
    _refused("a NUL", "control-character", b"a: \0\n", _at(1, 4)),
    _refused("an escape for terminals", "control-character", "a: \x1b[2J\n", _at(1, 4)),
    _refused("text that turns its direction", "control-character", "a: \u202eb\n", _at(1, 4)),
)

YAML = (
    _refused("a bracket never closed", "yaml-syntax", SCOPE + "---\na: [b\n", _at(6, 4), "`]`"),
    _refused("a tab as indentation", "yaml-syntax", "a:\n\tb: c\n", _at(2, 1), "spaces"),
    _refused("a quote never closed", "yaml-syntax", "a: 'b\n", _at(1, 4), "close the quotes"),
    _refused("an anchor", "anchor", rows("servers: {web-1: &x {volumes: []}}"), _at(11, 20)),
    _refused("an alias", "alias", rows("servers:\n  web-1: *x"), _at(12, 12), "in quotes"),
    _refused("a merge key", "merge-key", rows("servers: {<<: {a: b}}"), _at(11, 13), "themselves"),
    _refused("a tag", "tag", rows("servers: {web-1: {volumes: [!!str 1]}}"), _at(11, 31)),
    _refused(
        "a tag that runs code",
        "tag wrong-type",
        "!!python/object/apply:os.system [id]\n",
        _at(1, 1),
    ),
    _refused(
        "a document's key twice", "duplicate-key", SCOPE + "kind: Scope\n", _at(5, 1), "twice"
    ),
    _refused(
        "a key twice in an entry",
        "duplicate-key",
        rows("servers: {web-1: {volumes: [], volumes: [a]}}"),
        _at(11, 34),
    ),
    _refused(
        "a key twice in a line of a list",
        "duplicate-key",
        rows("servers:\n  web-1:\n    volumes:\n      - {volume: a, device: /dev/vdb, volume: b}"),
        _at(14, 41),
        "and lab.yaml:14:12",
    ),
    _refused(
        "a key twice, once in quotes",
        "duplicate-key",
        rows('servers:\n  web-1: {volumes: []}\n  "web-1": {volumes: []}'),
        _at(13, 5),
    ),
    _refused("a list as a key", "key-not-text", rows("servers: {[a]: {volumes: []}}"), _at(11, 13)),
    _refused("33 levels", "too-deep", "[" * 33 + "]" * 33, _at(1, 33), "write it flatter"),
)

WORDS = (
    _refused(
        "a key that is nearly known",
        "unknown-key missing-key",
        rows("servers: {web-1: {volums: []}}"),
        _at(11, 21),
        "= hint: write `volumes`",
    ),
    _refused(
        "a kind that is nearly known",
        "unknown-kind",
        SCOPE.replace("Scope", "Scpoe"),
        "`kind: Scope`",
    ),
    _refused(
        "another tool's document",
        "foreign-api-version",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n",
        _at(1, 13),
    ),
    _refused("a list instead of a document", "wrong-type", "- a\n", _at(1, 1)),
    _refused("an entry without a value", "no-value", rows("servers: {web-1: }"), _at(11, 13)),
    _refused(
        "an entry that lists nothing", "missing-key", rows("servers: {web-1: {}}"), "`volumes: []`"
    ),
    _refused(
        "a boolean that is a word",
        "wrong-value",
        rows("servers: {w: {volumes: [{volume: a, deleteOnTermination: yes}]}}"),
        "write `true` or `false`",
    ),
    _refused(
        "a number with an exponent",
        "wrong-value",
        SCOPE + "---\n" + document("Policy", "maxDetach: 1e3", "default"),
    ),
    _refused(
        "a number of 5,000 digits",
        "wrong-value",
        SCOPE + "---\n" + document("Policy", f"maxDetach: {'9' * 5000}", "default"),
    ),
    _refused(
        "a scope that is nearly declared",
        "unknown-scope",
        rows("").replace(": lab\n", ": lba\n"),
        "`lab`",
    ),
    _refused(
        "a name for a path", "invalid-name", SCOPE.replace("name: lab", "name: ../lab"), _at(3, 18)
    ),
    _refused("two scopes of one name", "duplicate-name", f"{SCOPE}---\n{SCOPE}", _at(8, 18)),
    _refused(
        "two scopes of one cloud",
        "duplicate-identity",
        "---\n".join(
            document("Scope", "provider: huawei-ecs\nregion: r\nprojectId: p", name)
            for name in "ab"
        ),
        _at(11, 18),
    ),
    _refused(
        "two policies that differ",
        "policy-conflict",
        "---\n".join(
            (
                SCOPE,
                *(document("Policy", f"scopes: [lab]\nmaxDetach: {n}", f"p{n}") for n in (1, 2)),
            )
        ),
    ),
    _refused(
        "a policy for nobody",
        "policy-without-scopes",
        SCOPE + "---\n" + document("Policy", "maxDetach: 1"),
    ),
    _refused(
        "a row that is listed on one side",
        "contradiction",
        rows("servers: {web-1: {volumes: [a]}}\nvolumes: {a: {servers: [web-2]}}"),
        _at(11, 31),
        "and lab.yaml:12:13",
    ),
    _refused(
        "a volume listed and absent",
        "contradiction",
        rows("servers: {web-1: {volumes: [a], absent: [a]}}"),
    ),
    _refused(
        "a volume listed twice", "duplicate-listing", rows("servers: {web-1: {volumes: [a, a]}}")
    ),
    _refused(
        "one server in two documents",
        "duplicate-entry",
        rows("servers: {web-1: {volumes: []}}")
        + "---\n"
        + document("Attachments", "scope: lab\nservers: {web-1: {volumes: []}}", "more"),
        _at(18, 13),
        "and lab.yaml:11:13",
    ),
)


def _scope(more: str) -> str:
    return document("Scope", f"provider: huawei-ecs\nregion: r\n{more}")


CREDENTIALS = (
    _refused(
        "a credential in the file",
        "credential-plain",
        _scope("credentials:\n  accessKey: AKIA-SECRET"),
        "never hold the credential itself",
    ),
    _refused(
        "a variable that is not ours",
        "credential-variable",
        _scope("credentials: {accessKey: {env: AWS_SECRET}, secretKey: {env: HW_SECRET_KEY}}"),
    ),
    _refused("a password in an address", "endpoint-address", _scope("endpoint: https://u:p@x.y")),
    _refused("an address without TLS", "endpoint-address", _scope("endpoint: http://ecs.example")),
    _refused("a world of a real cloud", "world-without-simulator", _scope("world: a.world.yaml")),
    Case(
        name="an address of a stranger",
        verb=("plan", "-f", "lab.yaml"),
        exit=1,
        codes=frozenset({"endpoint-not-allowed"}),
        text=_scope("projectId: p\nendpoint: https://myhuaweicloud.com.evil.example"),
        says=(_at(8, 13), "RECONCILER_ENDPOINTS"),
    ),
)

MANIFESTS = (*BOMBS, *FILES, *YAML, *WORDS, *CREDENTIALS)
