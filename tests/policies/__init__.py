"""Policies as code: Rego over the plan document, as conftest and OPA would read it."""
