"""Saved plans: the document, and where its manifests were. A file narrows, it never adds."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from reconciler.model.attachment import AttachmentKey
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.plan import Action, Approved, Update
from reconciler.operations.sessions import Request
from reconciler.report.document import digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.model.plan import Facts
    from reconciler.report.document import Document

LONGEST_BYTES = 256 * 1024 * 1024
"""A plan of 100,000 changes is a fifth of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """What a plan file approves, and the manifests it was made from."""

    request: Request
    """The manifests, scopes and selection that it was made with."""
    digest: str
    approved: tuple[Approved, ...]


def save(path: Path, document: Document, request: Request) -> None:
    """Write a plan file that only its owner may read; whole or not at all.

    Raises FindingsError when it can't be written.
    """
    text = json.dumps(
        {
            "attachment_reconciler_plan": 1,
            "files": list(request.files),
            "recursive": request.recursive,
            "scopes": list(request.scopes),
            "targets": list(request.targets),
            "excludes": list(request.excludes),
            "compare_with": request.compare_with,
            "first_apply": request.first_apply,
            "plan": document,
        },
        sort_keys=True,
        indent=1,
    )
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        beside.replace(path)
    except OSError as error:
        raise FindingsError(
            _wrong(path, f"can't be written: {error.strerror}", "choose another --out FILE")
        ) from error


def read(path: Path) -> SavedPlan:
    """Read a plan file. Raises FindingsError when it isn't one, or isn't whole."""
    again = "make it anew with `reconciler plan --out FILE`"
    try:
        if path.stat().st_size > LONGEST_BYTES:
            raise FindingsError(_wrong(path, f"is larger than {LONGEST_BYTES} bytes", again))
        saved = json.loads(path.read_text(encoding="utf-8"))
        return _parsed(saved)
    except OSError as error:
        raise FindingsError(_wrong(path, f"can't be read: {error.strerror}", again)) from error
    except RecursionError as error:
        raise FindingsError(_wrong(path, "is nested too deep", again)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FindingsError(_wrong(path, f"isn't a plan to apply: {error}", again)) from error


def _wrong(path: Path, what: str, hint: str) -> Finding:
    return Finding(code="plan-file", summary=f"the plan file `{path}` {what}", hint=hint)


def _parsed(saved: Mapping[str, object]) -> SavedPlan:
    if saved["attachment_reconciler_plan"] != 1:
        raise ValueError("it has another format version")
    document = cast("Mapping[str, object]", saved["plan"])
    ours = cast("Mapping[str, object]", document["reconciler"])
    if digest(ours) != ours["digest"]:
        raise ValueError("its changes don't match its digest")
    scopes = cast("list[Mapping[str, object]]", ours["scopes"])
    refused = ", ".join(f"`{scope['name']}`" for scope in scopes if scope["refusals"])
    if refused:
        raise ValueError(f"a guard held scope {refused} back when it was made: it approves nothing")
    facts = cast("Mapping[str, Mapping[str, Facts]]", ours["preconditions"])
    rows = cast("list[Mapping[str, object]]", ours["changes"])
    return SavedPlan(
        request=Request(
            files=_texts(saved["files"]),
            recursive=saved["recursive"] is True,
            scopes=_texts(saved["scopes"]),
            targets=_texts(saved["targets"]),
            excludes=_texts(saved["excludes"]),
            compare_with=_text(saved["compare_with"]),
            first_apply=saved["first_apply"] is True,
        ),
        digest=str(ours["digest"]),
        approved=tuple(_approved(row, facts) for row in rows if row["standing"] == "permitted"),
    )


def _texts(told: object) -> tuple[str, ...]:
    return tuple(str(text) for text in cast("list[object]", told))


def _text(told: object) -> str | None:
    return None if told is None else str(told)


def _approved(row: Mapping[str, object], facts: Mapping[str, Mapping[str, Facts]]) -> Approved:
    scope, volume_id = str(row["scope"]), str(row["volume_id"])
    key = AttachmentKey(scope, str(row["server_id"]), volume_id)
    source = row["from_id"]
    return Approved(
        action=Action(row["action"]),
        key=key,
        source=AttachmentKey(scope, str(source), volume_id) if source else None,
        updates=tuple(
            Update(attribute=str(attribute), before=str(before), after=str(after))
            for attribute, before, after in cast("list[list[object]]", row["updates"])
        ),
        device=str(row["device"]) if row["device"] is not None else None,
        precondition=facts[f"{row['action']} {key}"],
    )
