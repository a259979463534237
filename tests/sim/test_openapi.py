"""The simulator's own OpenAPI document says what is mounted, and what is answered."""

from __future__ import annotations

import importlib

import pytest

from reconciler.sim import apis
from reconciler.sim.openapi import openapi
from tests.sim.asking import Json, asker

REQUESTS = 240
"""Of the short storm, all clouds together; the long one is `python -m tests.sim.storm`."""
VERBS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}


def documents() -> list[Json]:
    return [openapi(provider) for provider in apis.worlds()]


def described() -> set[tuple[str, str, bool]]:
    """Give every call of the documents: method, path, and whether it must be signed."""
    return {
        (verb.upper(), path, bool(call.get("security", document["security"])))
        for document in documents()
        for path, calls in document["paths"].items()
        for verb, call in calls.items()
        if verb in VERBS
    }


def mounted() -> set[tuple[str, str, bool]]:
    """Give every call of the tables that the simulator mounts."""
    return {
        (route.method, route.path, route.signed)
        for module in apis.modules()
        for route in getattr(module, "API", ())
    }


def test_what_is_described_is_what_is_mounted() -> None:
    assert described() == mounted()


def test_the_words_of_a_path_are_its_parameters() -> None:
    for document in documents():
        for path, calls in document["paths"].items():
            names = {one["$ref"].rsplit("/", 1)[1] for one in calls.get("parameters", ())}
            words = {part[1:-1] for part in path.split("/") if part.startswith("{")}
            assert {name for name in names if not name.startswith("x_")} == words, path


def test_the_document_is_served_to_this_machine() -> None:
    cloud = asker()
    assert cloud.good("GET", "/_sim/openapi") == openapi("huawei-ecs")
    assert cloud.ask("GET", "/_sim/openapi?projectId=none")[0] == 400


@pytest.mark.counterpart("schemathesis")
def test_a_short_storm_finds_no_answer_that_the_document_does_not_have() -> None:
    # Imported here: the checker is absent in an ordinary checkout, where this is skipped.
    storm = importlib.import_module("tests.sim.storm").blown(REQUESTS, first_seed=0)
    assert storm.sent == REQUESTS
    assert storm.errors == 0
    assert "\n".join(storm.wrong.values()) == ""
    assert {200, 400, 401, 404} <= set(storm.statuses)
    assert storm.jobs
    calls = {label for label, _ in storm.reached}
    for document in documents():
        assert any(label.endswith(f" {path}") for label in calls for path in document["paths"])
