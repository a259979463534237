"""Questions by the hundred, from the page's own OpenAPI document: no answer is a surprise."""

from __future__ import annotations

import importlib
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from reconciler.web.openapi import ENDPOINTS, document
from tests.rig.watched import RUN
from tests.web.staged import staged
from tests.web.test_access import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the generator gives has no types here.
Case: TypeAlias = Any

QUESTIONS = 300
KNOWN: Mapping[str, tuple[str, ...]] = {
    "scope": ("shop", "lab", "edge"),
    "run": (RUN, RUN[:5]),
    "server": ("s-web-2", "s-web-3"),
    "volume": ("v-cache-1", "v-scratch"),
}
"""What a good client would ask for; every other question is as it was generated."""


def test_every_endpoint_is_described_and_answers() -> None:
    app = staged().app()
    assert ask(app, "/api/openapi.json").json() == document()
    for path in ENDPOINTS:
        found = ask(
            app,
            path.format(scope="shop", run=RUN),
            params={"scope": "shop", "server": "s-web-2", "volume": "v-cache-1"},
        )
        assert found.status_code == 200, path


@pytest.mark.counterpart("schemathesis")
def test_no_question_gets_an_answer_that_the_document_doesnt_have() -> None:
    schemathesis = importlib.import_module("schemathesis")
    checks = importlib.import_module("schemathesis.specs.openapi.checks")
    every = [
        importlib.import_module("schemathesis.checks").not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    app = staged().app()
    schema = schemathesis.openapi.from_dict(document())
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    operations = [found.ok() for found in schema.get_all_operations()]
    statuses: Counter[int] = Counter()

    @seed(8)
    @settings(
        max_examples=QUESTIONS,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.one_of([one.as_strategy(generation_mode=m) for one in operations for m in modes]),
        st.integers(0, 5),
    )
    def run(case: Case, known: int) -> None:
        for where in (case.path_parameters, case.query):
            for name in list(where or {}):
                if name in KNOWN and known:
                    where[name] = KNOWN[name][known % len(KNOWN[name])]
        told = case.as_transport_kwargs(base_url="http://127.0.0.1:8470")
        kept = {"url": told["url"], "params": told.get("params"), "method": told["method"]}
        answer = ask(app, kept["url"], kept["method"], params=kept["params"])
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=every)

    run()
    assert statuses.total() == QUESTIONS
    assert {200, 400, 404} <= set(statuses)
