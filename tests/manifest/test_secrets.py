"""Credentials are named, never held, and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.manifest.writing import HEAD, Case, check, declared, load_text, only, scope_of

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = (
    Case(
        "a credential in plain text is refused",
        scope_of("credentials:\n  secretKey: AKIAVERYSECRET"),
        "credential-plain",
        8,
        16,
        "`credentials.secretKey` must name a variable or a file, never hold the credential itself",
        "write `{env: NAME}` or `{file: PATH}`",
        shown=False,
    ),
    Case(
        "a credential in quotes is refused",
        scope_of("credentials:\n  secretKey: 'AKIAVERYSECRET'"),
        "credential-plain",
        8,
        16,
        "`credentials.secretKey` must name a variable or a file, never hold the credential itself",
        "write `{env: NAME}` or `{file: PATH}`",
        shown=False,
    ),
    Case(
        "a key and a user are refused",
        scope_of("credentials:\n  accessKey: {env: HW_A}\n  user: {env: HW_U}"),
        "credentials-mixed",
        8,
        5,
        "`credentials` must name an access key or a user, not both",
        "keep `accessKey` and `secretKey`, or `user`, `password` and `domain`",
        shown=False,
    ),
    Case(
        "a user without a domain is refused",
        scope_of("credentials:\n  user: {env: HW_U}\n  password: {env: HW_P}"),
        "credentials-incomplete",
        8,
        5,
        "`credentials` must name `user`, `password` and `domain`, all three",
        "add what is missing; `domain` is the name of the account that the user is in",
        shown=False,
    ),
    Case(
        "a password in plain text is refused",
        scope_of("credentials:\n  password: AKIAVERYSECRET"),
        "credential-plain",
        8,
        15,
        "`credentials.password` must name a variable or a file, never hold the credential itself",
        "write `{env: NAME}` or `{file: PATH}`",
        shown=False,
    ),
    Case(
        "a foreign variable is refused",
        scope_of("credentials:\n  secretKey: {env: AWS_SECRET}"),
        "credential-variable",
        8,
        22,
        (
            "`credentials.secretKey.env` must name a variable that begins with `HW_`, "
            "`HUAWEICLOUD_`, `SCP_` or `RECONCILER_CRED_`"
        ),
        "rename the variable, for example to `RECONCILER_CRED_` and what it holds",
        shown=False,
    ),
    Case(
        "a credential as a variable's name is refused",
        scope_of("credentials:\n  secretKey: {env: AKIAVERYSECRET}"),
        "credential-variable",
        8,
        22,
        (
            "`credentials.secretKey.env` must name a variable that begins with `HW_`, "
            "`HUAWEICLOUD_`, `SCP_` or `RECONCILER_CRED_`"
        ),
        "rename the variable, for example to `RECONCILER_CRED_` and what it holds",
        shown=False,
    ),
    Case(
        "a variable and a file is refused",
        scope_of("credentials:\n  secretKey: {env: HW_SECRET_KEY, file: k}"),
        "exactly-one",
        8,
        16,
        "`credentials.secretKey` must hold exactly one of `env` and `file`, not both",
        "write `env` or `file`",
        shown=False,
    ),
    Case(
        "neither variable nor file is refused",
        scope_of("credentials:\n  secretKey: {}"),
        "exactly-one",
        8,
        16,
        "`credentials.secretKey` must hold exactly one of `env` and `file`, not none",
        "write `env` or `file`",
        shown=False,
    ),
    Case(
        "a credential as a key is refused",
        scope_of("credentials:\n  secretKey: {AKIAVERYSECRET}"),
        "unknown-key",
        8,
        17,
        "a key is not known in `credentials.secretKey`",
        "use `env` or `file`, or take it out",
        shown=False,
    ),
    Case(
        "a misspelt credential is refused",
        scope_of("credentials:\n  secretkey: AKIAVERYSECRET"),
        "unknown-key",
        8,
        5,
        "a key is not known in `credentials`",
        "write `secretKey`",
        shown=False,
    ),
    Case(
        "a credential outside of credentials is refused",
        scope_of("secretKey: AKIAVERYSECRET"),
        "unknown-key",
        7,
        3,
        "`secretKey` is not known in `spec`",
        (
            "use `accountId`, `cloud`, `credentials`, `endpoint`, `environment`, `limits`, "
            "`projectId`, `serviceVersion`, `unmanaged` or `world`, or take it out"
        ),
        shown=False,
    ),
    Case(
        "a credential twice is refused",
        scope_of("credentials:\n  secretKey: {env: HW_A}\n  secretKey: AKIAVERYSECRET"),
        "duplicate-key",
        9,
        5,
        "a key under `credentials` stands here twice",
        "delete one of the two",
        also=(8,),
        shown=False,
    ),
    Case(
        "a credential that looks like an alias is refused",
        scope_of("credentials:\n  secretKey: *AKIAVERYSECRET"),
        "alias",
        8,
        16,
        "an alias (`*`) is not allowed",
        "write the value itself; put text that begins with `*` in quotes",
        shown=False,
    ),
    Case(
        "a credential that looks like a tag is refused",
        scope_of("credentials:\n  secretKey: !AKIAVERYSECRET {env: HW_A}"),
        "tag",
        8,
        16,
        "a tag (`!`) is not allowed",
        "take the tag out; put text with `!` in quotes",
        shown=False,
    ),
    Case(
        "a syntax error after a credential is refused",
        scope_of("credentials:\n  secretKey: {env: HW_A}\n  x: 'AKIAVERYSECRET"),
        "yaml-syntax",
        9,
        8,
        "this is not YAML: while scanning a quoted scalar, found unexpected end of stream",
        "close the quotes",
        shown=False,
    ),
    Case(
        "a syntax error in a credential is refused",
        scope_of("credentials:\n  secretKey:\n    AKIA: VERY: SECRET"),
        "yaml-syntax",
        9,
        17,
        "this is not YAML: mapping values are not allowed in this context",
        "put quotes around a value that holds `: `, or indent it",
        shown=False,
    ),
    Case(
        "a credential over several lines is refused",
        scope_of("credentials:\n  secretKey:\n    |\n    AKIAVERYSECRET\n    more\nlimits: {}"),
        "credential-plain",
        9,
        7,
        "`credentials.secretKey` must name a variable or a file, never hold the credential itself",
        "write `{env: NAME}` or `{file: PATH}`",
        shown=False,
    ),
    Case(
        "credentials that are text is refused",
        scope_of("credentials: AKIAVERYSECRET"),
        "wrong-type",
        7,
        16,
        "`credentials` must be a mapping, not text",
        "write a mapping",
        shown=False,
    ),
    Case(
        "another key after the credentials on one line is refused",
        HEAD["Scope"].rstrip()
        + " {provider: huawei-ecs, region: r, credentials: {secretKey: {env: HW_A}}, regio: x}\n",
        "unknown-key",
        4,
        80,
        "`regio` is not known in `spec`",
        (
            "use `accountId`, `cloud`, `endpoint`, `environment`, `limits`, `projectId`, "
            "`serviceVersion`, `unmanaged` or `world`, or take it out"
        ),
        shown=False,
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_it_is_refused_with_its_place(tmp_path: Path, case: Case) -> None:
    check(tmp_path, case)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_no_finding_repeats_a_secret(tmp_path: Path, case: Case) -> None:
    loaded = load_text(tmp_path, case.text)
    assert loaded.findings
    assert "AKIA" not in repr(loaded)
    assert "VERY" not in repr(loaded)


BROKEN = (
    "credentials:\n  secretKey: AKIAVERYSECRET\n\x01",
    "credentials: {secretKey: AKIAVERYSECRET",
    "credentials:\n  secretKey: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[AKIAVERYSECRET",
    "credentials:\n  secretKey:\n    - AKIAVERYSECRET\n    - &x AKIAVERYSECRET",
    "credentials: [AKIAVERYSECRET, {secretKey: AKIAVERYSECRET}]",
    "credentials: {AKIAVERYSECRET, AKIAVERYSECRET, AKIAVERYSECRET: {env: x}}",
    "credential: {accessKey: AKIAVERYSECRET}",
    "credentials: {}\ncredentials:\n  x: &a AKIAVERYSECRET\n  y: !!str AKIAVERYSECRET",
    "credentials: {}\ncredentials:\n  x:\n    y: AKIAVERYSECRET: z",
    "credentials:\n  ? [AKIAVERYSECRET]\n  : x",
    "credentials:\n  accessKey: {env: ~}\n  secretKey: {env: [AKIAVERYSECRET]}",
    'credentials:\n  secretKey: "AKIAVERYSECRET\\x01"',
    "credentials:\n  secretKey: {file: ' AKIAVERYSECRET'}",
    "limits:\n  credentials: AKIAVERYSECRET",
    "aecretKey: AKIAVERYSECRET",
    "acess-key: AKIAVERYSECRET",
    "endpoint: https://AKIAVERYSECRET@ecs.example",
    "endpoint: {ecs: 'https://AKIAVERYSECRET:x@ecs.example', evs: x}",
)


@pytest.mark.parametrize("body", BROKEN)
def test_a_broken_manifest_shows_no_secret_either(tmp_path: Path, body: str) -> None:
    loaded = load_text(tmp_path, scope_of(body))
    assert loaded.declared is None
    assert "AKIA" not in repr(loaded)


def test_lines_after_the_credentials_are_shown_again(tmp_path: Path) -> None:
    text = scope_of("credentials:\n  secretKey: {env: HW_A}\nlimit: {}\n")
    place = only(load_text(tmp_path, text).findings).place
    assert place is not None
    assert (place.line, place.text) == (9, "  limit: {}")


@pytest.mark.parametrize(
    "name", ["HW_A", "HUAWEICLOUD_SDK_AK", "SCP_TF_ACCESS_KEY", "RECONCILER_CRED_X"]
)
def test_a_variable_of_the_vendors_or_ours_is_named(tmp_path: Path, name: str) -> None:
    told = declared(tmp_path, scope_of(f"credentials: {{accessKey: {{env: {name}}}}}"))
    ref = told.scopes["shop"].credentials["accessKey"]
    assert (ref.env, ref.file, ref.place.text) == (name, None, "")


def test_a_user_is_declared(tmp_path: Path) -> None:
    text = "credentials:\n  user: {env: HW_U}\n  password: {file: /run/p}\n  domain: {env: HW_D}\n"
    credentials = declared(tmp_path, scope_of(text)).scopes["shop"].credentials
    assert {key: (ref.env, ref.file) for key, ref in credentials.items()} == {
        "user": ("HW_U", None),
        "password": (None, "/run/p"),
        "domain": ("HW_D", None),
    }
