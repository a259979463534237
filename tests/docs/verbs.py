"""A page for each verb: its help, and what it really says in one story of the quickstart."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import click

from reconciler.cli.main import VERBS, reconciler
from tests.cli.running import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.running import Lab

QUICKSTART = ("-f", "manifests/quickstart.yaml")
RUN = "4ffc115484f1425eb1f9b2ef44f5faf2"
STORY: tuple[tuple[str, ...], ...] = (
    *((name, *QUICKSTART) for name in ("doctor", "drift", "import", "live", "permissions")),
    ("validate", *QUICKSTART),
    ("explain", "web-2/cache-1", *QUICKSTART),
    ("explain-code", "in-motion"),
    ("providers",),
    ("version",),
    ("schema",),
    ("completion", "fish"),
    ("init", "starter"),
    ("fleet", "status"),
    ("plan", *QUICKSTART, "--first-apply", "--out", "saved.plan"),
    ("show", "saved.plan"),
    ("apply", *QUICKSTART, "--first-apply", "--auto-approve"),
    ("history",),
    ("lock", "list"),
    ("repair", "web-1/cache-1", *QUICKSTART),
    ("watch", *QUICKSTART, "--once"),
    ("undo", RUN, *QUICKSTART),
)
"""In this order: what a verb says depends on what was done before it."""
SILENT = {"simulator"}
"""Serves until it is stopped, and says where; there is nothing more to show."""
MOST_LINES = 60
SAME = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "2026-01-15T08:00:00Z"),
    (re.compile(r"\b[0-9a-f]{32}\b"), RUN),
    (re.compile(r"^[0-9a-f]{8}(?=  )", re.MULTILINE), RUN[:8]),
    (re.compile(r"(?<=\bRun )[0-9a-f]{8}\b|(?<=\bhistory )[0-9a-f]{8}\b"), RUN[:8]),
    (re.compile(r"\d+ API calls, \d+ s"), "36 API calls, 8 s"),
    (re.compile(r"\d+ API calls"), "36 API calls"),
    (re.compile(r"Python 3[.\d]+"), "Python 3.11.7"),
)
"""What differs from run to run, and what stands in its place."""
HEAD = """\
# {name}

Written from the program's own help, and from what it says in a story of
`manifests/quickstart.yaml`; ids, moments and durations differ from run to run, and not here.

```text
{help}
```
"""


def verbs(lab: Lab) -> dict[str, str]:
    """Give the page of every verb and their index, by path below the reference."""
    shutil.copytree(REPOSITORY / "manifests", lab.folder / "manifests")
    world = lab.folder / "manifests" / "quickstart.world.yaml"
    world.write_text(f"{_without(world.read_text(encoding='utf-8'))}jobSeconds: 0.05\n", "utf-8")
    said = dict(_said(lab))
    # What the group says of `-h` holds below it; a command remembers what it heard first.
    above = click.Context(reconciler, info_name="reconciler", **reconciler.context_settings)
    pages, lines = {}, []
    for name in sorted(VERBS):
        command = reconciler.get_command(above, name)
        assert command is not None
        context = click.Context(
            command, parent=above, info_name=name, terminal_width=100, max_content_width=100
        )
        pages[f"verbs/{name}.md"] = HEAD.format(name=name, help=command.get_help(context)) + (
            f"\n```console\n{said[name]}```\n" if name not in SILENT else ""
        )
        lines.append(f"| [{name}](verbs/{name}.md) | {command.get_short_help_str(100)} |\n")
    index = (
        f"# Verbs\n\nA page each, written from the program.\n\n| | |\n|---|---|\n{''.join(lines)}"
    )
    return {"verbs.md": index, **pages}


def _said(lab: Lab) -> Iterator[tuple[str, str]]:
    lab.first = False
    begun = ""
    for words in STORY:
        ran = lab.run(*(begun if word == RUN else word for word in words))
        begun = begun or _run_id(lab) if words[0] == "apply" else begun
        out = ran.out or ran.err
        for changing, always in SAME:
            out = changing.sub(always, out)
        lines = out.splitlines()
        more = f"... {len(lines) - MOST_LINES} more lines\n" if len(lines) > MOST_LINES else ""
        shown = "".join(f"{line.rstrip()}\n" for line in lines[:MOST_LINES])
        asked = " ".join(word[:8] if word == RUN else word for word in words)
        yield words[0], f"$ reconciler {asked}\n{shown}{more}"


def _run_id(lab: Lab) -> str:
    (row,) = lab.run("history").out.splitlines()[1:]
    return row.split()[0]


def _without(world: str) -> str:
    return "".join(f"{line}\n" for line in world.splitlines() if "jobSeconds" not in line)
