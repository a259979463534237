"""`reconciler explain`: why an attachment is, or isn't."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli.flags import manifest_flags, surroundings
from reconciler.cli.history import when
from reconciler.cli.outcome import run, say
from reconciler.operations.explain import explain
from reconciler.report.explanation import explanation_document, explanation_text

if TYPE_CHECKING:
    from reconciler.operations.asked import Request


@click.command("explain")
@click.argument("attachment", metavar="[SCOPE:]SERVER/VOLUME")
@manifest_flags
def verb(*, asked: Request, as_json: bool, attachment: str) -> int:
    """Tell why it is, or isn't, attached: lines of manifests, rule, views, plan, last call.

    Names or ids of any volume and any server, attached or not.
    """
    around = surroundings()
    document = explanation_document(run(lambda: explain(attachment, asked, around)), when)
    text = explanation_text(document)
    say(json.dumps(document, indent=2, sort_keys=True) + "\n" if as_json else text)
    return 0
