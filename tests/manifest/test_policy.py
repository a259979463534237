"""Policies and schedules: their shape, and how policies are merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.policy import HOOK_TIMEOUT_S, Policy, WhenRunning
from tests.manifest.writing import SCOPE, Case, check, codes, declared, load_text, policy, spec

if TYPE_CHECKING:
    from pathlib import Path


def body_of(written: str) -> str:
    """Write a Schedule whose webhook is sent this."""
    hook = f"urlFrom: {{env: RECONCILER_CRED_HOOK_URL}}, body: {written}"
    return f"every: 5m\nnotify: [{{webhook: {{{hook}}}}}]"


KEEP = "{scope: shop, server: web-1, volume: a, until: 2026-12-01, reason: restore}"
TWO_SCOPES = SCOPE + "---\n" + SCOPE.replace("shop", "lab").replace("3}", "1}") + "---\n"


def named_policy(name: str, body: str) -> str:
    """Write a Policy of this name."""
    return spec("Policy", body).replace("default", name)


REFUSED = (
    Case(
        "a window that never begins is refused",
        policy('windows: [{allow: "0 0 31 2 *", duration: 1h}]'),
        "wrong-value",
        10,
        21,
        "`windows[0].allow` must be a cron expression that comes to pass, not `0 0 31 2 *`",
        "write one such as `0 22 * * 1-5`",
    ),
    Case(
        "a time zone that there isn't is refused",
        policy('windows: [{allow: "0 0 * * *", duration: 1h, timezone: Asia/Soul}]'),
        "wrong-value",
        10,
        58,
        "`windows[0].timezone` must be the name of a time zone, not `Asia/Soul`",
        "write a name such as `Asia/Seoul`",
    ),
    Case(
        "a destroy that is allowed everywhere is refused",
        policy("allowDestroy: true"),
        "destroy-without-scopes",
        10,
        17,
        "`allowDestroy: true` holds only in a policy that names its scopes",
        "add `scopes: [SCOPE]` under `spec`: what may be lost is said one scope at a time",
    ),
    Case(
        "an acceptance in a policy of another scope is refused",
        TWO_SCOPES + named_policy("lab", f"scopes: [lab]\naccept: [{KEEP}]"),
        "accept-elsewhere",
        16,
        20,
        "this acceptance holds nothing back: `shop` isn't a scope of the policy `lab`",
        "move it into the policy `default`, or into one that names its scope",
    ),
    Case(
        "a default acceptance is refused where the scope's own policy accepts something else",
        policy(f"accept: [{KEEP}]")
        + "---\n"
        + named_policy("tight", f"scopes: [shop]\naccept: [{KEEP.replace('web-1', 'web-2')}]"),
        "accept-elsewhere",
        10,
        20,
        "this acceptance holds nothing back: `shop` goes by the `accept` of another policy",
        "move it into that one",
        also=(17,),
    ),
    Case(
        "a timeout of no hook is refused",
        policy("guestRelease: {timeout: 2m}"),
        "hook-missing",
        10,
        17,
        "`guestRelease` must name the `hook` that its `timeout` is for",
        "add `hook: NAME`, or take `timeout` out",
    ),
    Case(
        "a negative limit is refused",
        policy("maxDetach: -1"),
        "wrong-value",
        10,
        14,
        "`maxDetach` must be a whole number, 0 or more, not `-1`",
        "write plain decimal digits, at most nine",
    ),
    Case(
        "a limit that is not whole is refused",
        policy("maxDetach: 1.5"),
        "wrong-value",
        10,
        14,
        "`maxDetach` must be a whole number, 0 or more, not `1.5`",
        "write plain decimal digits, at most nine",
    ),
    Case(
        "a limit of a thousand digits is refused",
        policy("maxDetach: " + "9" * 30),
        "wrong-value",
        10,
        14,
        "`maxDetach` must be a whole number, 0 or more, not `999999999999999999999999999999`",
        "write plain decimal digits, at most nine",
    ),
    Case(
        "a share above one is refused",
        policy("maxDetachShare: 1.5"),
        "wrong-value",
        10,
        19,
        "`maxDetachShare` must be from 0 to 1, not `1.5`",
        "write a share such as `0.3`",
    ),
    Case(
        "a share in percent is refused",
        policy("maxDetachShare: 30%"),
        "wrong-value",
        10,
        19,
        "`maxDetachShare` must be a decimal number from 0 to 1, not `30%`",
        "write plain decimal digits, at most nine",
    ),
    Case(
        "a share that is not a number is refused",
        policy("maxDetachShare: .nan"),
        "wrong-value",
        10,
        19,
        "`maxDetachShare` must be a decimal number from 0 to 1, not `.nan`",
        "write plain decimal digits, at most nine",
    ),
    Case(
        "an unknown key is refused",
        policy("maxDetatch: 1"),
        "unknown-key",
        10,
        3,
        "`maxDetatch` is not known in `spec`",
        "write `maxDetach`",
    ),
    Case(
        "scopes that are empty is refused",
        policy("scopes: []"),
        "wrong-value",
        10,
        11,
        "`scopes` is empty",
        "name at least one, or take it out",
    ),
    Case(
        "scopes as text is refused",
        policy("scopes: shop"),
        "wrong-type",
        10,
        11,
        "`scopes` must be a list, not text",
        "write a list",
    ),
    Case(
        "a window without duration is refused",
        policy('windows: [{allow: "0 0 * * *"}]'),
        "missing-key",
        10,
        13,
        "`windows[0]` has no `duration`",
        "add `duration:`",
    ),
    Case(
        "a window that allows and denies is refused",
        policy("windows: [{allow: '0 0 * * *', deny: '0 0 * * *', duration: 1h}]"),
        "exactly-one",
        10,
        13,
        "`windows[0]` must hold exactly one of `allow` and `deny`, not both",
        "write `allow` or `deny`",
    ),
    Case(
        "windows of the wrong type is refused",
        policy("windows: always"),
        "wrong-type",
        10,
        12,
        "`windows` must be a list, not text",
        "write a list",
    ),
    Case(
        "an unknown key in a window is refused",
        policy("windows: [{allow: 0 0 * * *, duration: 1h, timezon: UTC}]"),
        "unknown-key",
        10,
        46,
        "`timezon` is not known in `windows[0]`",
        "write `timezone`",
    ),
    Case(
        "a day that is none is refused",
        policy("accept: [{scope: a, server: b, volume: c, until: tomorrow, reason: d}]"),
        "wrong-value",
        10,
        52,
        "`accept[0].until` must be a day, not `tomorrow`",
        "write a day such as `2026-12-01`",
    ),
    Case(
        "forceDetach always is refused",
        policy("forceDetach: always"),
        "wrong-value",
        10,
        16,
        "`forceDetach` must be `never` or `ask`, not `always`",
        "write `never` or `ask`",
    ),
    Case(
        "both every and cron is refused",
        SCOPE + "---\n" + spec("Schedule", 'scopes: [shop]\nevery: 5m\ncron: "0 5 * * *"'),
        "exactly-one",
        10,
        3,
        "`spec` must hold exactly one of `every` and `cron`, not both",
        "write `every` or `cron`",
    ),
    Case(
        "a body of a message that isn't JSON is refused",
        SCOPE + "---\n" + spec("Schedule", body_of("'{a'")),
        "wrong-value",
        11,
        71,
        "`notify[0].webhook.body` must be JSON",
        "quote it as YAML; inside its texts may stand `{appeared}`, `{at}`, `{gone}`, `{scopes}`, "
        "`{text}`",
    ),
    Case(
        "a placeholder that nothing fills is refused",
        SCOPE + "---\n" + spec("Schedule", body_of("'[\"{env}\"]'")),
        "wrong-value",
        11,
        71,
        "`notify[0].webhook.body` holds `{env}`, which nothing fills",
        "write one of `{appeared}`, `{at}`, `{gone}`, `{scopes}`, `{text}`",
    ),
    Case(
        "a webhook from a foreign variable is refused",
        SCOPE
        + "---\n"
        + spec("Schedule", "every: 5m\nnotify: [{webhook: {urlFrom: {env: HOME}}}]"),
        "credential-variable",
        11,
        38,
        (
            "`notify[0].webhook.urlFrom.env` must name a variable that begins with `HW_`, "
            "`HUAWEICLOUD_`, `SCP_` or `RECONCILER_CRED_`"
        ),
        "rename the variable, for example to `RECONCILER_CRED_` and what it holds",
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.why)
def test_it_is_refused_with_its_place(tmp_path: Path, case: Case) -> None:
    check(tmp_path, case)


def tight(body: str, name: str = "tight") -> str:
    return "---\n" + spec("Policy", body).replace("default", name)


def test_without_a_policy_the_defaults_hold(tmp_path: Path) -> None:
    assert declared(tmp_path, SCOPE).policies == {"shop": Policy()}


def test_a_policy_with_scopes_wins_key_by_key(tmp_path: Path) -> None:
    other = "---\n" + SCOPE.replace("shop", "other").replace("southeast-3", "other")
    text = policy("maxDetach: 3\nmaxDetachShare: 1\nmaxDetachPerServer: 0")
    text += (
        other
        + tight("scopes: [shop]\nmaxDetach: 7")
        + tight("scopes: [shop]\nmaxDetachShare: 0.5", "b")
    )
    assert declared(tmp_path, text).policies == {
        "shop": Policy(max_detach=7, max_detach_share=0.5, max_detach_per_server=0),
        "other": Policy(max_detach=3, max_detach_share=1.0, max_detach_per_server=0),
    }


def test_two_defaults_are_told_by_name_and_by_key(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, policy("maxDetach: 1") + "---\n" + spec("Policy", "maxDetach: 2"))
    assert codes(loaded) == ["duplicate-name", "policy-conflict"]
    assert loaded.findings[1].summary == "two policies set `maxDetach` for every scope"


def test_what_is_default_anyway_may_be_written(tmp_path: Path) -> None:
    body = "allowDestroy: false\nallowStatusReset: false\nforceDetach: never"
    assert declared(tmp_path, policy(body)).policies == {"shop": Policy()}


def test_what_a_policy_permits_by_name_holds_for_its_scopes_alone(tmp_path: Path) -> None:
    other = SCOPE.replace("shop", "other").replace("southeast-3", "southeast-2")
    body = "scopes: [shop]\nallowDestroy: true\nallowStatusReset: true\n"
    body += "guestRelease: {whenRunning: warn}\nforceDetach: ask"
    told = declared(tmp_path, f"{SCOPE}---\n{other}---\n{spec('Policy', body)}").policies
    assert told["other"] == Policy()
    assert told["shop"] == Policy(
        allow_destroy=True,
        allow_status_reset=True,
        force_detach=True,
        when_running=WhenRunning.WARN,
    )


def test_hooks_are_named_with_their_time_and_place(tmp_path: Path) -> None:
    body = "guestRelease: {hook: release-disk, timeout: 90s}\nafterAttach: {hook: mount-disk}"
    told = declared(tmp_path, policy(body)).policies["shop"]
    assert told.when_running is None
    release, after = told.guest_release, told.after_attach
    assert release is not None
    assert after is not None
    assert (release.name, release.timeout_s, release.place.line) == ("release-disk", 90.0, 10)
    assert (after.name, after.timeout_s, after.place.line) == ("mount-disk", HOOK_TIMEOUT_S, 11)
