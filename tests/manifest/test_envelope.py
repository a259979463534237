"""What every document has around its spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.manifest.writing import HEAD, SCOPE, Case, check

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = (
    Case(
        "a list at the top is refused",
        "- a\n",
        "wrong-type",
        1,
        1,
        "the document is a list, not a mapping",
        "begin it with `apiVersion: reconciler/v1`",
    ),
    Case(
        "another tool's version is refused",
        SCOPE.replace("reconciler/v1", "apps/v1"),
        "foreign-api-version",
        1,
        13,
        "`apiVersion` is `apps/v1`, not `reconciler/v1`",
        "keep other tools' manifests in another folder",
    ),
    Case(
        "a misspelt version is refused",
        SCOPE.replace("reconciler/v1", "reconciler/v2"),
        "foreign-api-version",
        1,
        13,
        "`apiVersion` is `reconciler/v2`, not `reconciler/v1`",
        "write `apiVersion: reconciler/v1`",
    ),
    Case(
        "no version is refused",
        SCOPE.replace("apiVersion: reconciler/v1\n", ""),
        "missing-key",
        1,
        1,
        "`document` has no `apiVersion`",
        "add `apiVersion:`",
    ),
    Case(
        "no kind is refused",
        SCOPE.replace("kind: Scope\n", ""),
        "missing-key",
        1,
        1,
        "`document` has no `kind`",
        "add `kind:`",
    ),
    Case(
        "an unknown kind is refused",
        SCOPE.replace("kind: Scope", "kind: Scop"),
        "unknown-kind",
        2,
        7,
        "there is no kind `Scop`",
        "write `kind: Scope`",
    ),
    Case(
        "a kind of nobody is refused",
        SCOPE.replace("kind: Scope", "kind: Deployment"),
        "unknown-kind",
        2,
        7,
        "there is no kind `Deployment`",
        "use `Scope`, `Attachments`, `Policy` or `Schedule`",
    ),
    Case(
        "no metadata is refused",
        SCOPE.replace("metadata: {name: shop}\n", ""),
        "missing-key",
        1,
        1,
        "`document` has no `metadata`",
        "add `metadata:`",
    ),
    Case(
        "no name is refused",
        SCOPE.replace("{name: shop}", "{labels: {a: b}}"),
        "missing-key",
        3,
        1,
        "`metadata` has no `name`",
        "add `name:`",
    ),
    Case(
        "a name without value is refused",
        SCOPE.replace("name: shop", "name:"),
        "yaml-syntax",
        3,
        16,
        "this is not YAML: while scanning a plain scalar, found unexpected ':'",
        "write `:` and a space after the key",
        also=(3,),
    ),
    Case(
        "a name with a slash is refused",
        SCOPE.replace("name: shop", "name: a/b"),
        "invalid-name",
        3,
        18,
        "`metadata.name` is not a name: `a/b`",
        "use letters, digits, `-`, `_` and `.`, and begin with a letter or digit",
    ),
    Case(
        "a name that is too long is refused",
        SCOPE.replace("name: shop", "name: " + "a" * 254),
        "invalid-name",
        3,
        18,
        "`metadata.name` has 254 characters, 253 are allowed",
        "shorten it",
    ),
    Case(
        "an unknown key at the top is refused",
        SCOPE + "status: {}\n",
        "unknown-key",
        5,
        1,
        "`status` is not known in `document`",
        "take it out",
    ),
    Case(
        "an unknown key in metadata is refused",
        SCOPE.replace("name: shop", "name: shop, namespace: x"),
        "unknown-key",
        3,
        24,
        "`namespace` is not known in `metadata`",
        "use `annotations` or `labels`, or take it out",
    ),
    Case(
        "a label that is a list is refused",
        SCOPE.replace("name: shop", "name: shop, labels: {a: [b]}"),
        "wrong-type",
        3,
        36,
        "`metadata.labels.a` must be text, not a list",
        "write one value",
    ),
    Case(
        "no spec is refused",
        "\n".join(SCOPE.split("\n")[:3]) + "\n",
        "missing-key",
        1,
        1,
        "`document` has no `spec`",
        "add `spec:`",
    ),
    Case(
        "an empty spec is refused",
        "\n".join(SCOPE.split("\n")[:3]) + "\nspec:\n",
        "no-value",
        4,
        1,
        "`spec` has no value",
        "write what the document is for under `spec:`",
    ),
    Case(
        "a spec that is text is refused",
        "\n".join(SCOPE.split("\n")[:3]) + "\nspec: x\n",
        "wrong-type",
        4,
        7,
        "`spec` must be a mapping, not text",
        "write a mapping",
    ),
    Case(
        "an Attachments spec that is a list is refused",
        SCOPE + "---\n" + HEAD["Attachments"].rstrip() + " []\n",
        "wrong-type",
        9,
        7,
        "`spec` must be a mapping, not a list",
        "write a mapping",
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_it_is_refused_with_its_place(tmp_path: Path, case: Case) -> None:
    check(tmp_path, case)
