"""What a person asked for and what the machine gives; it stands alone, so that starting is quick.

Whoever reads manifests and asks no cloud needs neither HTTP, nor a database, nor a loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from reconciler.execution.retry import Silences
from reconciler.manifest import Loaded, load
from reconciler.manifest.source import MAX_BYTES, STDIN
from reconciler.model.finding import Finding, FindingsError
from reconciler.providers import names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reconciler.journal.journal import Book
    from reconciler.model.declared import Entry
    from reconciler.ports import Budget, EmbeddedCloud, GuestHooks, Traffic
    from reconciler.providers.spec import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked for, whatever the verb."""

    files: tuple[str, ...]
    recursive: bool = False
    stdin: bytes | None = field(default=None, repr=False)
    """What the file `-` means: it was read once, and can't be again. None: no file is stdin."""
    scopes: tuple[str, ...] = ()
    """Empty: every declared scope."""
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    forces: tuple[str, ...] = ()
    """The attachments `[SCOPE:]SERVER/VOLUME`, exactly, whose detach is forced."""
    acks: Mapping[str, int] | None = None
    """Acknowledged detaches by scope; under the empty key: of the only scope."""
    expect_digest: str | None = None
    compare_with: str | None = None
    """The revision whose manifests guards compare with as well."""
    first_apply: bool = False
    """True: a person says that nothing was applied before, where nothing tells."""
    destroys: frozenset[str] = frozenset()
    """The volumes, by id or name, that a person agreed to lose on the command line."""
    rows: Mapping[str, tuple[Entry, ...]] | None = None
    """By scope, the entries that count instead of the manifests'; None: theirs. An undo has some:
    it owns nothing but what it takes back."""
    snapshot: str | None = None
    """The file of what was seen before, to be planned on instead of a look at the clouds."""
    snapshot_age_s: float | None = None
    """How old that may be; None: as old as nightly ones are."""
    read: Loaded | None = None
    """What the files say, where they were read already; None: they are read."""


def takes_stdin(files: Sequence[str]) -> bool:
    """Tell whether one of the files is stdin."""
    return STDIN in files


def with_stdin(request: Request, stream: BinaryIO) -> Request:
    """Give the request with what stdin holds; a byte more than is allowed tells that it is more."""
    return replace(request, stdin=stream.read(MAX_BYTES + 1))


def _utc_now() -> datetime:
    return datetime.now(tz=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the machine gives: its environment, a folder, and what only the top can build."""

    environ: Mapping[str, str] = field(repr=False)
    """Its variables, secrets among them: whatever prints these values leaves them out."""
    folder: Path
    """Where journal and simulator files live."""
    embedded: EmbeddedCloud | None = None
    transport: Transport | None = None
    """None: real sockets. The in-process simulator of tests and rehearsals goes here."""
    utc_now: Callable[[], datetime] = _utc_now
    hooks: GuestHooks | None = None
    """None: processes of this machine, as RECONCILER_HOOKS defines them."""
    book: Book | None = None
    """A journal that is open already and stays so; None: every use case opens its own."""
    traffic: Traffic | None = None
    """Who counts requests; None: nobody does."""
    silences: Silences = field(default_factory=Silences)
    """What was told of clouds that don't answer."""
    budget: Budget | None = None
    """What this process shares with others; None: only a scope's own limits hold."""
    remark: Callable[[tuple[Finding, ...]], None] = lambda _: None
    """Hears what is to be said of manifests that were read and are good."""


def loaded(request: Request) -> Loaded:
    """Read the manifests, cut to the scopes asked for.

    Raises FindingsError with every finding when any of them is an error.
    """
    read = request.read or load(
        request.files, recursive=request.recursive, providers=names(), stdin=request.stdin
    )
    chosen = read.declared
    if chosen is None:
        raise FindingsError(*read.findings)
    unknown = [name for name in request.scopes if name not in chosen.scopes]
    if unknown:
        known = ", ".join(f"`{name}`" for name in sorted(chosen.scopes)) or "none"
        raise FindingsError(
            *(
                Finding(
                    code="unknown-scope",
                    summary=f"`--scope {name}` is declared nowhere",
                    hint=f"choose one of the declared scopes: {known}",
                )
                for name in unknown
            )
        )
    if not request.scopes:
        return read
    cut = {name: chosen.scopes[name] for name in sorted(set(request.scopes))}
    return replace(read, declared=replace(chosen, scopes=cut))
