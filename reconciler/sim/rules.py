"""Fault rules: what shall go wrong, for which requests, and how often.

1. Every rule counts all requests that match it, whether or not another rule fired.
2. The first rule, in the order written, that is due fires; one fault a request.
3. `answer` breaks the answer; the change happens with `effect: applied` only.
4. `job` breaks what an accepted change comes to. `fail`, `gone`, `false-success` and the
   servers named by `partial` change nothing, unless `effect: applied`; `init-first` and
   `slow` always apply.
5. `listing` breaks a page of a list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from reconciler.sim.dice import Dice
from reconciler.sim.fields import Fields, WorldError, documents, fault_at, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

_WHEN = ("nth", "every", "probability", "always")
_WHAT = ("answer", "job", "listing")
_COUNTS = ("matched", "fired")
_KEYS = ("match", *_WHEN, "times", *_WHAT, "effect", "retryAfter", *_COUNTS)
_ANSWERS = ("reset", "timeout", "stall", "truncate", "html", "throttle-202")
_JOBS = ("fail", "gone", "false-success", "init-first")
_LISTINGS = ("duplicate", "reorder", "drop-page", "lying-count", "endless")
_STATUS = re.compile("[2-5][0-9][0-9]")
_HEADER_TEXT = re.compile("[!-~]([ -~]*[!-~])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One fault; `kind` is answer, job or listing, `fault` its word or HTTP status."""

    match: str
    when: str
    amount: float
    kind: str
    fault: str
    seconds: float = 0.0
    servers: tuple[str, ...] = ()
    times: int | None = None
    effect: str = "none"
    retry_after: str | None = None

    @property
    def applied(self) -> bool:
        """Whether the change happens although the answer or the job is broken."""
        return self.effect == "applied" or self.fault in ("init-first", "slow")

    @property
    def title(self) -> str:
        """One line for the request log."""
        return f"{self.match} -> {self.kind} {self.fault}"

    def document(self) -> dict[str, object]:
        """Give the rule as it is written in a world file."""
        fault: object = int(self.fault) if self.fault.isdigit() else self.fault
        if self.fault in ("slow", "stale"):
            fault = {self.fault: self.seconds}
        if self.fault == "partial":
            fault = {"partial": list(self.servers)}
        amount: object = self.amount if self.when == "probability" else int(self.amount)
        written = {"match": self.match, self.when: True if self.when == "always" else amount}
        written[self.kind] = fault
        if self.effect != "none":
            written["effect"] = self.effect
        if self.times is not None:
            written["times"] = self.times
        if self.retry_after is not None:
            written["retryAfter"] = self.retry_after
        return written


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The rules in order, their seed, and how often each matched and fired before."""

    seed: str = "0"
    rules: tuple[Rule, ...] = ()
    counts: tuple[tuple[int, int], ...] = ()
    drawn: int = 0


@dataclass(slots=True)
class _Counter:
    rule: Rule
    pattern: re.Pattern[str]
    matched: int
    fired: int
    methods: frozenset[str] = field(default_factory=frozenset)

    def due(self, dice: Dice) -> bool:
        rule, self.matched = self.rule, self.matched + 1
        # The draw comes before every other test, so that a rule's luck depends on its
        # own matches only.
        lucky = rule.when == "probability" and dice.uniform() < rule.amount
        if rule.times is not None and self.fired >= rule.times:
            return False
        if rule.when == "nth":
            return self.matched == rule.amount
        if rule.when == "every":
            return self.matched % rule.amount == 0
        return lucky or rule.when == "always"


class Faults:
    """The rules at work: which one, if any, a request meets."""

    def __init__(self, chosen: RuleSet) -> None:
        self.seed = chosen.seed
        self.dice = Dice(f"faults/{chosen.seed}", chosen.drawn)
        counts = chosen.counts or ((0, 0),) * len(chosen.rules)
        self.counters = [
            _Counter(rule, _pattern(rule.match), *count)
            for rule, count in zip(chosen.rules, counts, strict=True)
        ]

    @property
    def longest_stale_s(self) -> float:
        """How far back a stale listing may look; 0 when no rule asks for one."""
        ages = [c.rule.seconds for c in self.counters if c.rule.fault == "stale"]
        return max(ages, default=0.0)

    def meets(self, method: str, path: str) -> Rule | None:
        """Give the rule that this request runs into; counts the request."""
        asked = f"{method} {path}"
        matching = [c for c in self.counters if c.pattern.fullmatch(asked)]
        due = [counter for counter in matching if counter.due(self.dice)]
        if not due:
            return None
        due[0].fired += 1
        return due[0].rule

    def document(self, *, counts: bool) -> dict[str, object]:
        """Give the rules as a world file writes them; with `counts`, what a restart needs too."""
        written = [counter.rule.document() for counter in self.counters]
        if not counts:
            return {"seed": self.seed, "rules": written}
        for row, counter in zip(written, self.counters, strict=True):
            row |= {"matched": counter.matched, "fired": counter.fired}
        return {"seed": self.seed, "rules": written, "drawn": self.dice.drawn}


def _pattern(match: str) -> re.Pattern[str]:
    method, glob = match.split(None, 1)
    verb = "[A-Z]+" if method == "*" else re.escape(method)
    path = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in glob)
    return re.compile(f"{verb} {path}", re.DOTALL)


def read_rules(text: str, name: str) -> RuleSet:
    """Give the rules in a text (JSON or YAML) with `seed` and `rules`; raises `WorldError`."""
    found = list(documents(text, name))
    if len(found) != 1:
        raise WorldError(f"{name}:1: {len(found)} documents; write one with `seed` and `rules`")
    return rules_of(found[0], name)


def rules_of(node: yaml.Node, name: str) -> RuleSet:
    """Give the rules of a node that was read; raises `WorldError`."""
    fields = Fields(node, name, "faults", ("seed", "rules", "drawn"))
    read = [_rule(row, name) for row in _rows(fields, "rules")]
    return RuleSet(
        seed=fields.text("seed", "0"),
        rules=tuple(rule for rule, _ in read),
        counts=tuple(count for _, count in read),
        drawn=fields.whole("drawn", 0),
    )


def _rows(fields: Fields, key: str) -> Sequence[yaml.Node]:
    return rows(fields.nodes[key], fields.name, key) if key in fields.nodes else ()


def _rule(node: yaml.Node, name: str) -> tuple[Rule, tuple[int, int]]:
    fields = Fields(node, name, "a fault rule", _KEYS)
    when, amount = _when(fields)
    kind = _one_of(fields, _WHAT)
    fault, seconds, servers = _what(fields, kind)
    if kind == "listing" and fields.given("effect"):
        raise fields.fault("effect", "a `listing` changes nothing; leave `effect` out")
    if fields.given("retryAfter") and kind != "answer":
        raise fields.fault("retryAfter", "`retryAfter` belongs to an `answer`; leave it out")
    retry_after = fields.optional("retryAfter")
    if retry_after is not None and not _HEADER_TEXT.fullmatch(retry_after):
        raise fields.fault("retryAfter", "`retryAfter` is a header; write seconds or a date")
    effect = fields.choice("effect", ("none", "applied"), "none")
    if fault in ("slow", "init-first") and fields.given("effect") and effect == "none":
        raise fields.fault("effect", f"`{fault}` always applies; leave `effect` out")
    rule = Rule(
        match=_match(fields),
        when=when,
        amount=amount,
        kind=kind,
        fault=fault,
        seconds=seconds,
        servers=servers,
        times=fields.whole("times") if fields.given("times") else None,
        effect=effect,
        retry_after=retry_after,
    )
    return rule, (fields.whole("matched", 0), fields.whole("fired", 0))


def _match(fields: Fields) -> str:
    words = fields.text("match").split(None, 1)
    if len(words) != len(("METHOD", "glob")) or not (words[0] == "*" or words[0].isalpha()):
        text = f"`match` is `{' '.join(words)}`; write a method and a path glob: `POST *detach*`"
        raise fields.fault("match", text)
    return f"{words[0].upper()} {words[1]}"


def _one_of(fields: Fields, keys: tuple[str, ...]) -> str:
    given = [key for key in keys if fields.given(key)]
    if len(given) != 1:
        known = ", ".join(f"`{key}`" for key in keys)
        said = ", ".join(f"`{key}`" for key in given) or "none"
        text = f"a fault rule has exactly one of {known}; this one has {said}"
        raise fields.fault(given[-1] if given else "", text)
    return given[0]


def _when(fields: Fields) -> tuple[str, float]:
    when = _one_of(fields, _WHEN)
    if when == "always":
        if not fields.flag("always", default=True):
            raise fields.fault("always", "`always: false` never fires; take the rule away")
        return when, 1
    if when == "probability":
        if (share := fields.number(when)) <= 1:
            return when, share
        raise fields.fault(when, f"`probability` is {share}; write a number from 0 to 1")
    if (count := fields.whole(when)) >= 1:
        return when, count
    raise fields.fault(when, f"`{when}` is {count}; write 1 or more")


def _what(fields: Fields, kind: str) -> tuple[str, float, tuple[str, ...]]:
    node = fields.nodes[kind]
    if isinstance(node, yaml.MappingNode):
        return _with_value(fields, kind, node)
    word = fields.text(kind)
    if kind == "answer" and _STATUS.fullmatch(word):
        return word, 0.0, ()
    allowed = {"answer": _ANSWERS, "job": _JOBS, "listing": _LISTINGS}[kind]
    if word not in allowed:
        extra = {"answer": "an HTTP status", "job": "{partial: [servers]}, {slow: seconds}"}
        known = ", ".join((*allowed, extra.get(kind, "{stale: seconds}")))
        raise fields.fault(kind, f"`{kind}` is `{word}`; write one of {known}")
    return word, 0.0, ()


def _with_value(
    fields: Fields, kind: str, node: yaml.MappingNode
) -> tuple[str, float, tuple[str, ...]]:
    allowed = {"answer": (), "job": ("partial", "slow"), "listing": ("stale",)}[kind]
    if not allowed:
        raise fields.fault(kind, "`answer` is an HTTP status or a word, not a mapping")
    inner = Fields(node, fields.name, f"`{kind}`", allowed)
    word = _one_of(inner, allowed)
    if word != "partial":
        return word, inner.number(word), ()
    named = []
    for row in _rows(inner, word):
        if not isinstance(row, yaml.ScalarNode):
            raise fault_at(row, fields.name, "`partial` lists the names or ids of servers")
        named.append(str(row.value))
    return word, 0.0, tuple(named)
