"""A runner of GitHub Actions for what the templates use, and of nothing else.

Shell bodies are executed as the runner executes them (`bash -e -o pipefail`); of the four actions
of GitHub each does here what its README says with the inputs that the templates give. Anything
unknown, an action, a function, a context, is an error and never passed over.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from tests.ci.hub import READS, REPOSITORY, WRITES
from tests.repository.making import git

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Context = Mapping[str, Any]

NAME = re.compile(r"'[^']*'|[a-z_][\w-]*(?:\.[\w-]+)+")
INSIDE = re.compile(r"\$\{\{(.*?)\}\}")
STEP_S = 120.0


@dataclass
class Ran:
    """What became of a job."""

    failed: bool = False
    steps: dict[str, int] = field(default_factory=dict)
    """Exit code by name, of those that ran."""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    log: str = ""
    summary: str = ""


@dataclass(kw_only=True)
class Runner:
    """Runs one job after the other, each in a new folder."""

    origin: Path
    folder: Path
    environ: Mapping[str, str]
    api: str
    """The address of the hub."""
    secrets: Mapping[str, str]
    artifacts: dict[tuple[str, str], Path] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """What the file of an artifact is called, by the artifact's name."""
    count: int = 0

    def run(self, name: str, event: str, ref: str, told: Context, *, trusted: bool = True) -> Ran:
        """Run a job of an event on a ref; a fork has no secrets and a token that only reads."""
        self.count += 1
        work = self.folder / f"run-{self.count}"
        work.mkdir(parents=True)
        github = {
            "event_name": event,
            "repository": REPOSITORY,
            "event": told,
            "ref": ref,
            "token": WRITES if trusted else READS,
        }
        temporary = self.folder / f"temp-{self.count}"
        temporary.mkdir()
        context = {
            "github": github,
            "secrets": self.secrets if trusted else {},
            "runner": {"temp": str(temporary)},
        }
        path = ".github/workflows/attachments.yml"
        workflow = yaml.safe_load(git(self.origin, "show", f"{ref}:{path}"))
        job = workflow["jobs"][name]
        assert value(job["if"], context), f"{name} isn't for {event}"
        one = _Job(runner=self, work=work, context=context, ran=Ran())
        for step in job["steps"]:
            one.step(step, {**workflow["env"], **job.get("env", {})})
        return one.ran


def value(text: str, context: Context) -> Any:  # noqa: ANN401 - as their language has it
    """Give what an expression means: names, texts, `==`, `!=`, `&&`, `||`."""
    names = dict(enumerate(NAME.findall(text)))
    known = {f"n{i}": _look(name, context) for i, name in names.items()}
    count = iter(known)
    said = NAME.sub(lambda _: f" {next(count)} ", text).replace("&&", "and").replace("||", "or")
    assert not re.search(r"[^n\d\s()=!andor]", said), text
    return eval(said, {"__builtins__": {}}, known)  # noqa: S307 - only names, as checked


def _look(name: str, context: Context) -> Any:  # noqa: ANN401 - any member
    if name.startswith("'"):
        return name[1:-1]
    first, *rest = name.split(".")
    assert first in {"github", "secrets", "steps", "inputs", "runner"}, name
    found: Any = context.get(first, {})
    for part in rest:
        found = found.get(part, "") if found != "" else ""
    return found


def filled(text: str, context: Context) -> str:
    """Fill in the expressions of a text."""
    return INSIDE.sub(lambda found: str(value(found[1].strip(), context)), text)


@dataclass(kw_only=True)
class _Job:
    runner: Runner
    work: Path
    context: dict[str, Any]
    ran: Ran

    def step(self, step: Context, above: Mapping[str, str]) -> None:
        if self.ran.failed:
            return
        context = {
            **self.context,
            "steps": {k: {"outputs": v} for k, v in self.ran.outputs.items()},
        }
        if not value(step.get("if", "'yes'"), context):
            return
        environ = {k: filled(str(v), context) for k, v in {**above, **step.get("env", {})}.items()}
        if "run" in step:
            self.shell(step, environ)
        else:
            inputs = {k: filled(str(v), context) for k, v in step.get("with", {}).items()}
            self.action(step["uses"], inputs, above)

    def action(self, uses: str, inputs: dict[str, str], above: Mapping[str, str]) -> None:
        name, _, pin = uses.partition("@")
        assert name.startswith("./") or re.fullmatch(r"[0-9a-f]{40}", pin), uses
        match name:
            case "actions/checkout":
                self.checkout(inputs)
            case "actions/setup-python":
                pass  # The Python of the machine is its Python.
            case "actions/upload-artifact":
                kept = self.runner.folder / f"artifact-{self.runner.count}"
                shutil.copy(self.work / inputs["path"], kept)
                self.runner.artifacts[str(self.runner.count), inputs["name"]] = kept
                self.runner.files[inputs["name"]] = inputs["path"]
            case "actions/download-artifact":
                kept = self.runner.artifacts[inputs["run-id"], inputs["name"]]
                assert inputs["github-token"], "another run's artifact needs a token"
                where = self.work / inputs.get("path", "")
                where.mkdir(parents=True, exist_ok=True)
                shutil.copy(kept, where / self.runner.files[inputs["name"]])
            case _ if name.startswith("./"):
                self.composite(name, inputs, above)
            case _:
                raise AssertionError(uses)

    def composite(self, name: str, inputs: dict[str, str], above: Mapping[str, str]) -> None:
        text = (self.work / name / "action.yml").read_text(encoding="utf-8")
        told = yaml.safe_load(text)
        defaults = {key: one["default"] for key, one in told["inputs"].items()}
        assert inputs.keys() <= defaults.keys()
        self.context["inputs"] = {**defaults, **inputs}
        for step in told["runs"]["steps"]:
            self.step(step, above)

    def checkout(self, inputs: dict[str, str]) -> None:
        depth = ("--depth", "1") if inputs.get("fetch-depth", "1") != "0" else ()
        ref = self.context["github"]["ref"]
        address = f"file://{self.runner.origin}"
        git(self.work, "init", "-q")
        git(
            self.work,
            "fetch",
            "-q",
            *depth,
            address,
            ref,
            *(() if depth else ("+refs/*:refs/got/*",)),
        )
        git(self.work, "checkout", "-q", git(self.work, "rev-parse", "FETCH_HEAD"))

    def shell(self, step: Context, environ: Mapping[str, str]) -> None:
        assert step.get("shell", "bash") == "bash"
        assert "${{" not in step["run"], "what others wrote must not become shell"
        output, summary = self.work / ".output", self.work / ".summary"
        output.unlink(missing_ok=True)
        done = subprocess.run(  # noqa: S603 - the template
            ("/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]),
            cwd=self.work,
            env={
                **self.runner.environ,
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": self.runner.api,
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_SHA": git(self.work, "rev-parse", "HEAD"),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                "RUNNER_TEMP": str(self.context["runner"]["temp"]),
                **environ,
            },
            capture_output=True,
            text=True,
            timeout=STEP_S,
            check=False,
        )
        self.ran.steps[step["name"]] = done.returncode
        self.ran.log += f"== {step['name']}\n{done.stdout}{done.stderr}"
        self.ran.failed = done.returncode != 0
        self.ran.summary = summary.read_text(encoding="utf-8") if summary.exists() else ""
        if output.exists():
            rows = (line.partition("=") for line in output.read_text(encoding="utf-8").splitlines())
            self.ran.outputs[step["id"]] = {key: told for key, _, told in rows}
