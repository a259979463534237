"""A row of the table as it is written; a key that nobody knows is an error, never ignored."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RANGE = re.compile(r"\b([a-z][a-z-]*)(\d+)\.\.\1(\d+)\b")
HERE = Path(__file__).parent
KINDS = ("refuses", "passes", "edge", "around")
KEYS = {
    *("name", "why", "guard", "kind", "cloud", "scope", "declared", "live", "details", "policy"),
    *(
        "applied",
        "before",
        "flags",
        "answers",
        "meanwhile",
        "declared then",
        "policy then",
        "fork",
        "manifests",
    ),
    *("faults", "unfinished", "hooks", "owed", "second", "findings", "exit", "calls", "says"),
}
NONE = "none"
"""What `applied` says where nothing was applied, and nobody says so."""
OF_SCOPE = {"scope", "declared", "live", "details", "policy", "applied", "before"}
"""What a second scope of a row may say of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One scope of a row: what is wanted of it and what is there."""

    name: str
    cloud: str
    declared: str = ""
    live: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    applied: tuple[str, ...] | None = None
    """None: nothing was ever applied."""
    before: Mapping[str, object] = field(default_factory=dict)
    """What the manifests said at the last apply, where it wasn't what they say now."""
    admitted: bool = True
    """Whether a person says that it is the first apply, where it is."""
    scope: Mapping[str, object] = field(default_factory=dict)
    policies: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: a situation, and what the program is expected to say and do."""

    file: str
    name: str
    guards: tuple[str, ...]
    kind: str
    sides: tuple[Side, ...]
    manifests: str
    flags: str
    answers: tuple[str, ...]
    meanwhile: tuple[str, ...] | None
    """What somebody does between `plan --out` and `apply` of the saved plan; None: not saved."""
    declared_then: str | None
    policy_then: Mapping[str, object] | None
    fork: str | None
    """What a fork declares that has a snapshot of `declared` and no credentials; None: no fork."""
    faults: tuple[Mapping[str, object], ...]
    unfinished: tuple[str, ...]
    hooks: Mapping[str, str]
    """The hooks of the machine, and how each ends."""
    owed: tuple[str, ...]
    """Attachments whose hook failed after an earlier run had made them."""
    findings: tuple[str, ...]
    exits: Mapping[str, int]
    calls: tuple[str, ...]
    says: tuple[str, ...]

    @property
    def first(self) -> bool:
        """Tell whether a person says that it is the first apply."""
        return any(side.applied is None and side.admitted for side in self.sides)

    @property
    def saved(self) -> bool:
        """Tell whether a saved plan is applied."""
        return any(
            one is not None for one in (self.meanwhile, self.declared_then, self.policy_then)
        )


def rows() -> Iterator[Row]:
    """Give every row of the folder, file by file."""
    for path in sorted(HERE.glob("*.yaml")):
        for told in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            yield _row(path.name, told)


def texts(told: object) -> tuple[str, ...]:
    """Give a list that may be written as one text, separated by commas; ranges are spread."""
    if isinstance(told, str):
        return tuple(part.strip() for part in spread(told).split(",") if part.strip())
    return tuple(str(part) for part in cast("Sequence[object]", told or ()))


def spread(text: str) -> str:
    """Give a text with `v1, v2, v3` in the place of `v1..v3`."""

    def listed(found: re.Match[str]) -> str:
        word, first, last = found[1], int(found[2]), int(found[3])
        return ", ".join(f"{word}{number}" for number in range(first, last + 1))

    return RANGE.sub(listed, text)


def _row(file: str, told: dict[str, object]) -> Row:
    name = str(told["name"])
    unknown = told.keys() - KEYS
    assert not unknown, f"{file}: `{name}` has keys that mean nothing: {sorted(unknown)}"
    second = cast("dict[str, object]", told.get("second", {}))
    assert second.keys() <= OF_SCOPE, f"{file}: `{name}`: second takes {sorted(OF_SCOPE)}"
    cloud = str(told.get("cloud", "huawei-ecs"))
    sides = [_side("shop", cloud, told)] + ([_side("lab", cloud, second)] if second else [])
    meanwhile = told.get("meanwhile")
    return Row(
        file=file,
        name=name,
        guards=texts(told.get("guard", "")),
        kind=str(told.get("kind", "")),
        sides=tuple(sides),
        manifests=str(told.get("manifests", "")),
        flags=str(told.get("flags", "")),
        answers=texts(told.get("answers", "")),
        meanwhile=texts(meanwhile) if "meanwhile" in told else None,
        declared_then=cast("str | None", told.get("declared then")),
        policy_then=cast("Mapping[str, object] | None", told.get("policy then")),
        fork=cast("str | None", told.get("fork")),
        faults=tuple(cast("list[Mapping[str, object]]", told.get("faults", []))),
        unfinished=texts(told.get("unfinished", "")),
        hooks=cast("Mapping[str, str]", told.get("hooks", {})),
        owed=texts(told.get("owed", "")),
        findings=texts(told["findings"]),
        exits=cast("Mapping[str, int]", told["exit"]),
        calls=tuple(cast("list[str]", told["calls"])),
        says=_lines(told.get("says", [])),
    )


def _lines(told: object) -> tuple[str, ...]:
    """Give what has to be said; a sentence has commas, so one text is one sentence."""
    return (told,) if isinstance(told, str) else tuple(cast("list[str]", told))


def _side(name: str, cloud: str, told: Mapping[str, object]) -> Side:
    policy = told.get("policy", [])
    listed = [policy] if isinstance(policy, dict) else cast("list[dict[str, object]]", policy)
    live = cast("Mapping[str, str | None]", told.get("live", {}))
    return Side(
        name=name,
        cloud=cloud,
        declared=spread(str(told.get("declared", ""))),
        live={label: words or "" for key, words in live.items() for label in texts(key)},
        details=cast("Mapping[str, Mapping[str, object]]", told.get("details", {})),
        applied=texts(told["applied"]) if told.get("applied", NONE) != NONE else None,
        before=cast("Mapping[str, object]", told.get("before", {})),
        admitted="applied" not in told,
        scope=cast("Mapping[str, object]", told.get("scope", {})),
        policies=tuple(listed),
    )
