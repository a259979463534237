"""The JSON Schema of manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.manifest.json_schema import json_schema

if TYPE_CHECKING:
    from reconciler.report.document import Document


def manifest_schema() -> Document:
    """Give the schema of one document; nothing is read."""
    return json_schema()
