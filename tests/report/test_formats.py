"""What machines read: each format by the rules of whoever reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import fromstring

import pytest

from reconciler.model.finding import Place
from reconciler.model.plan import Action, Name, Plan
from reconciler.report.formats import rendered
from reconciler.report.markdown import LONGEST, MARKER
from tests.report.plans import PLANS, change, document, finding, told, wide

if TYPE_CHECKING:
    from collections.abc import Mapping

COUNT = 3000


def test_junit_has_a_case_for_every_attachment_and_counts_that_add_up() -> None:
    root = fromstring(rendered(PLANS["troubled"](), "junit"))  # noqa: S314 - ours
    cases = {case.get("name"): case for case in root.iter("testcase")}
    ends = {name: [end.tag for end in case] for name, case in cases.items()}
    assert ends == {
        "the whole scope": ["failure"],
        "detach web-9/nine": ["failure"],
        "attach 웹-1/数据盘": ["failure"],
        "destroy desk-1/old-disk": [],
        "detach 웹-2/로그": [],
        "keep 웹-1/캐시": ["skipped"],
        "keep db-2/spool": ["error"],
        "keep id-웹-1/id-데이터-1": [],
        "unmanaged legacy-1/legacy-data": ["skipped"],
        "released 웹-3/옛날": ["skipped"],
        "detach db-9/tmp-restore": ["skipped"],
        "finding policy-looser": ["system-out"],
        "far": ["error"],
    }
    for suites in (root, *root):
        told_of = {name: suites.get(name) for name in ("tests", "failures", "errors", "skipped")}
        counted = {
            "tests": len(list(suites.iter("testcase"))),
            **{
                name: len(list(suites.iter(kind)))
                for name, kind in (("failures", "failure"), ("errors", "error"))
            },
            "skipped": len(list(suites.iter("skipped"))),
        }
        assert told_of == {name: str(number) for name, number in counted.items()}
    refused = cases["attach 웹-1/数据盘"]
    assert (refused.get("file"), refused.get("line")) == ("shops/주문.yaml", "7")


def test_gitlab_counts_a_move_as_both() -> None:
    # One attach, two detaches, a move, an update.
    counted = json.loads(rendered(PLANS["ordinary"](), "gitlab"))
    assert counted == {"create": 2, "update": 1, "delete": 3}


@pytest.mark.counterpart("pydantic_sarif")
@pytest.mark.parametrize("name", PLANS)
def test_sarif_is_valid_by_its_schema(name: str) -> None:
    from pydantic_sarif.model import (  # noqa: PLC0415 - a counterpart may be absent
        StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif,
    )

    text = rendered(PLANS[name](), "sarif")
    Sarif.model_validate_json(text)
    broken = json.loads(text)
    broken["runs"][0]["surprise"] = 1
    with pytest.raises(ValueError, match="surprise"):
        Sarif.model_validate_json(json.dumps(broken))


def test_sarif_puts_findings_on_their_lines_and_the_others_beside_the_run() -> None:
    (run,) = json.loads(rendered(PLANS["troubled"](), "sarif"))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    lines = {}
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        (there,) = result["locations"]
        assert there["physicalLocation"]["artifactLocation"]["uri"].isascii()
        lines[result["ruleId"]] = there["physicalLocation"]["region"]["startLine"]
    assert lines == {"held-by-unmanaged": 7, "max-detach": 3, "views-disagree": 9}
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    apart = {told["descriptor"]["id"] for told in invocation["toolExecutionNotifications"]}
    assert apart == {"cloud", "in-motion", "policy-looser"}


def test_a_file_name_is_a_valid_address() -> None:
    odd = replace(
        finding("code", "words"),
        place=Place(file="//evil.example/a b%\u202e.yaml", line=1, column=1),
    )
    plan = Plan(scope="주문", findings=(odd,))
    (run,) = json.loads(rendered(document(told(plan)), "sarif"))["runs"]
    (there,) = run["results"][0]["locations"]
    uri = there["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "%2F%2Fevil.example%2Fa%20b%25%E2%80%AE.yaml"


LONG = [
    pytest.param("v" * 40, id="long names"),
    pytest.param("`" * 900, id="nothing but backticks"),
    pytest.param("💾" * 300, id="characters that count twice"),
]


@pytest.mark.parametrize("name", LONG)
def test_a_comment_fits_whatever_the_plan(name: str) -> None:
    changes = tuple(
        replace(
            change(action, f"s{n}", "v", *((finding("code", name * 2),) if n % 3 else ())),
            name=Name(server=name, volume=f"{n}{name}"),
        )
        for n in range(COUNT)
        for action in (Action.DESTROY if n % 2 else Action.DETACH,)
    )
    findings = tuple(found for one in changes for found in one.refusals)
    plan = Plan(scope="주문", changes=changes, findings=findings)
    text = rendered(document(told(plan)), "markdown")
    assert len(text.encode("utf-16-le")) // 2 <= LONGEST
    assert text.startswith(f"{MARKER}\n")
    assert "Plan: 0 to attach, 500 to detach" in text
    assert "more lines that don't fit here" in text
    assert text.count("<details>") == text.count("</details>\n")


def test_what_is_cut_from_a_comment_is_counted() -> None:
    text = rendered(wide(COUNT), "markdown")
    shown = sum(line.startswith(("+ ", "- ", "-/+ ")) for line in text.splitlines())
    assert 500 < shown < COUNT
    assert f"**And {COUNT - shown} more lines that don't fit here:**" in text


def test_what_matters_stands_above_the_fold() -> None:
    above, _, _ = rendered(PLANS["troubled"](), "markdown").partition("<details>")
    assert "**1 deleted for good:**\n\n* `desk-1/old-disk`\n" in above
    assert "* `max-detach` `12 detaches, 10 are allowed`\n" in above


Keys = dict[str, "type | tuple[type, ...]"]
TEXT, FLAG, LIST, OBJECT = str, bool, list, dict
MAYBE = (dict, type(None))
PLAN_KEYS: Keys = {
    "format_version": TEXT,
    "terraform_version": TEXT,
    "planned_values": OBJECT,
    "resource_changes": LIST,
    "applyable": FLAG,
    "complete": FLAG,
    "errored": FLAG,
}
CHANGED_KEYS: Keys = {
    "address": TEXT,
    "mode": TEXT,
    "type": TEXT,
    "name": TEXT,
    "index": TEXT,
    "provider_name": TEXT,
    "change": OBJECT,
}
CHANGE_KEYS: Keys = {
    "actions": LIST,
    "before": MAYBE,
    "after": MAYBE,
    "after_unknown": (dict, bool),
    "before_sensitive": (dict, bool),
    "after_sensitive": (dict, bool),
}
VALUE_KEYS: Keys = {
    "address": TEXT,
    "mode": TEXT,
    "type": TEXT,
    "name": TEXT,
    "index": TEXT,
    "provider_name": TEXT,
    "schema_version": int,
    "values": OBJECT,
    "sensitive_values": OBJECT,
}
ACTIONS = (["no-op"], ["create"], ["read"], ["update"], ["delete", "create"], ["delete"])
"""Keys, types and actions of Terraform's "JSON Output Format", plan format 1.2: those of them that
a plan of managed attachments has. (`["create", "delete"]` is a replacement that we never plan.)"""


def typed(found: Mapping[str, Any], keys: Keys, *, ours: tuple[str, ...] = ()) -> None:
    """Hold keys and types; `ours` are the only ones beside Terraform's."""
    assert found.keys() == {*keys, *ours}
    wrong = {name: found[name] for name, kind in keys.items() if not isinstance(found[name], kind)}
    assert wrong == {}


@pytest.mark.parametrize("name", PLANS)
def test_json_has_terraforms_keys_and_types(name: str) -> None:
    made = json.loads(rendered(PLANS[name](), "json"))
    typed(made, PLAN_KEYS, ours=("reconciler",))
    assert made["format_version"] == "1.2"
    for row in made["resource_changes"]:
        typed(row, CHANGED_KEYS)
        typed(row["change"], CHANGE_KEYS)
        assert row["mode"] == "managed"
        assert row["change"]["actions"] in ACTIONS
        created = "create" in row["change"]["actions"]
        assert (row["change"]["before"] is None) <= (
            created or row["change"]["actions"] == ["no-op"]
        )
        assert (row["change"]["after"] is None) <= (not created)
    assert made["planned_values"].keys() == {"root_module"}
    for row in made["planned_values"]["root_module"]["resources"]:
        typed(row, VALUE_KEYS)
