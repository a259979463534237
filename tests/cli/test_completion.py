"""`completion`: the real shells are asked what they offer; and what starting costs in imports."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.main import VERBS

LINES = {
    "reconciler pl": {"plan"},
    "reconciler ": set(VERBS),
    "reconciler plan --ex": {"--exclude", "--expect-digest"},
    "reconciler completion ": {"bash", "fish", "zsh"},
    "reconciler lock ": {"list", "release"},
    "reconciler nothing": set(),
}
"""What was typed -> what is offered."""
ASK_S = 60
HEAVY = {"asyncio", "deepdiff", "httpx", "rich", "sqlalchemy", "starlette"}


def environment(folder: Path) -> dict[str, str]:
    """Give one in which `reconciler` is this one, and no start-up file is anybody's."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "HOME": str(folder), "ZDOTDIR": str(folder), "TERM": "dumb"}


def told(folder: Path, *command: str) -> str:
    """Run a shell and give what it printed."""
    done = subprocess.run(  # noqa: S603 - ours
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=ASK_S,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def offered(rows: str) -> dict[str, set[str]]:
    """Read `LINE|CANDIDATE` rows; a line without a candidate offers nothing."""
    found: dict[str, set[str]] = {line: set() for line in LINES}
    for row in rows.splitlines():
        line, _, candidate = row.partition("|")
        found[line] |= {candidate} - {""}
    return found


def test_bash_offers_what_there_is(tmp_path: Path) -> None:
    script = "source <(reconciler completion bash)\n"
    for line in LINES:
        words = " ".join(f"'{word}'" for word in line.split(" "))
        script += (
            f"COMPREPLY=(); COMP_WORDS=({words}); COMP_CWORD={line.count(' ')}\n"
            "_reconciler_completion reconciler\n"
            f'for one in "${{COMPREPLY[@]}}"; do echo \'{line}|\'"$one"; done\n'
        )
    assert offered(told(tmp_path, "bash", "--norc", "-c", script)) == LINES


@pytest.mark.counterpart("fish")
def test_fish_offers_what_there_is(tmp_path: Path) -> None:
    script = "reconciler completion fish | source\n"
    for line in LINES:
        ask = f"complete -C '{line}'"
        script += f"for one in ({ask}); echo '{line}|'(string split \\t -- $one)[1]; end\n"
    assert offered(told(tmp_path, "fish", "--no-config", "-c", script)) == LINES


@pytest.mark.counterpart("zsh")
def test_zsh_offers_what_there_is(tmp_path: Path) -> None:
    # The completion of zsh lives in its line editor alone: it gets a terminal, and keys.
    (tmp_path / ".zshrc").write_text(
        "unsetopt beep; PROMPT='READY> '; autoload -Uz compinit; compinit -u\n"
        "compadd() {\n"
        '  local -a hits; builtin compadd -A hits "$@"\n'
        '  for one in $hits; do print -r -- "$BUFFER|$one" >>! $HOME/offered; done\n'
        "}\n"
        "source <(reconciler completion zsh)\n",
        encoding="utf-8",
    )
    (tmp_path / "offered").touch()
    keys = "".join(f"{line}\t\x15" for line in LINES) + "exit\n"
    terminal, theirs = pty.openpty()
    child = subprocess.Popen(
        ("zsh", "-i"),  # noqa: S607 - the real one
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=environment(tmp_path),
    )
    os.close(theirs)
    shown = b""
    while b"READY> " not in shown:
        shown += os.read(terminal, 65536)
    os.write(terminal, keys.encode())
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass  # Linux says so when the other end of a terminal is gone.
    os.close(terminal)
    assert child.wait(ASK_S) == 0
    assert offered((tmp_path / "offered").read_text(encoding="utf-8")) == LINES


LEAN = (
    ("--help",),
    ("validate", "-f", "manifests/quickstart.yaml"),
    ("completion", "bash"),
    ("schema",),
    ("version",),
)


@pytest.mark.parametrize("arguments", LEAN, ids=" ".join)
def test_what_asks_no_cloud_starts_without_what_a_cloud_needs(arguments: tuple[str, ...]) -> None:
    script = (
        "import sys\n"
        "from reconciler.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "print(sorted(m for m in sys.modules if '.' not in m), file=sys.stderr)\n"
    )
    done = subprocess.run(  # noqa: S603 - ours
        (sys.executable, "-c", script, *arguments),
        check=True,
        capture_output=True,
        text=True,
        timeout=ASK_S,
        cwd=Path(__file__).parents[2],
    )
    loaded = set(done.stderr.strip()[2:-2].split("', '"))
    assert "click" in loaded
    assert loaded & HEAVY == set()
