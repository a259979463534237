"""`reconciler schema`: the JSON Schema of manifests."""

from __future__ import annotations

import json

import click

from reconciler.operations.schema import manifest_schema


@click.command("schema")
def verb() -> int:
    """Print the JSON Schema of manifests, for editors and checks; no network.

    Beside manifests as `reconciler.schema.json`, a first line
    `# yaml-language-server: $schema=reconciler.schema.json` makes editors complete and check them.
    """
    click.echo(json.dumps(manifest_schema(), indent=2, sort_keys=True))
    return 0
