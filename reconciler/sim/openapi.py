"""The OpenAPI documents that stand beside the APIs, one a provider."""

from __future__ import annotations

from importlib import resources

import yaml

from reconciler.sim import apis


def openapi(provider: str) -> dict[str, object]:
    """Give the document of what a provider's worlds answer, its anchors resolved."""
    name = f"{provider.replace('-', '_')}.openapi.yaml"
    text = resources.files(apis).joinpath(name).read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, object] = yaml.load(text, Loader=loader)  # noqa: S506 - a safe one
    return document
