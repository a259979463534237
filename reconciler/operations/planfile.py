"""Saved plans: the document, and where its manifests were. A file narrows, it never adds.

1. A file is whole and as it was written, or it is refused: its seal is over every byte of it. A
   seal is no signature; who wants to know that a plan is the reviewed one says `--expect-digest`.
2. Paths of manifests are kept as they were given and read from the folder that one stands in, as
   those of `-f` are: another checkout is as good, and so is its data folder with the journal. Where
   they aren't, the folder in which the plan was made is told, and nothing is guessed.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from reconciler.model.attachment import AttachmentKey
from reconciler.model.finding import Finding, FindingsError
from reconciler.model.plan import Action, Approved, Update
from reconciler.operations.sessions import Request
from reconciler.operations.wholefile import write_whole
from reconciler.report.document import digest
from reconciler.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.plan import Facts
    from reconciler.report.document import Document

T = TypeVar("T")

MARK = "attachment_reconciler_plan"
"""The key by which a saved plan is known; its value is the number of its format."""
FORMAT = 3
AGAIN = "make it anew with `reconciler plan --out FILE`"
PASSING = "`reconciler show {}` says what would let the guard pass: plan again with it"
LONGEST_BYTES = 256 * 1024 * 1024
"""A plan of 100,000 changes is a fifth of this."""


class _HeldBackError(Exception):
    """A plan file is whole, and approves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """What a plan file approves, and the manifests it was made from."""

    request: Request
    """The manifests, scopes and selection that it was made with."""
    folder: str
    """Where it was made, for people."""
    digest: str
    approved: tuple[Approved, ...]


def save(path: Path, document: Document, request: Request, clouds: Mapping[str, str]) -> None:
    """Write a plan file that only its owner may read; whole or not at all.

    `clouds` tells which cloud each scope was. Raises FindingsError when it can't be written.
    """
    told = {
        MARK: FORMAT,
        "version": __version__,
        "folder": os.fspath(Path.cwd()),
        "files": list(request.files),
        "recursive": request.recursive,
        "scopes": list(request.scopes),
        "targets": list(request.targets),
        "excludes": list(request.excludes),
        "forces": list(request.forces),
        "compare_with": request.compare_with,
        "first_apply": request.first_apply,
        "clouds": dict(clouds),
        "plan": document,
    }
    text = json.dumps({**told, "seal": seal(told)}, sort_keys=True, indent=1)
    try:
        write_whole(path, f"{text}\n".encode())
    except OSError as error:
        raise FindingsError(
            _wrong(path, f"can't be written: {error.strerror}", "choose another --out FILE")
        ) from error


def read(path: Path) -> SavedPlan:
    """Read a plan file. Raises FindingsError when it isn't one, or isn't whole."""
    return _read(path, _parsed, "isn't a plan to apply")


def shown(path: Path, told: Callable[[Document], str]) -> str:
    """Give what `told` makes of a saved plan. Raises FindingsError as `read` does.

    A plan that approves nothing can be looked at, too. What is told is part of the reading: only
    then every member that somebody wrote into the file is looked at.
    """
    return _read(path, lambda saved: told(_document(saved)), "isn't a plan that can be shown")


def _read(path: Path, made_of: Callable[[Mapping[str, object]], T], otherwise: str) -> T:
    try:
        if not path.is_file() and path.exists():
            # A pipe may never end, and can't be read again.
            raise FindingsError(_wrong(path, "isn't a file", AGAIN))
        if path.stat().st_size > LONGEST_BYTES:
            raise FindingsError(_wrong(path, f"is larger than {LONGEST_BYTES} bytes", AGAIN))
        return made_of(_whole(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise FindingsError(_wrong(path, f"can't be read: {error.strerror}", AGAIN)) from error
    except RecursionError as error:
        raise FindingsError(_wrong(path, "is nested too deep", AGAIN)) from error
    except UnicodeDecodeError as error:
        raise FindingsError(_wrong(path, "is no text: it isn't a saved plan", AGAIN)) from error
    except _HeldBackError as error:
        raise FindingsError(_wrong(path, f"{otherwise}: {error}", PASSING.format(path))) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise FindingsError(_wrong(path, f"{otherwise}: {error}", AGAIN)) from error


def check_manifests(path: Path, saved: SavedPlan) -> None:
    """Raise FindingsError where the manifests of a plan file aren't in the working folder."""
    lost = [name for name in saved.request.files if not Path(name).exists()]
    if lost:
        named = ", ".join(f"`{name}`" for name in lost)
        what = f"was made in `{saved.folder}`, and its manifests aren't here: {named}"
        raise FindingsError(_wrong(path, what, "apply it there, or say where they are with -f"))


def _whole(text: str) -> Mapping[str, object]:
    """Give what a file holds, when it is a saved plan of this format, as it was written."""
    try:
        saved = json.loads(text)
    except ValueError as error:
        raise ValueError("it isn't whole, or it is another file") from error
    if isinstance(saved, dict) and "reconciler" in saved and MARK not in saved:
        raise ValueError("it is what `plan --json` prints, which approves nothing")
    if not isinstance(saved, dict) or MARK not in saved:
        raise ValueError("it is another file")
    if saved[MARK] != FORMAT:
        raise ValueError(f"it is of format {saved[MARK]!r:.20}, and this version reads {FORMAT}")
    told = {key: value for key, value in saved.items() if key != "seal"}
    if saved.get("seal") != seal(told):
        raise ValueError("it was changed after it was written")
    return saved


def seal(told: Mapping[str, object]) -> str:
    """Give the fingerprint of everything in a plan file but itself."""
    text = json.dumps(told, sort_keys=True, ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _wrong(path: Path, what: str, hint: str) -> Finding:
    return Finding(code="plan-file", summary=f"the plan file `{path}` {what}", hint=hint)


def _document(saved: Mapping[str, object]) -> Document:
    document = cast("Document", saved["plan"])
    ours = cast("Mapping[str, object]", document["reconciler"])
    if not isinstance(ours["changes"], list) or digest(ours) != ours["digest"]:
        raise ValueError("its changes don't match its digest")
    return document


def held_back(ours: Mapping[str, object]) -> str:
    """Name the scopes that a guard held back; a plan with one of them approves nothing."""
    scopes = cast("list[Mapping[str, object]]", ours["scopes"])
    return ", ".join(f"`{scope['name']}`" for scope in scopes if scope["refusals"])


def _parsed(saved: Mapping[str, object]) -> SavedPlan:
    ours = cast("Mapping[str, object]", _document(saved)["reconciler"])
    refused = held_back(ours)
    if refused:
        said = f"a guard held scope {refused} back when it was made: it approves nothing"
        raise _HeldBackError(said)
    facts = cast("Mapping[str, Mapping[str, Facts]]", ours["preconditions"])
    rows = cast("list[Mapping[str, object]]", ours["changes"])
    clouds = cast("Mapping[str, str]", saved["clouds"])
    return SavedPlan(
        request=Request(
            files=_texts(saved["files"]),
            recursive=saved["recursive"] is True,
            scopes=_texts(saved["scopes"]),
            targets=_texts(saved["targets"]),
            excludes=_texts(saved["excludes"]),
            compare_with=_text(saved["compare_with"]),
            first_apply=saved["first_apply"] is True,
            forces=_texts(saved["forces"]),
        ),
        folder=str(saved["folder"]),
        digest=str(ours["digest"]),
        approved=tuple(
            replace(_approved(row, facts), cloud=str(clouds[str(row["scope"])]))
            for row in rows
            if row["standing"] == "permitted"
        ),
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
        precondition={part: dict(told) for part, told in facts[f"{row['action']} {key}"].items()},
        forced=row["forced"] is True,
    )
