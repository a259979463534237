"""`reconciler init`: a starter repository, in a folder that has none of its files yet."""

from __future__ import annotations

import json
from pathlib import Path

import click

from reconciler.cli.outcome import say
from reconciler.model.finding import Finding, FindingsError
from reconciler.operations.schema import manifest_schema
from reconciler.starter import KINDS, files

SCHEMA = "manifests/reconciler.schema.json"


@click.command("init")
@click.argument("folder", required=False, default=".", metavar="[DIR]", type=click.Path())
@click.option(
    "--ci",
    type=click.Choice(KINDS),
    default="none",
    show_default=True,
    help="The CI system to write a pipeline for.",
)
def verb(*, folder: str, ci: str) -> int:
    """Write manifests on an embedded cloud, a policy, and a pipeline; never over a file.

    Everything it writes can be planned at once: `reconciler plan --first-apply`.
    """
    schema = json.dumps(manifest_schema(), indent=2, sort_keys=True) + "\n"
    written = {**files(ci), SCHEMA: schema}
    _write(Path(folder), written)
    for path in sorted(written):
        say(f"Written: {Path(folder) / path}\n")
    into = "" if folder == "." else f"cd {folder} && "
    say(f"Next: {into}reconciler plan --first-apply\n", err=True)
    return 0


def _write(folder: Path, written: dict[str, str]) -> None:
    """Write all files; none where one of them is there. Raises FindingsError."""
    there = sorted(path for path in written if _taken(folder, path))
    if there:
        raise FindingsError(*(_exists(folder / path) for path in there))
    try:
        for path, text in sorted(written.items()):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise FindingsError(
            Finding(
                code="init-file",
                summary=f"`{error.filename or folder}` can't be written: {error.strerror}",
                hint="name a folder that may be written; what was written before stays",
            )
        ) from error


def _taken(folder: Path, path: str) -> bool:
    """Tell whether something is there; a link on the way there leads somewhere else."""
    parts = Path(path).parts
    above = [folder.joinpath(*parts[:count]) for count in range(1, len(parts))]
    target = folder / path
    return target.exists() or any(one.is_symlink() for one in (*above, target))


def _exists(path: Path) -> Finding:
    return Finding(
        code="file-exists",
        summary=f"`{path}` is there, and nothing was written",
        hint="name an empty folder, and bring over what you want",
    )
