"""Manifests from what is live: list, choose, write; never over a file that is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.manifest.writing import free_name, writable, written
from reconciler.model.finding import Finding, FindingsError, Severity
from reconciler.operations.sessions import opened, unreadable, untrusted
from reconciler.planning.ground import ground
from reconciler.planning.importing import imported
from reconciler.planning.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.imported import Imported
    from reconciler.operations.sessions import Request, Session
    from reconciler.operations.wiring import Surroundings
    from reconciler.planning.ground import Ground

NAMED = 5
"""How many of what is left out are named."""
SUFFIX = ".attachments.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """Manifests by scope, and what is to be told."""

    texts: dict[str, str]
    """Sorted by scope; a scope with nothing to write has none."""
    simulated: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """True when a scope couldn't be read."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


async def import_live(request: Request, around: Surroundings) -> Imports:
    """Give what is live in the scopes of a request, as manifests. Raises FindingsError."""
    async with opened(request, around, writing=False) as now:
        texts: dict[str, str] = {}
        findings = list(now.findings)
        for session in now.sessions:
            try:
                on = await _seen(session)
            except ProviderError as error:
                findings.append(unreadable(session.scope, error))
                continue
            if not on.live.complete:
                findings.append(untrusted(session.scope, on.live))
                continue
            ids = {*on.live.servers, *on.live.volumes}
            found = imported(on, frozenset(one for one in ids if not writable(one)))
            name = free_name(session.scope.name, {entry.document for entry in session.entries})
            if found.rows:
                texts[session.scope.name] = written(found, on.live, name)
            findings += _told(found, on)
        simulated = tuple(s.scope.name for s in now.sessions if s.scope.simulated)
    return Imports(texts=texts, simulated=simulated, findings=tuple(findings))


def save(folder: Path, imports: Imports) -> tuple[Path, ...]:
    """Write a file for each scope; none where one of them is there. Raises FindingsError."""
    files = {folder / f"{scope}{SUFFIX}": text for scope, text in imports.texts.items()}
    try:
        there = [path for path in files if path.exists() or path.is_symlink()]
        if there:
            raise FindingsError(*(_exists(path) for path in there))
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except FileExistsError as error:
        raise FindingsError(_exists(folder)) from error
    except OSError as error:
        raise FindingsError(
            Finding(
                code="import-file",
                summary=f"`{error.filename or folder}` can't be written: {error.strerror}",
                hint="choose another --out DIR",
            )
        ) from error
    return tuple(files)


async def _seen(session: Session) -> Ground:
    live = await session.patience.read(session.provider.list_live)
    circumstances = session.circumstances()
    wanted = resolve(session.entries, live)
    return ground(wanted, live, session.policy, session.spec.can, circumstances)


def _told(found: Imported, on: Ground) -> Iterator[Finding]:
    """Give what was left out and why, each reason once."""
    for why, keys in found.left.items():
        names = ", ".join(f"`{_name(key, on)}`" for key in keys[:NAMED])
        more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
        yield Finding(
            code="not-imported",
            summary=f"{len(keys)} left out, {why}: {names}{more}",
            hint="they stay as they are: `reconciler live` lists them",
            severity=Severity.NOTE,
            scope=on.live.scope,
        )
    if not found.rows:
        yield Finding(
            code="nothing-to-import",
            summary="nothing is attached that manifests could own, or all of it is owned already",
            hint="look at `reconciler live`",
            severity=Severity.NOTE,
            scope=on.live.scope,
        )


def _name(key: AttachmentKey, on: Ground) -> str:
    name = on.name(key)
    return f"{name.server}/{name.volume}"


def _exists(path: Path) -> Finding:
    return Finding(
        code="file-exists",
        summary=f"`{path}` is there, and nothing was written",
        hint="choose another --out DIR, or move the file away",
    )
