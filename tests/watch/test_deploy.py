"""What is deployed is what the verb takes, and what Kubernetes takes."""

from __future__ import annotations

import configparser
import importlib
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.cli.watch import verb
from tests.architecture.reading import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence

DEPLOY = REPOSITORY / "manifests" / "deploy"


def documents() -> list[dict[str, Any]]:
    """Give the documents for Kubernetes."""
    text = (DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")
    return list(yaml.safe_load_all(text))


def pod() -> dict[str, Any]:
    """Give the spec of the deployed pod."""
    (found,) = [one for one in documents() if one["kind"] == "Deployment"]
    template: dict[str, Any] = found["spec"]["template"]["spec"]
    return template


def unit() -> configparser.SectionProxy:
    """Give the [Service] part of the unit; its keys are case-sensitive, some come twice."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as its documents say
    parser.read(DEPLOY / "reconciler-watch.service", encoding="utf-8")
    return parser["Service"]


def parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """Give what the verb understands; usage errors are raised."""
    assert arguments[0] == "watch"
    named = ["-h", "--help"]  # As below its group: the first context decides it for good.
    return verb.make_context("watch", list(arguments[1:]), help_option_names=named).params


def test_both_deployments_stop_later_than_the_grace() -> None:
    (container,) = pod()["containers"]
    in_pod = parsed(container["args"])
    in_unit = parsed(shlex.split(unit()["ExecStart"])[1:])
    assert in_pod["grace_s"] < pod()["terminationGracePeriodSeconds"]
    assert in_unit["grace_s"] < 60 * int(unit()["TimeoutStopSec"].removesuffix("m"))
    assert in_pod["log_format"] == in_unit["log_format"] == "json"


def test_neither_has_more_rights_than_it_needs() -> None:
    (container,) = pod()["containers"]
    inside = container["securityContext"]
    assert inside["readOnlyRootFilesystem"] is True
    assert inside["allowPrivilegeEscalation"] is False
    assert inside["capabilities"] == {"drop": ["ALL"]}
    assert pod()["automountServiceAccountToken"] is False
    assert (unit()["DynamicUser"], unit()["NoNewPrivileges"]) == ("yes", "yes")
    assert unit()["CapabilityBoundingSet"] == ""


@pytest.mark.counterpart("kubernetes_validate")
def test_kubernetes_takes_what_is_deployed_and_no_misspelt_key() -> None:
    checker = importlib.import_module("kubernetes_validate")
    version = checker.latest_version()
    for one in documents():
        checker.validate(one, version, strict=True)
    wrong = next(one for one in documents() if one["kind"] == "Deployment")
    wrong["spec"]["template"]["spec"]["containers"][0]["arg"] = []
    with pytest.raises(checker.ValidationError, match="arg"):
        checker.validate(wrong, version, strict=True)
