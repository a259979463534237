"""Policy documents, and what holds for each scope after they were merged key by key.

1. A policy with `scopes` wins, key by key, over the one without, which is called `default`.
2. Two that are equals and set the same key for one scope are an error, even if they agree.
3. An acceptance that holds nothing back is an error: its scope goes by another policy's `accept`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.manifest import scalars
from reconciler.manifest.gathered import PolicyDocument, Setting
from reconciler.manifest.nodes import ListNode, MapNode, Pair
from reconciler.manifest.schema import AfterAttach, GuestRelease, PolicySpec
from reconciler.manifest.validate import validate
from reconciler.manifest.words import quoted
from reconciler.model.hook import Hook
from reconciler.model.policy import HOOK_TIMEOUT_S, Acceptance, Policy, WhenRunning, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.manifest.notes import Notes
    from reconciler.manifest.reading import Reading
    from reconciler.model.declared import Ref

DEFAULT = "default"
_FIELDS = {
    "maxDetach": "max_detach",
    "maxDetachShare": "max_detach_share",
    "maxDetachPerServer": "max_detach_per_server",
    "allowDestroy": "allow_destroy",
    "allowStatusReset": "allow_status_reset",
    "forceDetach": "force_detach",
    "accept": "accept",
    "afterAttach": "after_attach",
    "windows": "windows",
}
"""Keys whose value is taken as it is."""


def policy(reading: Reading, name: Ref | None, pair: Pair) -> PolicyDocument | None:
    """Give the policy as written; None when it, or its name, was refused."""
    spec = validate(reading, PolicySpec, pair, "spec")
    if name is not None and isinstance(pair.value, MapNode) and "scopes" not in pair.value.pairs:
        _check_default(reading.notes, name)
    if spec is None or name is None:
        return None
    assert isinstance(pair.value, MapNode)
    values = {
        "maxDetach": spec.max_detach,
        "maxDetachShare": spec.max_detach_share,
        "maxDetachPerServer": spec.max_detach_per_server,
        "allowDestroy": spec.allow_destroy,
        "allowStatusReset": spec.allow_status_reset,
        "forceDetach": None if spec.force_detach is None else spec.force_detach == "ask",
        "guestRelease": _released(reading, spec.guest_release, pair),
        "afterAttach": _hook(reading, spec.after_attach, pair, "afterAttach"),
        "windows": _windows(spec),
        "accept": _accepted(reading, spec, pair.value.pairs.get("accept")),
    }
    if spec.allow_destroy and spec.scopes is None:
        _unnamed_destroy(reading, pair.value.pairs["allowDestroy"])
    settings = {
        key: Setting(value=values.get(key), place=reading.place(written.key))
        for key, written in pair.value.pairs.items()
        if key != "scopes"
    }
    return PolicyDocument(
        name=name,
        scopes=refs(reading, pair, "scopes"),
        settings=settings,
        accepted=tuple(_accepted_in(reading, pair.value.pairs.get("accept"))),
    )


def refs(reading: Reading, pair: Pair, key: str) -> tuple[Ref, ...] | None:
    """Give the texts of a validated list with places; None when the key isn't there."""
    assert isinstance(pair.value, MapNode)
    written = pair.value.pairs.get(key)
    if written is None:
        return None
    assert isinstance(written.value, ListNode)
    found = (reading.ref(child, key, scalars.text) for child in written.value.children)
    return tuple(ref for ref in found if ref is not None)


def merged(
    documents: Iterable[PolicyDocument],
    scopes: Iterable[str],
    notes: Notes,
) -> Mapping[str, Policy]:
    """Give what holds for each scope; a conflict is noted once for each scope it names."""
    documents = tuple(documents)
    general = tuple(document for document in documents if document.scopes is None)
    by_scope: dict[str, list[PolicyDocument]] = {}
    for document in documents:
        for text in dict.fromkeys(ref.text for ref in document.scopes or ()):
            by_scope.setdefault(text, []).append(document)
    defaults = _settings(general, "every scope", notes)
    result: dict[str, Policy] = {}
    for scope in scopes:
        own = _settings(by_scope.pop(scope, ()), f"scope {quoted(scope)}", notes)
        result[scope] = _policy({**defaults, **own})
        _idle(documents, scope, own.get("accept"), notes)
    for scope, named in by_scope.items():
        _settings(named, f"scope {quoted(scope)}", notes)
    return result


def _idle(
    documents: Iterable[PolicyDocument], scope: str, own: Setting | None, notes: Notes
) -> None:
    """Note the acceptances that name a scope which doesn't go by them: what they hold would go."""
    for document in documents:
        rows = [ref for ref in document.accepted if ref.text == scope]
        if document.scopes is None:
            rows = rows if own is not None else []
        elif any(ref.text == scope for ref in document.scopes):
            continue
        for ref in rows:
            summary = f"this acceptance holds nothing back: {quoted(scope)} "
            hint = "move it into that one"
            if own is None:
                summary += f"isn't a scope of the policy {quoted(document.name.text)}"
                hint = "move it into the policy `default`, or into one that names its scope"
            else:
                summary += "goes by the `accept` of another policy"
            also = () if own is None else (own.place,)
            notes.error("accept-elsewhere", summary, hint, ref.place, also)


def _settings(
    equals: Iterable[PolicyDocument],
    whom: str,
    notes: Notes,
) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for document in equals:
        for key, setting in document.settings.items():
            earlier = found.setdefault(key, setting)
            if earlier is not setting:
                summary = f"two policies set {quoted(key)} for {whom}"
                hint = "keep it in one of the two"
                notes.error("policy-conflict", summary, hint, setting.place, (earlier.place,))
    return found


def _policy(settings: Mapping[str, Setting]) -> Policy:
    plain = Policy()
    values: dict[str, Any] = {
        key: setting.value for key, setting in settings.items() if setting.value is not None
    }
    known = {_FIELDS[key]: value for key, value in values.items() if key in _FIELDS}
    hook, when = values.get("guestRelease", (None, None))
    return replace(plain, **known, guest_release=hook, when_running=when)


def _released(
    reading: Reading, told: GuestRelease | None, spec: Pair
) -> tuple[Hook | None, WhenRunning | None] | None:
    """Give the hook of `guestRelease` and what it says of running servers."""
    if told is None:
        return None
    when = WhenRunning(told.when_running) if told.when_running is not None else None
    return _hook(reading, told, spec, "guestRelease"), when


def _hook(
    reading: Reading, told: GuestRelease | AfterAttach | None, spec: Pair, key: str
) -> Hook | None:
    if told is None or told.hook is None:
        return None
    timeout_s = HOOK_TIMEOUT_S if told.timeout is None else told.timeout
    assert isinstance(spec.value, MapNode)
    written = spec.value.pairs[key].value
    assert isinstance(written, MapNode)
    place = reading.place(written.pairs["hook"].value)
    return Hook(name=told.hook, timeout_s=timeout_s, place=place)


def _accepted(
    reading: Reading, spec: PolicySpec, pair: Pair | None
) -> tuple[Acceptance, ...] | None:
    if pair is None or spec.accept is None:
        return None
    assert isinstance(pair.value, ListNode)
    rows = zip(spec.accept, pair.value.children, strict=True)
    return tuple(
        Acceptance(
            scope=row.scope,
            server=row.server,
            volume=row.volume,
            until=row.until,
            reason=row.reason,
            place=reading.place(node),
        )
        for row, node in rows
    )


def _accepted_in(reading: Reading, pair: Pair | None) -> Iterator[Ref]:
    """Give the scope that each validated acceptance names, with its place."""
    for row in pair.value.children if pair is not None and isinstance(pair.value, ListNode) else ():
        assert isinstance(row, MapNode)
        ref = reading.ref(row.pairs["scope"].value, "scope", scalars.text)
        if ref is not None:
            yield ref


def _windows(spec: PolicySpec) -> tuple[Window, ...] | None:
    if spec.windows is None:
        return None
    return tuple(
        Window(
            allows=row.allow is not None,
            cron=row.allow or row.deny or "",
            duration_s=row.duration,
            timezone=row.timezone,
        )
        for row in spec.windows
    )


def _unnamed_destroy(reading: Reading, written: Pair) -> None:
    summary = "`allowDestroy: true` holds only in a policy that names its scopes"
    hint = "add `scopes: [SCOPE]` under `spec`: what may be lost is said one scope at a time"
    reading.notes.error("destroy-without-scopes", summary, hint, reading.place(written.value))


def _check_default(notes: Notes, name: Ref) -> None:
    if name.text == DEFAULT:
        return
    summary = f"the policy {quoted(name.text)} names no scopes and is not called `{DEFAULT}`"
    hint = f"add `scopes: [SCOPE]` under `spec`, or call it `{DEFAULT}`"
    notes.error("policy-without-scopes", summary, hint, name.place)
