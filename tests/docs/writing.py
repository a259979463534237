"""Pages of the reference that are written from the code: keys of manifests, clouds, metrics."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.manifest.json_schema import json_schema
from reconciler.metrics.families import Numbers, families
from reconciler.providers import discover

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.providers.spec import ProviderSpec

    Shape = Mapping[str, Any]

KINDS = ("Scope", "Attachments", "Policy", "Schedule")
KNOWN = {
    "^[1-9][0-9]{0,5}[smhd]$": "a duration: `30s`, `5m`, `12h`, `7d`",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "a day: `2026-12-01`",
    r"^\S([^\n\r\t]*\S)?$": "text",
    "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$": "letters and digits, `-` between them",
}
SCHEMA = """\
# Keys

Every key of every kind, written from the schema that `reconciler schema` prints. What the keys
mean stands in [manifest](manifest.md); a key that isn't here is refused.
"""
CLOUDS = """\
# Clouds

What each provider claims and asks for, written from its SPEC; sources, and what was never
verified, stand in its own page. What it comes to: [providers](providers.md).
"""
METRICS = """\
# Metrics

Everything that `/metrics` and `--metrics-file` show, written from the code. How they are served,
and what counts as one: [the service](watch.md#metrics).

| name | kind | labels | |
|---|---|---|---|
"""


def schema() -> str:
    """Give every key of every kind of document."""
    whole = json_schema()
    shapes = whole["definitions"]
    first = [f"{kind}Spec" for kind in KINDS]
    rest = sorted(shapes.keys() - {*first})
    return "\n".join([SCHEMA, *(_keys(name, shapes[name]) for name in (*first, *rest))])


def _keys(name: str, shape: Shape) -> str:
    wanted = set(shape.get("required", ()))
    rows = [
        f"| `{key}` | {'yes' if key in wanted else ''} | {_told(of)} |"
        for key, of in sorted(shape.get("properties", {}).items())
    ]
    table = "\n".join(["| key | needed | |", "|---|---|---|", *rows])
    return f"## {name}\n\n{shape.get('description', '')}\n\n{table}\n"


def _told(of: Shape) -> str:
    """Give in words what a key takes."""
    if "$ref" in of:
        name = of["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in of:
        return " or ".join(f"`{one}`" for one in of["enum"])
    if "if" in of and "then" in of and "else" in of:
        return f"{_told(of['else'])}, or {_told(of['then'])}"
    return _several(of) or _scalar(of)


def _several(of: Shape) -> str:
    """Give in words what a list or a mapping takes; empty for a scalar."""
    if "items" in of:
        return f"a list; each {_told(of['items'])}"
    inside = of.get("additionalProperties")
    if inside:
        return f"by name, {_told(inside)}"
    if "properties" in of:
        return "a mapping of " + ", ".join(f"`{key}`" for key in sorted(of["properties"]))
    return ""


def _scalar(of: Shape) -> str:
    kinds = of.get("type", "")
    if kinds == "boolean":
        return "`true` or `false`"
    if kinds in ("integer", "number"):
        if "exclusiveMinimum" in of:
            return f"a number above {of['exclusiveMinimum']}"
        most = f" to {of['maximum']}" if "maximum" in of else " and more"
        return f"a number, {of['minimum']}{most}"
    pattern = str(of.get("pattern", ""))
    shown = pattern.replace("|", "\\|")
    return KNOWN.get(pattern) or (f"text like `{shown}`" if pattern else "text")


def clouds() -> str:
    """Give what every provider of ours claims."""
    return "\n".join([CLOUDS, *(_cloud(spec) for _, spec in sorted(discover().items()))])


def _cloud(spec: ProviderSpec) -> str:
    rows = "\n".join(f"| {what} | {told} |" for what, told in _facts(spec))
    return f"## {spec.name}\n\n| | |\n|---|---|\n{rows}\n"


def _facts(spec: ProviderSpec) -> Iterator[tuple[str, str]]:
    can = spec.can
    for key, names in spec.variables.items():
        yield f"`{key}` from", _listed(names)
    yield "keys of its Scope", _listed(sorted(spec.takes))
    yield "of them needed", _listed(spec.wants)
    for api, address in sorted(spec.apis.items()):
        yield f"`{api}` at", f"`{address}`"
    yield "`{cloud}` unless written", f"`{spec.cloud}`"
    yield "secrets may go to", _listed(spec.domains)
    yield "servers of a shared volume", str(can.max_servers_per_volume)
    yield "disks that every server takes", str(can.sure_slots or "not known")
    yield "changes at once, unless `maxConcurrency`", str(can.max_concurrency)
    yield "deadline of a change, unless `stepTimeout`", f"{timedelta(seconds=can.step_deadline_s)}"
    yield "a change is guessed to take", f"{can.job_s:g} s"
    yield "a device may be asked for", _flag(known=can.device)
    yield "detach by force", _flag(known=can.force)
    yield "shows what is in motion", _flag(known=can.shows_motion)
    yield "shows marks of other controllers", _flag(known=can.shows_owner_marks)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words) or "none"


def _flag(*, known: bool) -> str:
    return "yes" if known else "no"


def metrics() -> str:
    """Give every metric."""
    lines = [
        f"| `{shown}` | {family.type} | {_listed(vars(family)['_labelnames'])} | "
        f"{family.documentation} |"
        for family in families(Numbers(), 0.0)
        for shown in _shown(family.name, family.type)
    ]
    return METRICS + "".join(f"{line}\n" for line in lines)


def _shown(name: str, kind: str) -> tuple[str, ...]:
    """Give the names under which a family is scraped."""
    if kind == "counter":
        return (f"{name}_total",)
    return (f"{name}_bucket", f"{name}_sum", f"{name}_count") if kind == "histogram" else (name,)
