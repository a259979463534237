"""What is deployed is what the verbs take, what Kubernetes takes, and has no rights to spare."""

from __future__ import annotations

import configparser
import importlib
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.cli.apply import verb as apply
from reconciler.cli.fleet import apply_schema, worker
from tests.architecture.reading import REPOSITORY

if TYPE_CHECKING:
    import click

DEPLOY = REPOSITORY / "manifests" / "deploy"
FILES = ("kubernetes-fleet.yaml", "kubernetes-cronjob.yaml")
UNIT = "reconciler-fleet@.service"


def documents() -> dict[str, dict[str, Any]]:
    """Give the documents for Kubernetes, by kind."""
    texts = [(DEPLOY / name).read_text(encoding="utf-8") for name in FILES]
    every = [one for text in texts for one in yaml.safe_load_all(text)]
    return {one["kind"]: one for one in every}


def pods() -> dict[str, dict[str, Any]]:
    """Give the spec of each pod, by the kind that makes it."""
    found = documents()
    found["CronJob"] = found["CronJob"]["spec"]["jobTemplate"]
    return {kind: one["spec"]["template"]["spec"] for kind, one in found.items()}


def understood(verb: click.Command, arguments: list[str]) -> dict[str, Any]:
    """Give what a verb makes of its arguments; usage errors are raised."""
    return verb.make_context("verb", arguments).params


def test_every_command_line_is_understood_and_stops_later_than_the_grace() -> None:
    lines = {kind: pod["containers"][0]["args"] for kind, pod in pods().items()}
    assert lines["Job"][:2] == ["fleet", "apply-schema"]
    understood(apply_schema, lines["Job"][2:])
    assert lines["CronJob"][0] == "apply"
    assert understood(apply, lines["CronJob"][1:])["auto_approve"] is True
    assert lines["Deployment"][:2] == ["fleet", "worker"]
    told = understood(worker, lines["Deployment"][2:])
    assert told["grace_s"] < pods()["Deployment"]["terminationGracePeriodSeconds"]


def test_two_applies_are_never_made_at_once() -> None:
    assert documents()["CronJob"]["spec"]["concurrencyPolicy"] == "Forbid"
    assert pods()["CronJob"]["restartPolicy"] == "Never"


def test_no_pod_has_more_rights_than_it_needs() -> None:
    for pod in pods().values():
        (container,) = pod["containers"]
        inside = container["securityContext"]
        assert inside["readOnlyRootFilesystem"] is True
        assert inside["allowPrivilegeEscalation"] is False
        assert inside["capabilities"] == {"drop": ["ALL"]}
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False


def test_the_image_runs_as_the_user_of_the_pods_and_holds_no_compiler() -> None:
    lines = (REPOSITORY / "Containerfile").read_text(encoding="utf-8").splitlines()
    stages = [line for line in lines if line.startswith("FROM ")]
    assert len(stages) == 2
    last = lines[lines.index(stages[-1]) :]
    users = [line.split()[1] for line in last if line.startswith("USER ")]
    (expected,) = {pod["securityContext"]["runAsUser"] for pod in pods().values()}
    assert users == [f"{expected}:{expected}"]
    assert not [line for line in last if line.startswith(("COPY", "ADD"))]


def test_the_unit_is_understood_and_each_instance_has_a_folder_of_its_own() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read(DEPLOY / UNIT, encoding="utf-8")
    unit = parser["Service"]
    words = shlex.split(unit["ExecStart"])
    assert words[1:3] == ["fleet", "worker"]
    told = understood(worker, words[3:])
    assert told["grace_s"] < 60 * int(unit["TimeoutStopSec"].removesuffix("m"))
    assert "%i" in unit["StateDirectory"]
    assert (unit["DynamicUser"], unit["NoNewPrivileges"]) == ("yes", "yes")


@pytest.mark.counterpart("kubernetes_validate")
def test_kubernetes_takes_what_is_deployed_and_no_misspelt_key() -> None:
    checker = importlib.import_module("kubernetes_validate")
    version = checker.latest_version()
    for one in documents().values():
        checker.validate(one, version, strict=True)
    wrong = documents()["CronJob"]
    wrong["spec"]["concurencyPolicy"] = "Forbid"
    with pytest.raises(checker.ValidationError, match="concurencyPolicy"):
        checker.validate(wrong, version, strict=True)
